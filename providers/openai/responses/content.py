"""Content parts to those of input messages, tool outputs and earlier answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from providers.chat import Audio, Content, Document, FileId, Image, Inline, Refusal, Text, UnknownPart, Url
from providers.errors import Unsupported

if TYPE_CHECKING:
    from providers.dropped import Dropped
    from providers.jsonwalk import Json, JsonObject


# OpenAI's own default, which its document requires to be said.
_DETAIL: Final = "auto"


def input_content(content: tuple[Content, ...], path: str, dropped: Dropped) -> Json:
    """One text is a string, as every host takes it; the rest is a list of parts. `path`: where `content` stood."""
    match content:
        case ():
            return ""
        case (Text(text, None),):
            return text
        case _:
            return [_part(part, f"{path}.content[{number}]", dropped) for number, part in enumerate(content)]


def answer_content(content: tuple[Content, ...], path: str, dropped: Dropped) -> Json:
    """The same of an earlier answer, whose parts have other names. Empty text says nothing and is left out."""
    match content:
        case (Text(text, None),):
            return text
        case _:
            parts = (_said(part, f"{path}.content[{number}]", dropped) for number, part in enumerate(content))
            return [part for part in parts if part is not None]


def _said(part: Content, path: str, dropped: Dropped) -> JsonObject | None:
    match part:
        case Text(text):
            _drop_cache(part, dropped)
            return {"type": "output_text", "text": text, "annotations": []} if text else None
        case Refusal(text):
            return {"type": "refusal", "refusal": text}
        case UnknownPart(type=kind, path=where):
            raise _unknown(kind, where)
        case _:
            raise Unsupported("An earlier answer here consists of text.", param=path)


def _part(part: Content, path: str, dropped: Dropped) -> JsonObject:
    match part:
        case Text(text) | Refusal(text):
            body: JsonObject = {"type": "input_text", "text": text}
        case Image(source, detail):
            body = {"type": "input_image", "image_url": _url(source), "detail": detail or _DETAIL}
        case Document():
            body = {"type": "input_file", **_file(part, dropped)}
        case Audio():
            raise Unsupported("The Responses API takes no audio.", param=path)
        case UnknownPart(type=kind, path=where):
            raise _unknown(kind, where)
        case _:  # pragma: no cover
            assert_never(part)
    _drop_cache(part, dropped)
    return body


def _file(part: Document, dropped: Dropped) -> JsonObject:
    """The name belongs to inline data; a file that is elsewhere has its own."""
    if isinstance(part.source, Inline):
        data = _url(part.source) if part.source.media_type else part.source.base64
        named: JsonObject = {} if part.filename is None else {"filename": part.filename}
        return {**named, "file_data": data}
    if part.filename is not None:
        dropped.add("messages[].content[].file.filename")
    return {"file_id": part.source.id} if isinstance(part.source, FileId) else {"file_url": part.source.url}


def _url(source: Url | Inline) -> str:
    return source.url if isinstance(source, Url) else f"data:{source.media_type};base64,{source.base64}"


def _drop_cache(part: Content, dropped: Dropped) -> None:
    """A mark for Anthropic's prompt cache. OpenAI's caches by itself, and its breakpoints are another thing."""
    if isinstance(part, Text | Image | Document) and part.cache is not None:
        dropped.add("messages[].content[].cache_control")


def _unknown(kind: str, path: str) -> Unsupported:
    return Unsupported(f"Content of type {kind!r} cannot be sent to the Responses API.", param=path)
