"""Requests of the log as lines to read, one each, in columns that a narrow terminal has fewer of."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from handlers.commands.screen import Screen, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handlers.commands.api import Answer

SHORT_ID: Final = 12
"""Digits of an id that its time fills, to the millisecond: enough to find it again by."""

_VERDICTS: Final = {"hit": ("HIT", "green"), "miss": ("MISS", "yellow"), "bypass": ("PASS", "bright_black")}
_GAP: Final = "  "
_LONGEST_MODEL: Final = 32
_PROMPT: Final = ("input", "cache_read", "cache_write", "audio_input")
_ANSWER: Final = ("output", "reasoning", "audio_output")


class Column(NamedTuple):
    """`rank`: those with the highest leave first where there is no room. `right`: which way numbers stand."""

    title: str
    rank: int
    text: Callable[[Answer, Screen], str]
    right: bool = False


def lines(found: Sequence[Answer], screen: Screen, *, heading: bool, widths: dict[str, int]) -> list[str]:
    """`widths`: of the columns so far, so that what follows stands below what was printed before; they grow."""
    table = [[column.text(one, screen) for column in _COLUMNS] for one in found]
    for place, column in enumerate(_COLUMNS):
        widths[column.title] = max(
            len(column.title), widths.get(column.title, 0), *(len(row[place]) for row in table), 0
        )
    shown = _fitting(widths, screen.width)
    printed = [click.style(_line([column.title for column in _COLUMNS], shown, widths, None), bold=True)]
    rows = [_line(row, shown, widths, one) for one, row in zip(found, table, strict=True)]
    return [*(printed if heading else []), *rows]


def moment(seconds: float, form: str = "%m-%d %H:%M:%S") -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime(form)


def who(one: Answer) -> str:
    return f"{one['org']}/{one.get('key', '-')}" if one.get("org") else "-"


def way(one: Answer) -> str:
    """Which endpoints were asked: those that came to nothing with their reason, then the one that answered."""
    attempts = one.get("attempts", [])
    failed = [f"{each['endpoint']}:{each['error']}" for each in attempts if each.get("error")]
    answered = [] if one.get("error") or not one.get("endpoint") else [one["endpoint"]]
    return " > ".join([*failed, *answered])


def verdict(one: Answer) -> str:
    return _VERDICTS.get(one.get("cache", ""), ("-", ""))[0]


def outcome(one: Answer) -> str:
    status = str(one.get("status", "-"))
    return f"{status} {one['error']}" if one.get("error") else status


def tokens(one: Answer, screen: Screen) -> str:
    """What was read, and what was said: `12→15`. About that many where nothing was reported."""
    usage = one.get("usage")
    if not usage:
        return "-"
    about = "~" if one.get("usage_estimated") else ""
    read, said = (sum(usage.get(name, 0) for name in names) for names in (_PROMPT, _ANSWER))
    return f"{about}{read}{screen.arrow}{said}"


def money(amount: str | None) -> str:
    """To two digits that say something: `$0.000034`. All of them are in the full view and in JSON."""
    if amount is None:
        return "-"
    value = Decimal(amount)
    if not value:
        return "$0"
    digits = max(2, 1 - value.adjusted())
    return f"${value:.{digits}f}"


def milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _times(one: Answer, _: Screen) -> str:
    return "/".join(milliseconds(one.get(name)) for name in ("first_token_ms", "total_ms", "overhead_ms"))


def _model(one: Answer, screen: Screen) -> str:
    name = plain(one.get("request_model") or one.get("model") or one.get("operation") or "-")
    return name if len(name) <= _LONGEST_MODEL else name[: _LONGEST_MODEL - 1] + ("…" if screen.unicode else "~")


_COLUMNS: Final = (
    Column("TIME (UTC)", 0, lambda one, _: moment(one["at"])),
    Column("ORG/KEY", 5, lambda one, _: plain(who(one))),
    Column("MODEL", 1, _model),
    Column("ASKED", 8, lambda one, _: plain(way(one)) or "-"),
    Column("CACHE", 3, lambda one, _: verdict(one)),
    Column("STATUS", 0, lambda one, _: plain(outcome(one))),
    Column("TOKENS", 4, tokens, right=True),
    Column("COST", 2, lambda one, _: money(one.get("cost_usd")), right=True),
    Column("FIRST/ALL/OURS ms", 7, _times, right=True),
    Column("ID", 6, lambda one, _: plain(one["id"][:SHORT_ID])),
)


def _fitting(widths: dict[str, int], room: int) -> frozenset[str]:
    kept = sorted(_COLUMNS, key=lambda column: column.rank)
    while len(kept) > 1 and sum(widths[column.title] + len(_GAP) for column in kept) - len(_GAP) > room:
        kept.pop()
    return frozenset(column.title for column in kept)


def _line(row: Sequence[str], shown: frozenset[str], widths: dict[str, int], one: Answer | None) -> str:
    cells = []
    texts = [(column, text) for column, text in zip(_COLUMNS, row, strict=True) if column.title in shown]
    for place, (column, text) in enumerate(texts):
        if place == len(texts) - 1 and not column.right:
            padded = text
        else:
            padded = f"{text:>{widths[column.title]}}" if column.right else f"{text:<{widths[column.title]}}"
        cells.append(padded if one is None else _coloured(column.title, padded, one))
    return _GAP.join(cells).rstrip()


def _coloured(title: str, text: str, one: Answer) -> str:
    style: dict[str, Any] = {}
    match title:
        case "CACHE":
            style = {"fg": _VERDICTS.get(one.get("cache", ""), ("", "bright_black"))[1]}
        case "STATUS":
            style = {"fg": "red"} if one.get("error") else {"fg": "green"}
        case "TIME (UTC)" | "ID" | "ORG/KEY":
            style = {"fg": "bright_black"}
        case "MODEL":
            style = {"bold": True}
        case _:
            pass
    return click.style(text, **style) if style else text
