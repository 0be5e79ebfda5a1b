"""Citations as Anthropic writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.jsonwalk import text

if TYPE_CHECKING:
    from providers.events import Citation
    from providers.jsonwalk import JsonObject

# Places in a document that the client sent; the title has another name there.
_DOCUMENTS: Final = frozenset({"char_location", "page_location", "content_block_location"})
_WEB: Final = "web_search_result_location"


def citation_object(citation: Citation) -> JsonObject:
    """Anthropic's own with its members as they came. A page that another provider found is a search result without
    Anthropic's index of it, and a place of another kind is named by its maker's word."""
    kind = text(citation.extra, "type")
    if kind is None:
        kind = "citation" if citation.url is None else _WEB
    title = "document_title" if kind in _DOCUMENTS else "title"
    body: JsonObject = {"type": kind, "cited_text": citation.quote or "", title: citation.title}
    if citation.url is not None:
        body["url"] = citation.url
    if kind == _WEB:
        body["encrypted_index"] = ""
    return {**body, **citation.extra}
