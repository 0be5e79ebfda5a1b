"""Content parts to content blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from providers.chat import Audio, Content, Document, FileId, Image, Inline, Refusal, Text, UnknownPart, Url
from providers.errors import Unsupported

if TYPE_CHECKING:
    from providers.dropped import Dropped
    from providers.jsonwalk import Json, JsonObject

# How each kind of image that Cohere takes begins in base64, for a client that does not say.
_IMAGES = {"iVBORw0KGgo": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"}
_DETAILS = frozenset({"auto", "low", "high"})


def content_blocks(content: tuple[Content, ...], path: str, dropped: Dropped) -> list[Json]:
    """`path` is where `content` stood in the client's request, for messages about it.

    Empty text gives no block: it says nothing, and Cohere refuses a turn of nothing else.
    """
    blocks = (_block(part, f"{path}.content[{number}]", dropped) for number, part in enumerate(content))
    return [block for block in blocks if block is not None]


def only_text(content: tuple[Content, ...], path: str, dropped: Dropped) -> list[Json]:
    """For all but the user. Raises `Unsupported` for anything but text."""
    for number, part in enumerate(content):
        if not isinstance(part, Text | Refusal):
            raise Unsupported("Cohere takes anything but text from the user only.", param=f"{path}.content[{number}]")
    return content_blocks(content, path, dropped)


def _block(part: Content, path: str, dropped: Dropped) -> JsonObject | None:
    if isinstance(part, Text | Image | Document) and part.cache is not None:
        dropped.add("messages[].content[].cache_control")
    match part:
        case Text(text) | Refusal(text):
            return {"type": "text", "text": text} if text else None
        case Image():
            return {"type": "image_url", "image_url": _image(part, path, dropped)}
        case Document():
            raise Unsupported("Cohere takes no files; send their text, or its own 'documents'.", param=path)
        case Audio():
            raise Unsupported("Cohere takes no audio.", param=path)
        case UnknownPart(type=kind, path=where):
            raise Unsupported(f"Content of type {kind!r} cannot be sent to Cohere.", param=where)
        case _:  # pragma: no cover
            assert_never(part)


def _image(image: Image, path: str, dropped: Dropped) -> JsonObject:
    """Whether the model sees images at all is left to Cohere, which says so in a clear 400."""
    inner: JsonObject = {"url": _url(image.source, path)}
    if image.detail in _DETAILS:
        inner["detail"] = image.detail
    elif image.detail is not None:
        dropped.add("messages[].content[].image_url.detail")
    return inner


def _url(source: Url | Inline | FileId, path: str) -> str:
    if isinstance(source, FileId):
        raise Unsupported("Cohere takes images inline or by URL, not by the id of a file.", param=path)
    if isinstance(source, Url):
        return source.url
    kind = source.media_type or next((kind for head, kind in _IMAGES.items() if source.base64.startswith(head)), "")
    if not kind:
        raise Unsupported("Say what kind of image it is: Cohere needs its media type.", param=path)
    return f"data:{kind};base64,{source.base64}"
