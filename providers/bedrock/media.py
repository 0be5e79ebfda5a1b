"""Images, documents, video and sound to Converse's blocks: bytes in base64, or a place in S3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.bedrock.names import document_name
from providers.chat import FileId, Inline, Url
from providers.errors import Unsupported

if TYPE_CHECKING:
    from providers.bedrock.draft import Draft
    from providers.jsonwalk import JsonObject

# Bedrock's word for each media type, and the kind of block that it goes into.
_FORMATS: dict[str, tuple[str, str]] = {
    "image/png": ("image", "png"),
    "image/jpeg": ("image", "jpeg"),
    "image/jpg": ("image", "jpeg"),
    "image/gif": ("image", "gif"),
    "image/webp": ("image", "webp"),
    "application/pdf": ("document", "pdf"),
    "text/csv": ("document", "csv"),
    "text/html": ("document", "html"),
    "text/markdown": ("document", "md"),
    "application/msword": ("document", "doc"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("document", "docx"),
    "application/vnd.ms-excel": ("document", "xls"),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("document", "xlsx"),
    "application/json": ("document", "txt"),
    "application/xml": ("document", "txt"),
    "application/yaml": ("document", "txt"),
    "application/x-yaml": ("document", "txt"),
    "video/mp4": ("video", "mp4"),
    "video/quicktime": ("video", "mov"),
    "video/x-matroska": ("video", "mkv"),
    "video/webm": ("video", "webm"),
    "video/x-flv": ("video", "flv"),
    "video/mpeg": ("video", "mpeg"),
    "video/x-ms-wmv": ("video", "wmv"),
    "video/3gpp": ("video", "three_gp"),
    "audio/mpeg": ("audio", "mp3"),
    "audio/mp3": ("audio", "mp3"),
    "audio/wav": ("audio", "wav"),
    "audio/x-wav": ("audio", "wav"),
    "audio/ogg": ("audio", "ogg"),
    "audio/flac": ("audio", "flac"),
    "audio/aac": ("audio", "aac"),
}
_ANY_TEXT = ("document", "txt")

# By a file's extension, where no media type says it.
_EXTENSIONS: dict[str, tuple[str, str]] = {
    word: (kind, word)
    for kind, words in {
        "image": ("png", "jpeg", "gif", "webp"),
        "document": ("pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"),
        "video": ("mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv"),
        "audio": ("mp3", "wav", "ogg", "flac", "aac", "opus", "m4a"),
    }.items()
    for word in words
} | {
    "jpg": ("image", "jpeg"),
    "htm": ("document", "html"),
    "json": _ANY_TEXT,
    "xml": _ANY_TEXT,
    "yaml": _ANY_TEXT,
    "yml": _ANY_TEXT,
    "3gp": ("video", "three_gp"),
}

# How each begins in base64, for a client that says neither.
_BEGINNINGS: dict[str, tuple[str, str]] = {
    "iVBORw0KGgo": ("image", "png"),
    "/9j/": ("image", "jpeg"),
    "R0lGOD": ("image", "gif"),
    "UklGR": ("image", "webp"),
    "JVBERi0": ("document", "pdf"),
}


def media_block(source: Url | Inline | FileId, filename: str | None, path: str, draft: Draft) -> JsonObject:
    """Raises `Unsupported` for what is neither inline nor in S3, and for a format that Bedrock does not know."""
    if isinstance(source, FileId):
        raise Unsupported("Bedrock has no files by id: send the file inline.", param=path)
    if isinstance(source, Url):
        if not source.url.startswith("s3://"):
            raise Unsupported("Bedrock fetches nothing but s3:// URLs: send it inline, as a data: URL.", param=path)
        found = _by_extension(source.url)
        where: JsonObject = {"s3Location": {"uri": source.url}}
    else:
        found = _format(source, filename)
        where = {"bytes": source.base64}
    if found is None:
        raise Unsupported("Bedrock does not take this format, or cannot tell what it is: name its type.", param=path)
    kind, word = found
    block: JsonObject = {"format": word}
    if kind == "document":
        block["name"] = document_name(filename, draft.documents)
    return {kind: {**block, "source": where}}


def audio_block(base64: str, format: str, path: str) -> JsonObject:  # noqa: A002 - the wire's own word
    if _EXTENSIONS.get(format, ("", ""))[0] != "audio":
        raise Unsupported(f"Bedrock has no audio format {format!r}.", param=path)
    return {"audio": {"format": format, "source": {"bytes": base64}}}


def _format(source: Inline, filename: str | None) -> tuple[str, str] | None:
    media_type = source.media_type.lower()
    if media_type in _FORMATS:
        return _FORMATS[media_type]
    if media_type.startswith("text/"):
        return _by_extension(filename or "", only="document") or _ANY_TEXT
    if media_type not in {"", "application/octet-stream"}:
        return None
    begun = next((found for head, found in _BEGINNINGS.items() if source.base64.startswith(head)), None)
    return begun or _by_extension(filename or "")


def _by_extension(name: str, only: str = "") -> tuple[str, str] | None:
    found = _EXTENSIONS.get(name.rpartition(".")[2].lower())
    return None if found is None or only not in {"", found[0]} else found
