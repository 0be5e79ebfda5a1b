"""Content parts, reasoning, tool calls and results to content blocks."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, assert_never

from providers.bedrock.media import audio_block, media_block
from providers.bedrock.names import BEDROCK_REASONING, CLAUDE_REASONING, tool_id, tool_name
from providers.chat import Audio, Content, Document, Image, Refusal, Text, UnknownPart
from providers.errors import InvalidRequest, Unsupported
from providers.jsonwalk import MalformedJson, load_object

if TYPE_CHECKING:
    from providers.bedrock.draft import Draft
    from providers.chat import Reasoning, ToolCall, ToolResult
    from providers.jsonwalk import Json, JsonObject


def text_blocks(text: str, cache: JsonObject | None, draft: Draft) -> list[JsonObject]:
    """One block, or none: Bedrock refuses text of nothing but white space, and such text says nothing."""
    return draft.cached([{"text": text}] if text.strip() else [], cache)


def content_blocks(content: tuple[Content, ...], path: str, draft: Draft) -> list[JsonObject]:
    """`path` is where `content` stood in the client's request, for messages about it."""
    return [
        block for number, part in enumerate(content) for block in _part_blocks(part, f"{path}.content[{number}]", draft)
    ]


def only_text(content: tuple[Content, ...], path: str, draft: Draft) -> list[JsonObject]:
    """For the roles that may only write text. Raises `Unsupported` for anything else."""
    for number, part in enumerate(content):
        if not isinstance(part, Text | Refusal):
            raise Unsupported(
                "Bedrock takes only text in system and assistant messages.", param=f"{path}.content[{number}]"
            )
    return content_blocks(content, path, draft)


def _part_blocks(part: Content, path: str, draft: Draft) -> list[JsonObject]:
    match part:
        case Text(text, cache):
            return text_blocks(text, cache, draft)
        case Refusal(text):
            return text_blocks(text, None, draft)
        case Image(source, detail, cache):
            if detail not in {None, "auto"}:
                draft.drop("messages[].content[].image_url.detail")
            return draft.cached([media_block(source, None, path, draft)], cache)
        case Document(source, filename, cache):
            return draft.cached([media_block(source, filename, path, draft)], cache)
        case Audio(data, kind):
            return [audio_block(data, kind, path)]
        case UnknownPart(type=kind, path=where):
            raise Unsupported(f"Content of type {kind!r} cannot be sent to Bedrock.", param=where)
        case _:  # pragma: no cover
            assert_never(part)


def reasoning_blocks(reasoning: Reasoning, draft: Draft) -> list[JsonObject]:
    """One block for thinking that this model takes back, or none."""
    block = _reasoning_block(reasoning, draft.model.replay)
    if block is None:
        draft.drop("messages[].reasoning")
        return []
    return [{"reasoningContent": block}]


def _reasoning_block(reasoning: Reasoning, replay: str) -> JsonObject | None:
    mark = reasoning.format
    if replay == "any" and mark == "" and not reasoning.data:
        return _reasoning_text(reasoning)
    if replay != "signed" or mark not in {CLAUDE_REASONING, BEDROCK_REASONING, ""}:
        return None
    if reasoning.data:
        wrapped = base64.b64encode(reasoning.data.encode("utf-8", "replace")).decode()
        return {"redactedContent": reasoning.data if mark == BEDROCK_REASONING else wrapped}
    return _reasoning_text(reasoning) if reasoning.signature else None


def _reasoning_text(reasoning: Reasoning) -> JsonObject:
    said: JsonObject = {"text": reasoning.text}
    return {"reasoningText": {**said, "signature": reasoning.signature} if reasoning.signature else said}


def tool_use_blocks(call: ToolCall, path: str, draft: Draft) -> list[JsonObject]:
    if call.kind != "function":
        raise Unsupported("Bedrock has no custom tools with free text as input.", param=path)
    block: JsonObject = {
        "toolUseId": tool_id(call.id, strict=draft.model.thinks),
        "name": tool_name(call.name),
        "input": _arguments(call.arguments, f"{path}.function.arguments"),
    }
    return draft.cached([{"toolUse": block}], call.cache)


def tool_result_blocks(result: ToolResult, path: str, draft: Draft) -> list[JsonObject]:
    """Cache points of the parts move behind the result: Converse has none inside of one."""
    said = content_blocks(result.content, path, draft)
    points = [block for block in said if "cachePoint" in block]
    content: list[Json] = [block for block in said if "cachePoint" not in block]
    block: JsonObject = {
        "toolUseId": tool_id(result.call_id, strict=draft.model.thinks),
        "content": content,
    }
    if result.is_error is not None:
        block["status"] = "error" if result.is_error else "success"
    whole = draft.cached([{"toolResult": block}], result.cache)
    return whole if len(whole) > 1 else [*whole, *points[-1:]]


def _arguments(text: str, path: str) -> JsonObject:
    if not text.strip():
        return {}
    try:
        return load_object(text)
    except MalformedJson as fault:
        raise InvalidRequest(f"Tool call arguments must be one JSON object: {fault}.", param=path) from None
