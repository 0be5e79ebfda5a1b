"""Sources of an answer: `groundingMetadata` and `citationMetadata` to citations.

Google counts in bytes of UTF-8, OpenAI in characters. A segment that also quotes itself is placed where its quote
stands, so that an offset that is relative to something else does no harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.events import Citation
from providers.jsonwalk import child, children, integer, text, without

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.jsonwalk import JsonObject

_KINDS = ("web", "retrievedContext", "maps", "image")


def citations(candidate: JsonObject, said: str, choice: int) -> Iterator[Citation]:
    """Of a candidate with all its members, and `said`, all its text."""
    written = said.encode("utf-8", "surrogatepass")
    yield from _grounded(child(candidate, "groundingMetadata"), said, written, choice)
    sources = child(candidate, "citationMetadata")
    for name in ("citationSources", "citations"):  # AI Studio's name, and Vertex AI's
        for source in children(sources, name):
            start, end = _place(source, said, written)
            quote = None if start is None else said[start:end]
            extra = without(source, "uri", "title", "startIndex", "endIndex")
            yield Citation(text(source, "uri"), text(source, "title"), quote, start, end, extra, choice)


def _grounded(metadata: JsonObject, said: str, written: bytes, choice: int) -> Iterator[Citation]:
    """One for each source of each segment; a source of no segment stands for the whole answer."""
    chunks = list(children(metadata, "groundingChunks"))
    used: set[int] = set()
    for support in children(metadata, "groundingSupports"):
        segment = child(support, "segment")
        start, end = _place(segment, said, written)
        numbers = support.get("groundingChunkIndices")
        for number in numbers if isinstance(numbers, list) else ():
            if isinstance(number, int) and 0 <= number < len(chunks):
                used.add(number)
                yield _source(chunks[number], text(segment, "text"), start, end, choice)
    for number, chunk in enumerate(chunks):
        if number not in used:
            yield _source(chunk, None, None, None, choice)


def _source(chunk: JsonObject, quote: str | None, start: int | None, end: int | None, choice: int) -> Citation:
    kind = next((kind for kind in _KINDS if kind in chunk), "")
    source = child(chunk, kind)
    url = text(source, "uri") or text(source, "sourceUri")
    return Citation(url, text(source, "title"), quote, start, end, without(source, "uri", "title"), choice)


def _place(segment: JsonObject, said: str, written: bytes) -> tuple[int | None, int | None]:
    """Start and end in characters, or None for both where they are not to be found. `written`: `said` in UTF-8."""
    begin, stop = integer(segment, "startIndex") or 0, integer(segment, "endIndex")
    quote = text(segment, "text")
    if stop is not None and 0 <= begin <= stop:
        start, end = (len(written[:place].decode("utf-8", "ignore")) for place in (begin, stop))
        if stop <= len(written) and quote in {None, said[start:end]}:
            return start, end
    start = said.find(quote) if quote else -1
    return (None, None) if start < 0 else (start, start + len(quote or ""))
