"""Content parts to content blocks."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING, assert_never

from providers.chat import Audio, Content, Document, FileId, Image, Inline, Refusal, Text, UnknownPart, Url
from providers.errors import InvalidRequest, Unsupported
from providers.jsonwalk import Json, JsonObject, MalformedJson, load_object

if TYPE_CHECKING:
    from providers.chat import Reasoning, ToolCall, ToolResult
    from providers.dropped import Dropped

# Marks reasoning that Claude made, in OpenRouter's vocabulary, so that it is sent back to Claude and nobody else.
REASONING_FORMAT = "anthropic-claude-v1"

# The four kinds of image that Anthropic takes, and how each begins in base64, for a client that does not say.
_IMAGES = {"iVBORw0KGgo": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"}
_PDF_IN_BASE64 = "JVBERi0"
_TEXT_TYPES = frozenset({"application/json", "application/xml", "application/yaml", "application/x-yaml"})
_TEXT_SUFFIXES = (".txt", ".md", ".csv", ".json", ".xml", ".yaml", ".yml", ".html")
TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")


def text_block(text: str, cache: JsonObject | None, dropped: Dropped) -> list[JsonObject]:
    """One block, or none: Anthropic refuses text of nothing but white space, and such text says nothing."""
    if text.strip():
        return [_cached({"type": "text", "text": text}, cache)]
    if cache is not None:
        dropped.add("messages[].content[].cache_control")
    return []


def content_blocks(content: tuple[Content, ...], path: str, dropped: Dropped) -> list[JsonObject]:
    """`path` is where `content` stood in the client's request, for messages about it."""
    return [
        block
        for number, part in enumerate(content)
        for block in _part_blocks(part, f"{path}.content[{number}]", dropped)
    ]


def only_text(content: tuple[Content, ...], path: str, dropped: Dropped) -> list[JsonObject]:
    """For the roles that may only write text. Raises `Unsupported` for anything else."""
    for number, part in enumerate(content):
        if not isinstance(part, Text | Refusal):
            where = part.path if isinstance(part, UnknownPart) else f"{path}.content[{number}]"
            raise Unsupported("Anthropic takes only text in system and assistant messages.", param=where)
    return content_blocks(content, path, dropped)


def _part_blocks(part: Content, path: str, dropped: Dropped) -> list[JsonObject]:
    match part:
        case Text(text, cache):
            return text_block(text, cache, dropped)
        case Refusal(text):
            return text_block(text, None, dropped)
        case Image(source, detail, cache):
            if detail not in {None, "auto"}:
                dropped.add("messages[].content[].image_url.detail")
            return [_cached({"type": "image", "source": _image_source(source, path)}, cache)]
        case Document(source, filename, cache):
            block: JsonObject = {"type": "document", "source": _document_source(source, filename, path)}
            if filename:
                block["title"] = filename
            return [_cached(block, cache)]
        case Audio():
            raise Unsupported("Anthropic takes no audio.", param=path)
        case UnknownPart(type=kind, path=where):
            raise Unsupported(f"Content of type {kind!r} cannot be sent to Anthropic.", param=where)
        case _:  # pragma: no cover
            assert_never(part)


def _image_source(source: Url | Inline | FileId, path: str) -> JsonObject:
    if isinstance(source, Url):
        return {"type": "url", "url": source.url}
    if isinstance(source, FileId):
        return _file_source(source.id, path)
    kind = source.media_type.lower().replace("image/jpg", "image/jpeg")
    if not kind:
        kind = next((kind for head, kind in _IMAGES.items() if source.base64.startswith(head)), "")
    if kind not in _IMAGES.values():
        raise Unsupported("Anthropic takes images in PNG, JPEG, GIF and WebP only.", param=path)
    return {"type": "base64", "media_type": kind, "data": source.base64}


def _document_source(source: Url | Inline | FileId, filename: str | None, path: str) -> JsonObject:
    match source:
        case Url(url):
            return {"type": "url", "url": url}
        case FileId(id=file_id):
            return _file_source(file_id, path)
        case Inline(media_type, data):
            kind = media_type.lower() or _guessed(data, filename or "")
            if kind == "application/pdf":
                return {"type": "base64", "media_type": kind, "data": data}
            if kind.startswith("text/") or kind in _TEXT_TYPES:
                return {"type": "text", "media_type": "text/plain", "data": _decoded(data, path)}
            raise Unsupported("Anthropic takes documents as PDF or text only.", param=path)
        case _:  # pragma: no cover
            assert_never(source)


def _file_source(file_id: str, path: str) -> JsonObject:
    """Anthropic's ids are `file_…`, OpenAI's `file-…`: a file lies with the provider it was uploaded to."""
    if file_id.startswith("file_"):
        return {"type": "file", "file_id": file_id}
    raise Unsupported("This file id is not Anthropic's: send the file inline or by URL.", param=path)


def _guessed(data: str, filename: str) -> str:
    if data.startswith(_PDF_IN_BASE64) or filename.lower().endswith(".pdf"):
        return "application/pdf"
    return "text/plain" if filename.lower().endswith(_TEXT_SUFFIXES) else ""


def _decoded(data: str, path: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidRequest("The document is not base64 of UTF-8 text.", param=path) from None


def thinking_block(reasoning: Reasoning, dropped: Dropped) -> list[JsonObject]:
    """One block for thinking that Claude signed, or none: Anthropic refuses what it cannot verify."""
    if not is_claudes(reasoning):
        dropped.add("messages[].reasoning")
        return []
    if reasoning.data:
        return [{"type": "redacted_thinking", "data": reasoning.data}]
    return [{"type": "thinking", "thinking": reasoning.text, "signature": reasoning.signature}]


def is_claudes(reasoning: Reasoning) -> bool:
    """Whether Claude made it and sealed it, as far as one can tell."""
    return reasoning.format in {REASONING_FORMAT, ""} and bool(reasoning.data or reasoning.signature)


def tool_use_block(call: ToolCall, path: str) -> JsonObject:
    if call.kind != "function":
        raise Unsupported("Anthropic has no custom tools with free text as input.", param=path)
    block: JsonObject = {
        "type": "tool_use",
        "id": tool_id(call.id),
        "name": call.name,
        "input": _arguments(call.arguments, f"{path}.function.arguments"),
    }
    return _cached(block, call.cache)


def tool_result_block(result: ToolResult, path: str, dropped: Dropped) -> JsonObject:
    block: JsonObject = {"type": "tool_result", "tool_use_id": tool_id(result.call_id)}
    content: list[Json] = [*content_blocks(result.content, path, dropped)]
    if content:
        block["content"] = content
    if result.is_error is not None:
        block["is_error"] = result.is_error
    return _cached(block, result.cache)


def _arguments(text: str, path: str) -> JsonObject:
    if not text.strip():
        return {}
    try:
        return load_object(text)
    except MalformedJson as fault:
        raise InvalidRequest(f"Tool call arguments must be one JSON object: {fault}.", param=path) from None


def tool_id(call_id: str) -> str:
    """The id as Anthropic takes it (`^[a-zA-Z0-9_-]+$`): the same for a call and its result, and for every repeat."""
    if TOOL_ID.fullmatch(call_id):
        return call_id
    digest = hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"call_{digest[:32]}"


def _cached(block: JsonObject, cache: JsonObject | None) -> JsonObject:
    return block if cache is None else {**block, "cache_control": cache}
