"""Citations: a stretch of the answer, and the tool results or documents that it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.events import Citation
from providers.jsonwalk import child, children, integer, text, without

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.jsonwalk import JsonObject

# Citations in the plan or in the thinking count their characters there, and not in the text of the answer.
_ELSEWHERE = frozenset({"PLAN", "THINKING_CONTENT"})


def citations(told: JsonObject, begins: Mapping[int, int]) -> list[Citation]:
    """One for each source, as in OpenAI's annotations; one without where there is none.

    `begins`: by content block, how many characters of text stand before it. Cohere counts within the block that it
    names, and from the beginning where it names none. `extra` keeps all that Cohere says, `text` being the stretch.
    """
    around = without(told, "sources")
    start, end = integer(told, "start"), integer(told, "end")
    if text(told, "type") in _ELSEWHERE:
        start = end = None
    else:
        around = without(around, "start", "end")
    begin = begins.get(integer(told, "content_index") or 0, 0)
    place = tuple(None if offset is None else begin + offset for offset in (start, end))
    sources = list(children(told, "sources"))
    return [_citation(source, around, place) for source in sources or [{}]]


def _citation(source: JsonObject, around: JsonObject, place: tuple[int | None, ...]) -> Citation:
    start, end = place
    about = child(source, "document") or child(source, "tool_output")
    return Citation(
        url=text(about, "url"),
        title=text(about, "title"),
        start=start,
        end=end,
        extra={**around, "source": source} if source else around,
    )
