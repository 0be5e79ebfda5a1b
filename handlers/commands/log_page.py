"""One request in full, as a page to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from handlers.commands.log_lines import moment, outcome, way, who
from handlers.commands.screen import Screen, plain
from infra.requests.record import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.commands.api import Answer

_LABEL: Final = 10
_WIDEST: Final = 60
_NARROWEST: Final = 10
# What stands beside a bar: an endpoint's name, and what came of it.
_BESIDE: Final = 60


def page(one: Answer, screen: Screen) -> Iterator[str]:
    for label, text in _facts(one, screen):
        if text:
            yield click.style(f"{label:<{_LABEL}}", fg="bright_black") + " " + plain(text)
    yield from _timeline(one, screen)


def _facts(one: Answer, screen: Screen) -> Iterator[tuple[str, str]]:
    yield "request", f"{one['id']}  {moment(one['at'], '%Y-%m-%d %H:%M:%S')} UTC"
    yield "by", f"{who(one)}{_after(', client ', one, 'client')}{_after(', user ', one, 'user')}"
    yield (
        "asked",
        f"{one.get('operation')} of {one.get('request_model', '-')}{', streamed' if one.get('stream') else ''}",
    )
    yield "answered", _answered(one)
    yield "via", way(one).replace(" > ", f" {screen.arrow} ")
    yield "cache", _cache(one, screen)
    yield "tokens", _tokens(one)
    yield "cost", _cost(one)
    yield "time", _time(one)
    yield "bytes", f"{one.get('request_bytes', 0)} in, {one.get('response_bytes', 0)} out"
    yield "tags", ", ".join(f"{name}={value}" for name, value in one.get("tags", {}).items())
    yield "content", one.get("content", "")
    yield "dropped", ", ".join(one.get("dropped", []))
    yield "uncounted", one.get("uncounted", "")
    yield "trace", " ".join(one[name] for name in ("trace_id", "span_id") if name in one)
    yield "bug", " < ".join(one.get("bug", []))


def _after(words: str, one: Answer, name: str) -> str:
    return f"{words}{one[name]}" if one.get(name) else ""


def _answered(one: Answer) -> str:
    if one.get("error"):
        return f"{outcome(one)}{_after(', the fault of: ', one, 'cause')}"
    model = one.get("response_model") or one.get("model")
    by = f" by {model} of {one['provider']}" if one.get("provider") else ""
    return f"{outcome(one)}{by}{_after(', finish: ', one, 'finish_reason')}"


def _cache(one: Answer, screen: Screen) -> str:
    if not one.get("cache"):
        return ""
    stored = f" {screen.arrow} {one['stored']}" if one.get("stored") else ""
    return f"{one['cache']}{_after(': ', one, 'cache_reason')}{stored}{_after('; ', one, 'cache_fault')}"


def _tokens(one: Answer) -> str:
    usage = one.get("usage", {})
    counts = [f"{usage[name]} {name.replace('_', ' ')}" for name in BUCKETS if usage.get(name)]
    return ", ".join(counts) + (" (estimated: not reported)" if counts and one.get("usage_estimated") else "")


def _cost(one: Answer) -> str:
    """Every digit of it."""
    paid = f"${one['cost_usd']}" if "cost_usd" in one else "not known: there is no price for it"
    saved = f", saved ${one['saved_usd']}" if "saved_usd" in one else ""
    return f"{paid}{saved}{_after(', prices of ', one, 'price_version')}" if one.get("provider") else ""


def _time(one: Answer) -> str:
    named = (
        ("first token", "first_token_ms"),
        ("all", "total_ms"),
        ("providers", "upstream_ms"),
        ("ours", "overhead_ms"),
    )
    return ", ".join(f"{words} {one[name]:.1f} ms" for words, name in named if name in one)


def _timeline(one: Answer, screen: Screen) -> Iterator[str]:
    """A bar for each attempt: from where it began, light while nothing came, full from the first token on."""
    attempts = one.get("attempts", [])
    whole = max((one.get("total_ms") or 0.0, *(each.get("ended_ms") or 0.0 for each in attempts)), default=0.0)
    if not attempts or whole <= 0:
        return
    width = max(_NARROWEST, min(_WIDEST, screen.width - _BESIDE))
    name_width = max(len(plain(each["endpoint"])) for each in attempts)
    yield ""
    yield click.style(f"attempts: {screen.waiting_bar} waiting, {screen.usage_bar} answering", fg="bright_black")
    for each in attempts:
        bar = _bar(each, whole, width, screen)
        failed = each.get("error")
        came = f"{each.get('status', '-')} {failed}" if failed else f"{each.get('status', '-')}"
        span = f"{each['began_ms']:.0f}-{each.get('ended_ms', whole):.0f} ms"
        name = f"{plain(each['endpoint']):<{name_width}}"
        yield f"  {name} |{click.style(bar, fg='red' if failed else 'green')}| {span}  {plain(came)}"


def _bar(each: Answer, whole: float, width: int, screen: Screen) -> str:
    ended = each.get("ended_ms") or whole
    first = each.get("first_token_ms") or ended
    begin, middle, end = (min(width, round(at / whole * width)) for at in (each["began_ms"], first, ended))
    begin = min(begin, width - 1)
    end = max(end, begin + 1)
    middle = min(max(middle, begin), end)
    return (" " * begin + screen.waiting_bar * (middle - begin) + screen.usage_bar * (end - middle)).ljust(width)
