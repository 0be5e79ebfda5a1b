"""Sums as a table with a chart below it, as CSV, and as JSON."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Final

import click

from handlers.admin.money import usd
from handlers.commands.log_lines import milliseconds, money
from handlers.commands.screen import Screen, plain
from infra.requests.record import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from handlers.commands.usage_sums import Group, Total

_GAP: Final = "  "
_COLUMNS: Final = ("REQUESTS", "HITS", "ERRORS", "TOKENS IN", "OUT", "COST", "SAVED", "FIRST ms", "ALL ms")
# The last ones leave first where there is no room.
_LEAST_CHART: Final = 40
_WIDEST_BAR: Final = 50
_PROMPT: Final = ("input", "cache_read", "cache_write", "audio_input")
_ANSWER: Final = ("output", "reasoning", "audio_output")

# What a spreadsheet would take for a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - they work as well


def table(totals: Mapping[Group, Total], by: Sequence[str], whole: Total, screen: Screen) -> Iterator[str]:
    rows = [[*(plain(name) or "-" for name in group), *_cells(total)] for group, total in totals.items()]
    last = [*("total" if place == 0 else "" for place in range(len(by))), *_cells(whole)]
    titles = [*(name.upper() for name in by), *_COLUMNS]
    widths = [max(len(row[place]) for row in (titles, last, *rows)) for place in range(len(titles))]
    fitting = _fitting(widths, len(by), screen.width)

    def line(row: Sequence[str]) -> str:
        cells = (
            f"{text:<{width}}" if place < len(by) else f"{text:>{width}}"
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        return _GAP.join(list(cells)[:fitting]).rstrip()

    yield click.style(line(titles), bold=True)
    yield from map(line, rows)
    if by:
        yield click.style(line(last), bold=True)


def chart(totals: Mapping[Group, Total], screen: Screen) -> Iterator[str]:
    """A bar for each moment: of its cost, or of its tokens where nothing cost anything. Nothing for one moment."""
    if len(totals) < 2 or screen.width < _LEAST_CHART:
        return
    costs = {group: total.cost_nano_usd for group, total in totals.items()}
    paid = any(costs.values())
    values = costs if paid else {group: sum(total.tokens.values()) for group, total in totals.items()}
    most = max(values.values())
    if not most:
        return
    said = {group: money(usd(value)) if paid else f"{value} tokens" for group, value in values.items()}
    label = max(len(group[0]) for group in values)
    room = min(_WIDEST_BAR, screen.width - label - max(map(len, said.values())) - 2 * len(_GAP))
    yield ""
    for group, value in values.items():
        bar = f"{screen.bar(value / most, room):<{room}}"
        yield f"{group[0]:<{label}}{_GAP}{click.style(bar, fg='cyan')}{_GAP}{said[group]}"


def as_csv(totals: Mapping[Group, Total], by: Sequence[str]) -> str:
    """Every number exact, money in US dollars, times summed in milliseconds; RFC 4180."""
    out = io.StringIO()
    writer = csv.writer(out)
    numbers = ("requests", "hits", "errors", *BUCKETS, "cost_usd", "saved_usd")
    writer.writerow([*by, *numbers, "total_ms", "first_token_ms", "first_tokens"])
    for group, total in totals.items():
        shown = total.shown()
        flat: dict[str, Any] = {**shown, **shown["tokens"], "errors": total.errors.total()}
        values = [flat[name] for name in (*numbers, "total_ms", "first_token_ms", "first_tokens")]
        writer.writerow([*map(_cell, group), *values])
    return out.getvalue()


def as_json(totals: Mapping[Group, Total], by: Sequence[str], whole: Total) -> str:
    rows = [{**dict(zip(by, group, strict=True)), **total.shown()} for group, total in totals.items()]
    return json.dumps({"by": list(by), "data": rows, "total": whole.shown()}, indent=2)


def _cells(total: Total) -> list[str]:
    rate = "-" if total.hit_rate is None else f"{total.hit_rate:.0%}"
    read, said = (sum(total.tokens[name] for name in names) for names in (_PROMPT, _ANSWER))
    return [
        str(total.requests),
        rate,
        str(total.errors.total()),
        str(read),
        str(said),
        money(usd(total.cost_nano_usd)),
        money(usd(total.saved_nano_usd)),
        milliseconds(total.average_first_token_ms),
        milliseconds(total.average_ms),
    ]


def _fitting(widths: Sequence[int], least: int, room: int) -> int:
    count = len(widths)
    while count > least + 1 and sum(widths[:count]) + len(_GAP) * (count - 1) > room:
        count -= 1
    return count


def _cell(text: str) -> str:
    """A name that begins as a formula does gets an apostrophe, as spreadsheets write text themselves."""
    shown = plain(text)
    return f"'{shown}" if text.startswith(_FORMULA) and text != "-" else shown
