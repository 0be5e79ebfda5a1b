"""Messages of a neutral request in OpenAI's form."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from providers.chat import (
    Assistant,
    Audio,
    Document,
    FileId,
    Image,
    Inline,
    Refusal,
    System,
    Text,
    ToolResult,
    UnknownPart,
    Url,
    User,
)
from providers.errors import Unsupported

if TYPE_CHECKING:
    from providers.chat import Content, Message, Reasoning, ToolCall
    from providers.jsonwalk import Json, JsonObject
    from providers.openai.encode import Extensions


def encode_message(message: Message, extensions: Extensions) -> JsonObject:
    match message:
        case System(content, name):
            return _named("system", name, content, extensions)
        case User(content, name):
            return _named("user", name, content, extensions)
        case ToolResult():
            body: JsonObject = {"role": "tool", "tool_call_id": message.call_id}
            # On a message whose content is a string, a cache mark would be the text's and the message's at once.
            marked = message.cache is not None and extensions.knows("cache_control")
            body["content"] = _content(message.content, extensions, listed=marked)
            extensions.put(body, "is_error", message.is_error)
            extensions.put(body, "cache_control", message.cache)
            return body
        case Assistant():
            return _assistant(message, extensions)
        case _:  # pragma: no cover
            assert_never(message)


def _named(role: str, name: str | None, content: tuple[Content, ...], extensions: Extensions) -> JsonObject:
    body: JsonObject = {"role": role, "content": _content(content, extensions)}
    return body if name is None else {**body, "name": name}


def _assistant(message: Assistant, extensions: Extensions) -> JsonObject:
    body: JsonObject = {"role": "assistant"}
    _put_reasoning(body, message.reasoning, extensions)
    # Null is for an answer that consists of calls; an empty text beside them is refused by some hosts.
    body["content"] = _content(message.content, extensions) if message.content or not message.tool_calls else None
    if message.name is not None:
        body["name"] = message.name
    if message.tool_calls:
        body["tool_calls"] = [_call(call, extensions) for call in message.tool_calls]
    return body


def _put_reasoning(body: JsonObject, reasoning: tuple[Reasoning, ...], extensions: Extensions) -> None:
    """The text in `reasoning_content`; the blocks beside it where that alone would lose something."""
    plain = "".join(block.text for block in reasoning)
    extensions.put(body, "reasoning_content", plain or None)
    if len(reasoning) > 1 or any(block.signature or block.data or block.format or block.id for block in reasoning):
        details: list[Json] = [_detail(block, number) for number, block in enumerate(reasoning)]
        extensions.put(body, "reasoning_details", details)


def _detail(block: Reasoning, number: int) -> JsonObject:
    """OpenRouter's form: https://openrouter.ai/docs/use-cases/reasoning-tokens. OpenAI and xAI show summaries only."""
    if block.data and not block.text:
        detail: JsonObject = {"type": "reasoning.encrypted", "data": block.data}
    elif "responses" in block.format and not block.signature:
        detail = {"type": "reasoning.summary", "summary": block.text}
    else:
        detail = {"type": "reasoning.text", "text": block.text}
    named = {"signature": block.signature, "format": block.format, "id": block.id}
    if block.data:
        detail["data"] = block.data
    return {**detail, **{name: value for name, value in named.items() if value}, "index": number}


def _call(call: ToolCall, extensions: Extensions) -> JsonObject:
    if call.kind == "custom":
        body: JsonObject = {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    else:
        # A call without arguments has the empty object: `""` is not JSON, and hosts that parse it refuse it.
        body = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
    extensions.put(body, "cache_control", call.cache)
    return body


def _content(content: tuple[Content, ...], extensions: Extensions, *, listed: bool = False) -> Json:
    """One text is a string, as every host takes it; the rest is a list of parts."""
    match content:
        case ():
            return ""
        case (Text(text, cache),) if not listed and (cache is None or not extensions.knows("cache_control")):
            extensions.put({}, "cache_control", cache)
            return text
        case _:
            return [_part(part, extensions) for part in content]


def _part(part: Content, extensions: Extensions) -> JsonObject:
    match part:
        case Text(text):
            body: JsonObject = {"type": "text", "text": text}
        case Image(source, detail):
            if isinstance(source, FileId):
                raise Unsupported(
                    "This provider takes images inline or by URL, not by the id of a file.", param="messages"
                )
            image: JsonObject = {"url": _url(source)}
            body = {"type": "image_url", "image_url": image if detail is None else {**image, "detail": detail}}
        case Document():
            body = {"type": "file", "file": _file(part)}
        case Audio(base64, form):
            return {"type": "input_audio", "input_audio": {"data": base64, "format": form}}
        case Refusal(text):
            return {"type": "refusal", "refusal": text}
        case UnknownPart(kind, path):
            raise Unsupported(f"This provider takes no content of type '{kind}'.", param=path)
        case _:  # pragma: no cover
            assert_never(part)
    extensions.put(body, "cache_control", part.cache)
    return body


def _file(part: Document) -> JsonObject:
    named: JsonObject = {} if part.filename is None else {"filename": part.filename}
    if isinstance(part.source, FileId):
        return {**named, "file_id": part.source.id}
    return {**named, "file_data": _url(part.source)}


def _url(source: Url | Inline) -> str:
    if isinstance(source, Url):
        return source.url
    return f"data:{source.media_type};base64,{source.base64}" if source.media_type else source.base64
