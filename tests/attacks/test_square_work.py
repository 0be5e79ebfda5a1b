"""Work that grew with the square of what a provider sent: each of these took from ten seconds to minutes, in which the
loop served nobody else. Sizes are of a few megabytes, as any provider may send."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from handlers.metering import Meter
from providers import registry
from providers.base import Stamp
from providers.completion import fold
from providers.dialects import anthropic, openai
from providers.events import Event, ProviderFields, Started, TextDelta, UsageReported
from providers.usage import Usage
from tests.attacks.growth import LINEAR, growth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from providers.base import Dialect

MANY: Final = 25_000
STAMP: Final = Stamp("msg_1", 1, "m")


def calls(many: int) -> Iterator[dict[str, Any]]:
    """With a member of its own each, which comes when the call's block has begun."""
    for number in range(many):
        item = {"type": "function_call", "call_id": f"{number}", "name": "f", "arguments": "{}", "invented": 1}
        yield {"type": "response.output_item.done", "output_index": number, "item": item}


def searches(many: int) -> Iterator[dict[str, Any]]:
    for number in range(2 * many):
        yield {"type": "response.output_item.done", "output_index": number, "item": {"type": "search", "id": "x"}}


def citations_behind_calls(many: int) -> Iterator[dict[str, Any]]:
    call = {"type": "function_call", "call_id": "c", "name": "f"}
    for number in range(many // 2):
        yield {"type": "response.output_item.added", "output_index": number, "item": call}
    place = {"output_index": many}
    yield {"type": "response.output_text.delta", **place, "delta": "Fine."}
    for _ in range(many // 2):
        yield {"type": "response.output_text.annotation.added", **place, "annotation": {"type": "url_citation"}}


@pytest.mark.parametrize("said", [calls, searches, citations_behind_calls])
def test_a_message_of_very_many_parts_is_written_in_linear_time(said: Any) -> None:
    def prepared(many: int) -> Callable[[], None]:
        stream = registry.speaking("openai", "responses").stream()
        encoder = anthropic.DIALECT.encoder(STAMP, include_usage=True)
        frames = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in said(many)]

        def work() -> None:
            for frame in frames:
                for event in stream.feed(frame):
                    encoder.feed(event)
            assert b"message_stop" in encoder.close()

        return work

    assert growth(prepared, MANY) < LINEAR


@pytest.mark.parametrize("dialect", [anthropic.DIALECT, openai.DIALECT], ids=["messages", "chat"])
@pytest.mark.parametrize(
    "event",
    [
        lambda number: UsageReported(Usage(extra={f"n{number}": 1})),
        lambda number: ProviderFields({f"n{number}": 1}),
        lambda _: ProviderFields({"transcript": "x" * 50}, "message"),
    ],
    ids=["usage", "fields", "words"],
)
def test_what_is_said_of_an_answer_again_and_again_is_put_together_in_linear_time(dialect: Dialect, event: Any) -> None:
    def prepared(many: int) -> Callable[[], None]:
        events: list[Event] = [Started(), TextDelta(0, "Fine."), *map(event, range(many))]
        encoder, meter = dialect.encoder(STAMP, include_usage=True), Meter()

        def work() -> None:
            meter.read(events)
            for each in events:
                encoder.feed(each)
            assert encoder.close()
            assert dialect.completion(fold(events), STAMP)

        return work

    assert growth(prepared, MANY) < LINEAR


def test_a_message_of_very_many_citations_is_written_in_linear_time() -> None:
    def prepared(many: int) -> Callable[[], None]:
        citation = {"type": "url_citation", "url_citation": {"url": "u"}}
        message = {"role": "assistant", "content": "Fine.", "annotations": [citation] * many}
        body = {"id": "c", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        done = registry.find("openai").response(json.dumps(body).encode())

        def work() -> None:
            assert anthropic.DIALECT.completion(done, STAMP)

        return work

    assert growth(prepared, MANY) < LINEAR
