"""Images, documents, audio and video: inline, or by URL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, assert_never

from providers.chat import Audio, Document, FileId, Image, Inline, Url
from providers.errors import Unsupported

if TYPE_CHECKING:
    from providers.dropped import Dropped
    from providers.jsonwalk import JsonObject

# How the kinds that are told by their beginning begin in base64, for a client that does not say.
_MAGIC = {
    "iVBORw0KGgo": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
    "JVBERi0": "application/pdf",
}
_SCHEMES = ("https://", "http://", "gs://")
_FILES = "https://generativelanguage.googleapis.com/v1beta/"
_FILE_NAME = re.compile(r"files/[a-z0-9-]{1,64}")
_AUDIO_FORMAT = re.compile(r"[a-z0-9][a-z0-9.+-]{0,31}")

# By the ending of a file's name. What Google takes, and no more: `mimetypes` would ask the machine.
_ENDINGS = {
    "aac": "audio/aac",
    "aiff": "audio/aiff",
    "avi": "video/x-msvideo",
    "css": "text/css",
    "csv": "text/csv",
    "flac": "audio/flac",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
    "htm": "text/html",
    "html": "text/html",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript",
    "json": "application/json",
    "m4a": "audio/mp4",
    "md": "text/markdown",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "ogg": "audio/ogg",
    "pdf": "application/pdf",
    "png": "image/png",
    "py": "text/x-python",
    "rtf": "text/rtf",
    "txt": "text/plain",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "xml": "text/xml",
}


def media_part(part: Image | Document | Audio, path: str, dropped: Dropped) -> JsonObject:
    """Raises `Unsupported` for media of no known type, and for files and URLs that Google cannot reach."""
    match part:
        case Image(source, detail):
            if detail not in {None, "auto"}:
                dropped.add("messages[].content[].image_url.detail")
            return _source(source, "", path)
        case Document(source, filename):
            if filename:
                dropped.add("messages[].content[].file.filename")
            return _source(source, filename or "", path)
        case Audio(data, kind):
            if not _AUDIO_FORMAT.fullmatch(kind.lower()):
                raise Unsupported("This audio format has no media type.", param=path)
            return _inline(f"audio/{kind.lower()}", data)
        case _:  # pragma: no cover
            assert_never(part)


def _source(source: Url | Inline | FileId, filename: str, path: str) -> JsonObject:
    match source:
        case Url(url):
            if not url.startswith(_SCHEMES):
                raise Unsupported("Google takes https:// and gs:// URLs, and data URIs in base64.", param=path)
            return _file(url, _guessed(filename) or _guessed(url.partition("?")[0].partition("#")[0]))
        case FileId(id=name):
            if name.startswith(_FILES):
                return _file(name, _guessed(filename))
            if not _FILE_NAME.fullmatch(name):
                raise Unsupported("This file id is not Google's: send the file inline or by URL.", param=path)
            return _file(_FILES + name, _guessed(filename))
        case Inline(media_type, data):
            kind = media_type.lower() or _told_by_head(data) or _guessed(filename)
            if kind is None:
                raise Unsupported("Say the media type: data:<type>;base64,<data>.", param=path)
            return _inline(kind, data)
        case _:  # pragma: no cover
            assert_never(source)


def _inline(kind: str, data: str) -> JsonObject:
    return {"inlineData": {"mimeType": kind, "data": data}}


def _file(url: str, kind: str | None) -> JsonObject:
    """Without a media type Google finds it out itself, where it can."""
    return {"fileData": {"fileUri": url} if kind is None else {"mimeType": kind, "fileUri": url}}


def _told_by_head(data: str) -> str | None:
    return next((kind for head, kind in _MAGIC.items() if data.startswith(head)), None)


def _guessed(name: str) -> str | None:
    return _ENDINGS.get(name.lower().rpartition("/")[2].rpartition(".")[2])
