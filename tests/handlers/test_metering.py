from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.metering import Meter
from providers.dialects import openai
from providers.events import Finished, ReasoningDelta, Started, TextDelta, ToolCallDelta, UsageReported
from providers.usage import Usage

if TYPE_CHECKING:
    from handlers.tab import Counted

CHAT = openai.DIALECT.parse(
    b'{"model": "m", "max_tokens": 5000, "messages": [{"role": "user", "content": "' + b"x" * 400 + b'"}]}'
)


def counted(*events: object) -> Counted | None:
    meter = Meter()
    meter.read(events)  # type: ignore[arg-type]
    return meter.usage(CHAT)


def metered(*events: object) -> Usage | None:
    found = counted(*events)
    return None if found is None else found.usage


def test_what_the_provider_reports_is_what_was_used() -> None:
    told = Usage(input=7, output=3, extra={"cost": 1})
    assert metered(Started(), TextDelta(0, "word " * 100), UsageReported(told), Finished("stop")) == told


def test_later_reports_go_over_earlier_ones() -> None:
    used = metered(UsageReported(Usage(input=7, output=1)), UsageReported(Usage(output=9)), Finished("stop"))
    assert used == Usage(input=7, output=9)


def test_nothing_said_is_nothing_used() -> None:
    assert metered() is None
    assert metered(Started()) is None


def test_an_answer_that_broke_off_is_counted_by_its_length() -> None:
    used = metered(TextDelta(0, "x" * 41), ReasoningDelta(1, "y" * 40), ToolCallDelta(2, "z" * 40))
    assert used is not None
    assert used.output == 31
    assert used.input is not None
    assert 100 <= used.input < 200, "the prompt has 400 characters; what might have been answered is no part of it"


def test_a_report_at_the_start_does_not_make_the_rest_free() -> None:
    """Anthropic's message_start says one output token, before any was said."""
    early = UsageReported(Usage(input=50, output=1))
    assert metered(early, TextDelta(0, "x" * 400)) == Usage(input=50, output=100)
    assert metered(early, TextDelta(0, "x" * 400), Finished("stop")) == Usage(input=50, output=1)
    assert metered(early, TextDelta(0, "x")) == Usage(input=50, output=1)
