"""Streams of several choices, cut where each choice that began has ended, through a running Sabir."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from tests.simulator.replay import Recording
from tests.wire.through import Through, sabir_before_a_replay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.wire.through import Reply

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]

SSE: Final = (("content-type", "text/event-stream"),)
DONE: Final = b"data: [DONE]\n\n"

# What takes no end mark, in both its forms, and a host that has one.
UNMARKED: Final = ("google/gemini-2.5-flash", "vertex/gemini-2.5-flash", "perplexity/sonar")
MARKED: Final = "vllm/llama"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def through() -> AsyncIterator[Through]:
    async with sabir_before_a_replay() as running:
        yield running


def said(model: str, index: int) -> bytes:
    """A choice from its beginning to its end."""
    google = "gemini" in model
    text = f"answer {index}"
    choice: Json = (
        {"index": index, "content": {"parts": [{"text": text}]}, "finishReason": "STOP"}
        if google
        else {"index": index, "delta": {"content": text}, "finish_reason": "stop"}
    )
    told = {"responseId": "r", "candidates": [choice]} if google else {"id": "r", "choices": [choice]}
    return b"data: " + json.dumps(told).encode() + b"\n\n"


async def asked(through: Through, model: str, body: bytes, *, key: str, n: int | None) -> Reply:
    wanted: Json = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    if n is not None:
        wanted["n"] = n
    return await through.play(Recording(200, SSE, body), wanted, key=key)


@pytest.mark.parametrize("model", UNMARKED)
async def test_pitfall_27_a_stream_cut_before_a_choice_began_is_neither_a_stop_nor_kept(
    through: Through, model: str
) -> None:
    key = through.fresh_key()
    cut = await asked(through, model, said(model, 0), key=key, n=2)
    assert cut.error is not None
    assert cut.error.body["code"] == "upstream_truncated"  # type: ignore[index]
    assert through.sabir.log.records[-1].stored in ("incomplete", None)
    whole = said(model, 1) + said(model, 0)
    again = await asked(through, model, whole, key=key, n=2)
    assert (again.verdict, again.error) == ("MISS", None)
    assert set(again.heard["choices"]) == {0, 1}
    hit = await asked(through, model, b"", key=key, n=2)
    assert (hit.verdict, hit.heard["choices"]) == ("HIT", again.heard["choices"])


@pytest.mark.parametrize("n", [None, 1])
@pytest.mark.parametrize("model", UNMARKED)
async def test_one_that_ends_is_all_of_one_that_was_asked_for(through: Through, model: str, n: int | None) -> None:
    assert (await asked(through, model, said(model, 0), key=through.fresh_key(), n=n)).error is None


async def test_a_host_that_says_it_is_done_is_believed(through: Through) -> None:
    """Many ignore `n`. What they gave is whole, and the client sees how many there are."""
    key = through.fresh_key()
    reply = await asked(through, MARKED, said(MARKED, 0) + DONE, key=key, n=2)
    assert (reply.error, set(reply.heard["choices"])) == (None, {0})
    assert (await asked(through, MARKED, b"", key=key, n=2)).verdict == "HIT"
    assert (await asked(through, MARKED, said(MARKED, 0), key=through.fresh_key(), n=2)).error is not None
