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

SILENT = [Started("id"), UsageReported(Usage(1)), ProviderFields({"a": 1}), ProviderFields({}, "choice", 2)]
HEARD = [
    TextDelta(0, ""),
    RefusalDelta(0, "no"),
    ReasoningDelta(0),
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
