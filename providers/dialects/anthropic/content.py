"""Content blocks, and what of them has no word in the neutral request."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from providers.chat import Content, Document, FileId, Image, Inline, Text, UnknownPart, Url

if TYPE_CHECKING:
    from providers.dialects.reader import Reader
    from providers.dropped import Dropped
    from providers.jsonwalk import Json

_READ: Final = {
    "text": frozenset({"text", "cache_control"}),
    "image": frozenset({"source", "cache_control"}),
    "document": frozenset({"source", "title", "cache_control"}),
    "thinking": frozenset({"thinking", "signature"}),
    "redacted_thinking": frozenset({"data"}),
    "tool_use": frozenset({"id", "name", "input", "cache_control"}),
    "tool_result": frozenset({"tool_use_id", "content", "is_error", "cache_control"}),
}
# What a member means when it is left out.
_DEFAULTS: Final[dict[str, Json]] = {"caller": {"type": "direct"}, "citations": {"enabled": False}}


def blocks_of(owner: Reader, unread: Dropped) -> list[Reader]:
    """The blocks of `content`, one of which a string is short for. `unread` takes the members without a word here."""
    value = owner.value.get("content")
    if isinstance(value, str):
        text: Json = {"type": "text", "text": value}
        owner = type(owner)({"content": [text]}, owner.path)
    elif not isinstance(value, list):
        owner.mistyped("content", "a string or an array of objects")
    blocks = list(owner.children("content"))
    for block in blocks:
        note_unread(block, unread)
    return blocks


def note_unread(block: Reader, unread: Dropped) -> None:
    known = _READ.get(block.need_text("type"))
    if known is None:
        return
    for name, value in block.value.items():
        if name not in {"type", *known} and value not in (None, "", [], {}, _DEFAULTS.get(name)):
            unread.add(f"messages[].content[].{name}")


def parse_block(block: Reader) -> Content:
    """Any that is no thinking and no part of a tool call. Unknown ones only their own wire can carry."""
    cache = block.object("cache_control")
    match block.need_text("type"):
        case "text":
            return Text(block.need_text("text"), cache)
        case "image":
            source = _source(block.need_child("source"))
            return UnknownPart("image", block.path) if source is None else Image(source, None, cache)
        case "document":
            source = _document_source(block.need_child("source"))
            if source is None:
                return UnknownPart("document", block.path)
            return Document(source, block.text("title"), cache)
        case other:
            return UnknownPart(other, block.path)


def _source(source: Reader) -> Url | Inline | FileId | None:
    """None for a kind of source that this release does not know."""
    match source.need_text("type"):
        case "base64":
            return Inline(source.text("media_type") or "", source.need_text("data"))
        case "url":
            return Url(source.need_text("url"))
        case "file":
            return FileId(source.need_text("file_id"))
        case _:
            return None


def _document_source(source: Reader) -> Url | Inline | FileId | None:
    if source.text("type") == "text":
        text = source.need_text("data").encode("utf-8", "surrogatepass")
        return Inline(source.text("media_type") or "text/plain", base64.b64encode(text).decode("ascii"))
    return _source(source)
