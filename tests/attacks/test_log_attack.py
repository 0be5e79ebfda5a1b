"""The request log against those whose words are in it: clients that name things, and providers that count."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from infra.requests.kept import kept
from infra.requests.rollup import cells, numbers
from infra.telemetry.metrics import metrics_request
from infra.telemetry.otlp import encode
from infra.telemetry.spans import trace_request
from tests.attacks.hostile import DONE, PATIENCE, PROMPT, asked, bearer, chunk, completion, saying, streaming

if TYPE_CHECKING:
    import aiohttp

    from infra.requests.record import RequestRecord
    from tests.attacks.hostile import Answer

Before = Any

# What is left of a counter, an `int64` and a double, in this order; a longer number Python does not read.
NUMBERS: Final = ("18446744073709551616", "1e308", "9" * 4299, "-500", "1e400", '"7"', "[]")
COUNTS: Final = (
    '{"prompt_tokens":%s,"completion_tokens":3}',
    '{"prompt_tokens":5,"completion_tokens":%s,"completion_tokens_details":{"reasoning_tokens":2}}',
    '{"prompt_tokens":5,"completion_tokens":3,"cost":%s}',
    '{"prompt_tokens":5,"completion_tokens":3,"cost_in_usd_ticks":%s}',
)


def with_usage(usage: str, *, stream: bool) -> Answer:
    if not stream:
        return saying(json.dumps(completion()).encode()[:-1] + b',"usage":%b}' % usage.encode())
    told = b'data: {"id":"c","object":"chat.completion.chunk","choices":[],"usage":%b}\n\n' % usage.encode()
    return streaming(chunk({"content": "Fine."}), chunk({}, "stop"), told, DONE)


async def recorded(before: Before, http: aiohttp.ClientSession, answer: Answer, **members: Any) -> RequestRecord:
    sabir, _ = await before(answer)
    async with http.post(sabir.completions, json=asked(**members), headers=bearer()) as got:
        assert got.status == 200
        await got.read()
    (record,) = await sabir.log.records_of(1)
    assert json.loads(sabir.log.text)["_aws"]
    return record  # type: ignore[no-any-return]


def exported(record: RequestRecord) -> bytes:
    record.trace_id, record.span_id = "1" * 32, "2" * 16
    traces, metrics = trace_request([record], {}), metrics_request([record], {}, 0.0, 1.0)
    return encode(traces, "http/protobuf") + encode(metrics, "http/protobuf")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:9])
@pytest.mark.parametrize("usage", COUNTS, ids=["asked", "told", "cost", "ticks"])
async def test_no_number_of_a_provider_keeps_its_record_out_of_a_store_or_an_export(
    before: Before, http: aiohttp.ClientSession, usage: str, number: str, stream: bool
) -> None:
    """One that cannot be written takes up to 511 others' records along, which are exported with it."""
    record = await recorded(before, http, with_usage(usage % number, stream=stream), stream=stream)
    assert (record.unkept, record.bug) == ((), ())
    assert kept(record).text
    assert exported(record)
    assert all(0 <= amount <= 10**15 for amount in numbers(record).values())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("model", [PROMPT, "m" * 400_000, "\ud800", "sk-ant-api03-of-somebody-0123456789"])
async def test_what_a_provider_says_its_model_is_is_a_name_or_not_in_the_log(
    before: Before, http: aiohttp.ClientSession, model: str, stream: bool
) -> None:
    piece = json.loads(chunk({"content": "Fine."}).removeprefix(b"data: ")) | {"model": model}
    said = b"data: " + json.dumps(piece).encode() + b"\n\n"
    answer = streaming(said, chunk({}, "stop"), DONE) if stream else saying({**completion(), "model": model})
    record = await recorded(before, http, answer, stream=stream)
    assert record.unkept == ()
    assert len(record.response_model or "") <= 512
    assert model not in kept(record).text
    assert model.encode("utf-8", "surrogatepass") not in exported(record)


@pytest.mark.parametrize("name", [PROMPT, "sk-ant-api03-of-somebody-0123456789"])
async def test_a_model_that_is_no_name_is_struck_out_wherever_the_log_has_it(
    before: Before, http: aiohttp.ClientSession, name: str
) -> None:
    record = await recorded(before, http, saying(completion()), model=f"openai/{name}")
    assert (record.request_model, record.model, record.attempts[0].model) == ("***", "***", "***")
    assert name not in kept(record).text
    assert name.encode() not in exported(record)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_caller_who_leaves_cannot_fill_the_sums_with_invented_models(
    before: Before, http: aiohttp.ClientSession, stream: bool
) -> None:
    """Each name would be a cell for each hour and day, and any key will do, for the provider has not looked at it."""
    reached = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _heard: object) -> None:
        reached.set()
        await reader.read()

    sabir, _ = await before(silent)
    body = asked(model="openai/invented-by-me", stream=stream)
    asking = asyncio.create_task(http.post(sabir.completions, json=body, headers=bearer()))
    await asyncio.wait_for(reached.wait(), PATIENCE)
    asking.cancel()
    (record,) = await sabir.log.records_of(1)
    assert (record.cause, record.model) == ("client_gone", "invented-by-me")
    assert {cell.model for cell in cells(record)} == {""}
