from __future__ import annotations

from typing import get_args

import pytest

from providers.errors import UpstreamDown
from providers.events import (
    Citation,
    Event,
    Failed,
    Finished,
    ProviderFields,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
    meaningful,
)
from providers.usage import Usage

SILENT = [
    Started("id"),
    UsageReported(Usage(1)),
    ProviderFields({"a": {}}),
    ProviderFields({"logprobs": {}}, "choice", 2),
    ProviderFields({"channel": "analysis"}, "message"),
    ReasoningDelta(0, format="anthropic-claude-v1"),
]
HEARD = [
    TextDelta(0, ""),
    RefusalDelta(0, "no"),
    ReasoningDelta(0, "why"),
    ReasoningDelta(0, signature="sig"),
    ReasoningDelta(0, data="hidden"),
    ProviderFields({"audio": {"data": "UklG"}}, "message"),
    ProviderFields({"reasoning_steps": [{}]}, "message"),
    ToolCallStarted(0, "id", "name"),
    ToolCallDelta(0, ""),
    Citation(),
    Finished("stop"),
    Failed(UpstreamDown("gone")),
]


@pytest.mark.parametrize("event", SILENT, ids=repr)
def test_a_failure_after_this_can_still_become_a_status(event: Event) -> None:
    assert not meaningful(event)


@pytest.mark.parametrize("event", HEARD, ids=lambda event: type(event).__name__)
def test_after_this_the_client_has_heard_something(event: Event) -> None:
    assert meaningful(event)


def test_every_event_is_one_or_the_other() -> None:
    assert {type(event) for event in [*SILENT, *HEARD]} == set(get_args(Event))
