"""Anthropic's rules for the messages themselves: roles, blocks, the pairing of tools, the place of thinking."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

from tests.simulator.providers.anthropic_models import takes_prefill
from tests.simulator.providers.base import Refused
from tests.simulator.providers.signature import is_redacted, signed

if TYPE_CHECKING:
    from tests.simulator.providers.base import Json

_TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")
_IMAGES = {"image/jpeg", "image/png", "image/gif", "image/webp"}
# By block type: who may send it, the fields it must have, and those it may have besides `type` and `cache_control`.
_USER, _BOTH, _ASSISTANT = {"user"}, {"user", "assistant"}, {"assistant"}
_BLOCKS: dict[str, tuple[set[str], set[str], set[str]]] = {
    "text": (_BOTH, {"text"}, {"citations"}),
    "image": (_USER, {"source"}, set()),
    "document": (_USER, {"source"}, {"title", "context", "citations"}),
    "search_result": (_USER, {"source", "title", "content"}, {"citations"}),
    "tool_result": (_USER, {"tool_use_id"}, {"content", "is_error"}),
    "tool_use": (_ASSISTANT, {"id", "name", "input"}, {"caller"}),
    "thinking": (_ASSISTANT, {"thinking", "signature"}, set()),
    "redacted_thinking": (_ASSISTANT, {"data"}, set()),
    "server_tool_use": (_ASSISTANT, {"id", "name", "input"}, {"caller"}),
    "web_search_tool_result": (_ASSISTANT, {"tool_use_id", "content"}, {"caller"}),
}


def invalid(message: str) -> Refused:
    return Refused(400, "invalid_request_error", message)


def check_system(body: Json) -> None:
    system = body.get("system", ())
    for index, block in enumerate(system if isinstance(system, list) else ()):
        if block.get("type") != "text":
            raise invalid(f"system.{index}: Input should be a valid text block")
        _check_text(block, f"system.{index}", "system")


def check_messages(body: Json) -> None:
    messages = body["messages"]
    if not messages:
        raise invalid("messages: at least one message is required")
    _check_roles(messages, body["model"])
    for index, message in enumerate(messages):
        _check_content(message, index, last=index == len(messages) - 1)
    _check_cache_marks(body)
    _check_tools(messages)
    if (body.get("thinking") or {}).get("type") == "enabled":
        _check_thinking_first(messages)


def _check_roles(messages: list[Any], model: str) -> None:
    for index, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if role == "system":
            raise invalid(
                'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter.'
            )
        if role not in _BOTH:
            raise invalid(f"messages.{index}.role: Input should be 'user' or 'assistant'")
        for extra in message.keys() - {"role", "content"}:
            raise invalid(f"messages.{index}.{extra}: Extra inputs are not permitted")
        if "content" not in message:
            raise invalid(f"messages.{index}.content: Field required")
    if messages[0]["role"] != "user":
        raise invalid('messages: first message must use the "user" role')
    if messages[-1]["role"] == "assistant" and not takes_prefill(model):
        raise invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )


def _check_content(message: Json, index: int, *, last: bool) -> None:
    content, place = message["content"], f"messages.{index}"
    if not isinstance(content, str | list):
        raise invalid(f"{place}.content: Input should be a valid list")
    if not content and not (last and message["role"] == "assistant"):
        raise invalid(
            f"{place}: all messages must have non-empty content except for the optional final assistant message"
        )
    if isinstance(content, str) and content and not content.strip():
        raise invalid("messages: text content blocks must contain non-whitespace text")
    for position, block in enumerate(content if isinstance(content, list) else ()):
        _check_block(block, message["role"], f"{place}.content.{position}")
    if last and message["role"] == "assistant" and _ends_in_space(content):
        raise invalid("messages: final assistant content cannot end with trailing whitespace")


def _ends_in_space(content: str | list[Json]) -> bool:
    text = content if isinstance(content, str) else content[-1].get("text", "") if content else ""
    return text != text.rstrip()


def _check_block(block: Any, role: str, place: str) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in _BLOCKS:
        expected = ", ".join(f"'{name}'" for name in _BLOCKS)
        raise invalid(
            f"{place}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {expected}"
        )
    roles, required, optional = _BLOCKS[kind]
    if role not in roles:
        raise invalid(f"messages: `{kind}` blocks can only be in `{next(iter(roles))}` messages")
    for missing in sorted(required - block.keys()):
        raise invalid(f"{place}.{kind}.{missing}: Field required")
    for extra in block.keys() - required - optional - {"type", "cache_control"}:
        raise invalid(f"{place}.{kind}.{extra}: Extra inputs are not permitted")
    _check_kind(kind, block, place)


def _check_kind(kind: str, block: Json, place: str) -> None:
    match kind:
        case "text":
            _check_text(block, f"{place}.text", "messages")
        case "image" | "document":
            _check_source(block["source"], f"{place}.{kind}.source", image=kind == "image")
        case "tool_use":
            _check_tool_use(block, f"{place}.tool_use")
        case "tool_result":
            _check_result(block.get("content", ""), f"{place}.tool_result.content")
        case "thinking":
            if block["signature"] != signed(block["thinking"]):
                raise invalid(f"{place}: Invalid `signature` in `thinking` block")
        case "redacted_thinking":
            if not is_redacted(block["data"]):
                raise invalid(f"{place}: Invalid `data` in `redacted_thinking` block")
        case _:
            pass


def _check_text(block: Json, place: str, root: str) -> None:
    if not isinstance(block.get("text"), str):
        raise invalid(f"{place}.text: Input should be a valid string")
    if not block["text"]:
        raise invalid(f"{root}: text content blocks must be non-empty")
    if not block["text"].strip():
        raise invalid(f"{root}: text content blocks must contain non-whitespace text")


def _check_source(source: Json, place: str, *, image: bool) -> None:
    match source.get("type"):
        case "url" if str(source.get("url", "")).startswith("https://"):
            return
        case "file" if source.get("file_id"):
            return
        case "text" | "content" if not image:
            return
        case "base64":
            if image and source.get("media_type") not in _IMAGES:
                raise invalid(
                    f"{place}.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'"
                )
            if not image and source.get("media_type") != "application/pdf":
                raise invalid(f"{place}.base64.media_type: Input should be 'application/pdf'")
            _check_base64(source.get("data"), place)
        case _:
            raise invalid(f"{place}: Input should be a valid source")


def _check_base64(data: object, place: str) -> None:
    try:
        base64.b64decode(data if isinstance(data, str) else "?", validate=True)
    except binascii.Error as error:
        raise invalid(f"{place}.base64.data: invalid base64 data") from error


def _check_tool_use(block: Json, place: str) -> None:
    if not isinstance(block["input"], dict):
        raise invalid(f"{place}.input: Input should be a valid dictionary")
    if not _TOOL_ID.fullmatch(block["id"]):
        raise invalid(f"{place}.id: String should match pattern '^[a-zA-Z0-9_-]+$'")


def _check_result(content: Any, place: str) -> None:
    if not isinstance(content, str | list):
        raise invalid(f"{place}: Input should be a valid list")
    for index, block in enumerate(content if isinstance(content, list) else ()):
        if block.get("type") not in {"text", "image", "document", "search_result"}:
            raise invalid(f"{place}.{index}: Input tag '{block.get('type')}' does not match any of the expected tags")
        if block["type"] == "text":
            _check_text(block, f"{place}.{index}.text", "messages")


def _check_cache_marks(body: Json) -> None:
    blocks: list[Json] = [*_listed(body.get("system")), *(body.get("tools") or ())]
    for message in body["messages"]:
        blocks += _listed(message["content"])
    found = sum("cache_control" in block for block in blocks)
    if found > 4:
        raise invalid(f"A maximum of 4 blocks with cache_control may be provided. Found {found}.")


def _listed(content: Any) -> list[Json]:
    return content if isinstance(content, list) else []


def _check_tools(messages: list[Json]) -> None:
    """Every `tool_use` has its `tool_result` at the head of the very next message, and no result comes unasked."""
    uses: list[str] = []
    everything: set[str] = set()
    for index, message in enumerate(messages):
        results = _leading_results(message)
        missing = [use for use in uses if use not in results]
        if missing:
            raise _unanswered(index - 1, missing)
        for position, block in enumerate(_listed(message["content"])):
            if block["type"] == "tool_result" and block["tool_use_id"] not in uses:
                place = f"messages.{index}.content.{position}"
                reason = "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                raise invalid(
                    f"{place}: unexpected `tool_use_id` found in `tool_result` blocks: {block['tool_use_id']}. {reason}"
                )
        uses = [block["id"] for block in _listed(message["content"]) if block["type"] == "tool_use"]
        if everything & set(uses) or len(set(uses)) < len(uses):
            raise invalid("messages: `tool_use` ids must be unique")
        everything |= set(uses)
    if uses:
        raise _unanswered(len(messages) - 1, uses)


def _leading_results(message: Json) -> set[str]:
    found: set[str] = set()
    for block in _listed(message["content"]):
        if block["type"] != "tool_result":
            break
        found.add(block["tool_use_id"])
    return found


def _unanswered(index: int, missing: list[str]) -> Refused:
    reason = "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
    ids = ", ".join(missing)
    return invalid(
        f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: {ids}. {reason}"
    )


def _check_thinking_first(messages: list[Json]) -> None:
    """The last assistant turn with tools has to begin with what the model thought before it called them."""
    for index in range(len(messages) - 1, -1, -1):
        blocks = _listed(messages[index]["content"])
        if messages[index]["role"] == "assistant" and any(block["type"] == "tool_use" for block in blocks):
            found = blocks[0]["type"]
            if found not in {"thinking", "redacted_thinking"}:
                place = f"messages.{index}.content.0.type"
                reason = "When `thinking` is enabled, a final `assistant` message must start with a thinking block"
                raise invalid(f"{place}: Expected `thinking` or `redacted_thinking`, but found `{found}`. {reason}.")
            return
