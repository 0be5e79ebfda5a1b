from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from rich.console import Console

from handlers.local import Terminal
from handlers.record import JsonLines, Silent
from infra.requests.record import AttemptRecord, RequestRecord
from providers.usage import Usage

if TYPE_CHECKING:
    import pytest


SHORT = "f" * 12
"""How the id begins, by which `sabir logs show` finds it."""


def record(**fields: object) -> RequestRecord:
    made = RequestRecord("f" * 32, "openai-chat", total_ms=12.5)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def test_a_record_is_one_line_of_json_and_the_metrics_of_its_service() -> None:
    out = io.StringIO()
    log = JsonLines(out, service="acme-prod")
    one = record(provider="openai", model="gpt-4\u2028\n", status=200, dropped=("seed",), stream=False)
    log.write(one)
    log.write(record(error="client_gone", unkept=("store", "telemetry")))
    JsonLines(out).write(one)
    log.write(record(unkept=("telemetry",)))
    first, second, plain, untold = map(json.loads, out.getvalue().splitlines())
    assert one.document().items() <= first.items()
    assert plain == one.document()
    assert "LogFaults" not in untold
    assert (first["service"], first["Requests"], first["_aws"]["CloudWatchMetrics"][0]["Namespace"]) == (
        "acme-prod",
        1,
        "Sabir",
    )
    assert (second["error"], second["unkept"], second["LogFaults"]) == ("client_gone", ["store", "telemetry"], 1)


def test_silence_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    Silent().write(record())
    assert capfd.readouterr() == ("", "")


def shown(*records: RequestRecord) -> list[str]:
    out = io.StringIO()
    terminal = Terminal(Console(file=out, width=200, highlight=False))
    for each in records:
        terminal.write(each)
    return out.getvalue().splitlines()


def test_a_line_for_the_terminal_says_what_was_asked_and_what_became_of_it() -> None:
    hit, miss, failed, early = shown(
        record(provider="openai", model="gpt-4", status=200, cache="hit"),
        record(provider="openai", model="gpt-4", status=200, cache="miss", cache_reason="absent", stored="stored"),
        record(
            provider="openai",
            model="gpt-4",
            status=429,
            cache="bypass",
            cache_reason="never",
            error="rate_limit_exceeded",
        ),
        record(error="client_gone"),
    )
    assert hit.split() == ["HIT", "12.5", "ms", "200", "openai/gpt-4", SHORT]
    assert miss.split() == ["MISS", "12.5", "ms", "200", "openai/gpt-4", "stored", SHORT]
    assert failed.split() == ["PASS", "12.5", "ms", "429", "rate_limit_exceeded", "openai/gpt-4", "never", SHORT]
    assert early.split() == ["12.5", "ms", "-", "client_gone", "openai-chat", SHORT]


def test_a_line_says_what_it_came_to_where_that_is_known() -> None:
    paid, likely, free = shown(
        record(usage=Usage(input=10, cache_read=2, output=15), cost_nano_usd=412_000, status=200),
        record(usage=Usage(input=10, output=15), usage_estimated=True, status=200),
        record(cost_nano_usd=0, status=200, cache="hit"),
    )
    assert "12→15 tok  $0.00041  " in paid
    assert "~10→15 tok  f" in likely
    assert "$" not in free


def test_a_line_of_a_member_says_which_way_it_went() -> None:
    tried = record(
        org="acme",
        key="7f3k",
        endpoint="us",
        attempts=[
            AttemptRecord("eu", "openai", "gpt-4", 0.0, error="upstream_timeout"),
            AttemptRecord("us", "openai", "gpt-4", 9.0, status=200),
        ],
        provider="openai",
        model="gpt-4",
        status=200,
    )
    refused = record(org="acme", key="7f3k", status=429, error="requests_per_minute", provider="openai", model="gpt-4")
    one, other = shown(tried, refused)
    assert "acme/7f3k via eu:upstream_timeout > us" in one
    assert other.rstrip().endswith(f"openai/gpt-4  acme/7f3k  {SHORT}")


def test_a_model_name_cannot_write_on_the_terminal_or_break_it() -> None:
    (line,) = shown(record(provider="openai", model="[/][red]x[/nothing]\\", status=200, error="[/]", cache="hit"))
    assert "openai/[/][red]x[/nothing]\\" in line


def test_a_bug_is_shown_with_its_places() -> None:
    _, bug = shown(record(status=500, error="internal_error", bug=("KeyError", "answer:12", "feed:3")))
    assert "KeyError < answer:12 < feed:3" in bug
    assert "f" * 32 in bug
