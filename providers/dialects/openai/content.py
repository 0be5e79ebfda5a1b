"""Message content: a string, or a list of parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.chat import Audio, Content, Document, FileId, Image, Inline, Refusal, Text, UnknownPart, Url

if TYPE_CHECKING:
    from providers.dialects.reader import Reader


def parse_content(message: Reader, *, cached: bool = True) -> tuple[Content, ...]:
    """The parts; a string is one text part, null none. `cached`: the string takes the message's `cache_control`."""
    value = message.value.get("content")
    if value is None:
        return ()
    if isinstance(value, str):
        return (Text(value, message.object("cache_control") if cached else None),)
    if not isinstance(value, list):
        message.mistyped("content", "a string or an array of objects")
    return tuple(_part(part) for part in message.children("content"))


def _part(part: Reader) -> Content:
    match part.need_text("type"):
        case "text":
            return Text(part.need_text("text"), part.object("cache_control"))
        case "image_url":
            return _image(part)
        case "input_audio" if not isinstance(part.value.get("input_audio"), str):  # Mistral's form is a bare string
            audio = part.need_child("input_audio")
            return Audio(audio.need_text("data"), audio.need_text("format"))
        case "file":
            return _document(part)
        case "refusal":
            return Refusal(part.need_text("refusal"))
        case other:
            return UnknownPart(other, part.path)


def _image(part: Reader) -> Image:
    cache = part.object("cache_control")
    if isinstance(part.value.get("image_url"), str):  # LangChain and others shorten the object to its URL
        return Image(_source(part.need_text("image_url")), None, cache)
    image = part.need_child("image_url")
    return Image(_source(image.need_text("url")), image.text("detail"), cache)


def _document(part: Reader) -> Document:
    file = part.need_child("file")
    filename = file.text("filename")
    cache = part.object("cache_control")
    file_id = file.text("file_id")
    if file_id is not None:
        return Document(FileId(file_id), filename, cache)
    data = file.need_text("file_data")
    if data.startswith(("data:", "https://", "http://")):
        return Document(_source(data), filename, cache)
    return Document(Inline("", data), filename, cache)


def _source(url: str) -> Url | Inline:
    """RFC 2397: `data:[<media type>][;parameter]…;base64,<data>`; any other URL stays one."""
    head, comma, data = url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        return Inline(head[len("data:") : -len(";base64")].partition(";")[0], data)
    return Url(url)
