"""What stands beside the parts of a choice, put back to its place: a whole answer says it apart, a stream does not.

Citations follow the text that they are about, the members of a tool call its beginning, and blocks without a word in
the neutral answer stand between the parts where the provider had them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.events import KEPT_BLOCKS, KEPT_PLACES, TOOL_CALL_FIELDS, Citation, ProviderFields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.jsonwalk import Json, JsonObject


class Beside:
    """Each is given once, in its own order; `rest` gives what has no known place."""

    def __init__(self, citations: tuple[Citation, ...], fields: JsonObject, choice: int) -> None:
        self._choice = choice
        self._citations = [*citations]
        self._fields = dict(fields)
        calls = self._fields.get(TOOL_CALL_FIELDS)
        self._calls: JsonObject = dict(calls) if isinstance(calls, dict) else {}
        self._kept = _placed(fields.get(KEPT_BLOCKS), fields.get(KEPT_PLACES))
        if self._calls:
            del self._fields[TOOL_CALL_FIELDS]
        if self._kept:
            del self._fields[KEPT_BLOCKS], self._fields[KEPT_PLACES]

    def before(self, part: int) -> Iterator[ProviderFields]:
        """Blocks that stand before the part of this number."""
        while self._kept and self._kept[0][1] <= part:
            yield self._block(*self._kept.pop(0))

    def of_call(self, number: int) -> Iterator[ProviderFields]:
        """`number`: counted from 0 among the calls."""
        if str(number) in self._calls:
            yield self._said({TOOL_CALL_FIELDS: {str(number): self._calls.pop(str(number))}})

    def of_text(self, length: int) -> Iterator[Citation]:
        """`length`: of all text so far, in characters."""
        while self._citations and self._citations[0].end is not None and self._citations[0].end <= length:
            yield self._citations.pop(0)

    def rest(self) -> Iterator[Citation | ProviderFields]:
        yield from self._citations
        for kept in self._kept:
            yield self._block(*kept)
        fields = {**self._fields, **({TOOL_CALL_FIELDS: self._calls} if self._calls else {})}
        if fields:
            yield self._said(fields)

    def _block(self, block: Json, place: int) -> ProviderFields:
        return self._said({KEPT_BLOCKS: [block], KEPT_PLACES: [place]})

    def _said(self, fields: JsonObject) -> ProviderFields:
        return ProviderFields(fields, "message", self._choice)


def _placed(blocks: Json, places: Json) -> list[tuple[Json, int]]:
    """Each block with how many parts come before it; nothing where an older release, or nobody, said so."""
    if not isinstance(blocks, list) or not isinstance(places, list) or len(blocks) != len(places):
        return []
    known = [place for place in places if isinstance(place, int) and not isinstance(place, bool)]
    return list(zip(blocks, known, strict=True)) if len(known) == len(places) else []
