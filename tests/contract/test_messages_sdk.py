"""The official `anthropic` SDK against any provider, by its base URL alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import anthropic
import pytest

from tests.contract.org_rig import an_org, endpoint, org_env
from tests.contract.rig import KEYS, PROVIDERS, STORY
from tests.simulator import Say, Status, StreamError

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp
    from anthropic.types import Message

    from tests.contract.rig import Sabir
    from tests.simulator import Simulator

Start = Any
ALWAYS: Final = {"x-bt-use-cache": "always"}
ASKED: Final[list[Any]] = [{"role": "user", "content": "Say it"}]
WEATHER: Final[Any] = {
    "name": "get_weather",
    "description": "The weather of a place.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
QUESTION: Final[list[Any]] = [{"role": "user", "content": "Please get weather in Oslo and Rome"}]
CALLERS: Final = [("openai", "gpt-4o"), ("anthropic", "claude-sonnet-4-5")]
THINKER: Final = "claude-sonnet-4-5"

# The SDK says so of the old models that the simulator plays.
pytestmark = pytest.mark.filterwarnings("ignore:The model .* is deprecated:DeprecationWarning")


async def told(client: anthropic.AsyncAnthropic, *, stream: bool, **asked: Any) -> Message:
    """A whole answer, or the stream of one as the SDK puts it together."""
    wanted: Any = {"max_tokens": 500, "messages": ASKED, **asked}
    if not stream:
        whole: Message = await client.messages.create(**wanted)
        return whole
    async with client.messages.stream(**wanted) as events:
        message: Message = await events.get_final_message()
        return message


def text_of(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def said(message: Message) -> dict[str, Any]:
    """All that two answers to one question have in common."""
    known = message.to_dict()
    usage: Any = known["usage"]
    counts = {name: usage.get(name) for name in ("input_tokens", "output_tokens")}
    return {name: known[name] for name in ("content", "stop_reason", "role", "type")} | {"usage": counts}


@pytest.mark.parametrize("path", ["", "/v1/proxy", "/v1"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_whole_and_streamed_answers_of_every_provider_are_alike(sabir: Sabir, provider: str, path: str) -> None:
    client = sabir.anthropic(KEYS[provider], path=path)
    whole = await told(client, stream=False, model=STORY[provider])
    assert whole.role == "assistant"
    assert text_of(whole)
    assert whole.stop_reason == "end_turn"
    assert whole.usage.output_tokens > 0
    assert said(await told(client, stream=True, model=STORY[provider])) == said(whole)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_one_entry_serves_both_forms(sabir: Sabir, simulator: Simulator, provider: str, first: bool) -> None:
    client = sabir.anthropic(KEYS[provider], headers=ALWAYS)
    answers = []
    for number, stream in enumerate((first, not first, first)):
        answers.append(said(await told(client, stream=stream, model=STORY[provider])))
        await sabir.log.records_of(number + 1)
    assert [(record.cache, record.cache_reason) for record in sabir.log.records] == [
        ("miss", "absent"),
        ("hit", None),
        ("hit", None),
    ]
    assert answers[0] == answers[1] == answers[2]
    assert simulator.calls() == 1


async def test_temperature_0_is_cached_unasked_and_anything_else_is_not(
    sabir: Sabir, http: aiohttp.ClientSession
) -> None:
    verdicts = []
    asked: list[dict[str, Any]] = [{"temperature": 0}, {"temperature": 0, "stream": True}, {}, {}]
    for number, members in enumerate(asked):
        body = {"model": "claude-haiku-4-5", "max_tokens": 900, "messages": ASKED, **members}
        headers = {"x-api-key": KEYS["anthropic"]}
        async with http.post(sabir.url() + "/messages", json=body, headers=headers) as answer:
            assert answer.status == 200
            verdicts.append(answer.headers["x-bt-cached"])
            await answer.read()
        await sabir.log.records_of(number + 1)
    assert verdicts == ["MISS", "HIT", "MISS", "MISS"]


async def test_pitfall_29_a_beta_is_part_of_the_question(sabir: Sabir, simulator: Simulator) -> None:
    for beta in ("a-2025-01-01", "b-2025-01-01", "a-2025-01-01"):
        client = sabir.anthropic(KEYS["anthropic"], headers={**ALWAYS, "anthropic-beta": beta})
        await told(client, stream=False, model=THINKER)
        await sabir.log.records_of(len(sabir.log.records))
    assert [seen.headers["anthropic-beta"] for seen in simulator.requests] == ["a-2025-01-01", "b-2025-01-01"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("provider", "model"), CALLERS)
async def test_parallel_calls_and_their_results_go_there_and_back(
    sabir: Sabir, simulator: Simulator, provider: str, model: str, stream: bool
) -> None:
    client = sabir.anthropic(KEYS[provider])
    asked: dict[str, Any] = {"model": model, "tools": [WEATHER], "tool_choice": {"type": "auto"}}
    first = await told(client, stream=stream, messages=QUESTION, **asked)
    calls = [block for block in first.content if block.type == "tool_use"]
    assert [(call.name, call.input) for call in calls] == [
        ("get_weather", {"city": "Oslo"}), ("get_weather", {"city": "Rome"}),
    ]  # fmt: skip
    assert first.stop_reason == "tool_use"
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "4 degrees"} for call in calls]
    turns = [*QUESTION, first.to_param(), {"role": "user", "content": results}]
    assert (await told(client, stream=stream, messages=turns, **asked)).stop_reason == "end_turn"
    assert simulator.calls() == 2


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("provider", "model"), CALLERS)
async def test_pitfall_05_a_call_without_arguments(
    sabir: Sabir, simulator: Simulator, provider: str, model: str, stream: bool
) -> None:
    simulator.next(Say(text="One moment.", calls=(("now", {}), ("get_weather", {"city": "Oslo"}))))
    tools = [{"name": "now", "input_schema": {"type": "object", "properties": {}}}, WEATHER]
    message = await told(sabir.anthropic(KEYS[provider]), stream=stream, model=model, tools=tools)
    assert [block.type for block in message.content] == ["text", "tool_use", "tool_use"]
    assert [block.input for block in message.content if block.type == "tool_use"] == [{}, {"city": "Oslo"}]


THINKING: Final[dict[str, Any]] = {
    "model": THINKER, "max_tokens": 4000, "tools": [WEATHER], "thinking": {"type": "enabled", "budget_tokens": 2000},
}  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
async def test_pitfall_07_thinking_comes_signed_and_goes_back_as_it_came(
    sabir: Sabir, simulator: Simulator, stream: bool
) -> None:
    client = sabir.anthropic(KEYS["anthropic"])
    first = await told(client, stream=stream, messages=QUESTION, **THINKING)
    thought, *_ = first.content
    assert thought.type == "thinking"
    assert thought.signature
    calls = [block for block in first.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "4"} for call in calls]
    turns = [*QUESTION, first.to_param(), {"role": "user", "content": results}]
    await told(client, stream=stream, messages=turns, **THINKING)
    sent: Any = simulator.requests[1].json
    assert sent["messages"][1]["content"][0] == {
        "type": "thinking", "thinking": thought.thinking, "signature": thought.signature,
    }  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
async def test_pitfall_06_thinking_that_the_client_dropped_is_put_back(
    sabir: Sabir, simulator: Simulator, stream: bool
) -> None:
    client = sabir.anthropic(KEYS["anthropic"])
    first = await told(client, stream=stream, messages=QUESTION, **THINKING)
    await sabir.log.records_of(1)
    bare = [block.to_dict() for block in first.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call["id"], "content": "4"} for call in bare]
    turns = [*QUESTION, {"role": "assistant", "content": bare}, {"role": "user", "content": results}]
    assert text_of(await told(client, stream=stream, messages=turns, **THINKING))
    sent: Any = simulator.requests[1].json
    assert [block["type"] for block in sent["messages"][1]["content"]] == ["thinking", "tool_use", "tool_use"]


async def test_a_sabir_key_reaches_every_provider(start: Start, simulator: Simulator, tmp_path: Path) -> None:
    sabir = await start(org_env(tmp_path))
    acme = await an_org(sabir, [endpoint(provider) for provider in PROVIDERS])
    client = sabir.anthropic(await acme.key())
    for stream in (False, True):
        for provider in PROVIDERS:
            assert text_of(await told(client, stream=stream, model=STORY[provider]))
    assert simulator.calls() == 6


async def test_another_provider_answers_where_the_first_one_fails(
    start: Start, simulator: Simulator, tmp_path: Path
) -> None:
    sabir = await start(org_env(tmp_path))
    acme = await an_org(sabir, [endpoint("anthropic", "a"), endpoint("anthropic", "b")])
    simulator.next(Status(529))
    assert text_of(await told(sabir.anthropic(await acme.key()), stream=True, model=THINKER))
    assert simulator.calls() == 2


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("status", "raised", "kind"),
    [
        (401, anthropic.AuthenticationError, "authentication_error"),
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (404, anthropic.NotFoundError, "not_found_error"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
    ],
)
async def test_pitfall_35_a_refusal_of_the_provider_is_the_sdks_own_exception(
    sabir: Sabir, simulator: Simulator, provider: str, status: int, raised: Any, kind: str, stream: bool
) -> None:
    simulator.next(Status(status, retry_after="7" if status == 429 else None))
    with pytest.raises(raised) as refused:
        await told(sabir.anthropic(KEYS[provider]), stream=stream, model=STORY[provider])
    body: Any = refused.value.body
    assert (body["type"], body["error"]["type"]) == ("error", kind)
    assert body["error"]["message"]
    assert body["request_id"] == refused.value.response.headers["x-request-id"] == refused.value.request_id
    assert refused.value.response.headers.get("retry-after") == ("7" if status == 429 else None)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_pitfall_19_a_failure_in_the_middle_is_an_error_and_never_kept(
    sabir: Sabir, simulator: Simulator, provider: str
) -> None:
    client = sabir.anthropic(KEYS[provider], headers=ALWAYS)
    simulator.next(StreamError(after=4))
    with pytest.raises(anthropic.APIStatusError):
        await told(client, stream=True, model=STORY[provider])
    await sabir.log.records_of(1)
    assert text_of(await told(client, stream=True, model=STORY[provider]))
    assert simulator.calls() == 2


async def test_what_is_wrong_with_a_request_is_said_in_its_own_dialect(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    client = sabir.anthropic(KEYS["openai"])
    found: Any = [{"role": "user", "content": [{"type": "search_result", "source": "s", "title": "t", "content": []}]}]
    search: Any = {"type": "web_search_20250305", "name": "web_search"}
    bad: list[dict[str, Any]] = [{"messages": found}, {"tools": [search]}, {"model": 7}, {"messages": []}]
    for members in bad:
        with pytest.raises(anthropic.BadRequestError):
            await told(client, stream=False, **{"model": "gpt-4o", **members})
    with pytest.raises(anthropic.NotFoundError):
        await told(client, stream=False, model="no-such-model-at-all")
    with pytest.raises(anthropic.AuthenticationError):
        await told(sabir.anthropic("sbr_not_a_key"), stream=False, model="gpt-4o")
    assert simulator.calls() == 0
    async with http.get(sabir.url() + "/messages") as answer:
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
        assert json.loads(await answer.read())["type"] == "error"


async def test_nothing_is_dropped_without_being_named(sabir: Sabir, simulator: Simulator) -> None:
    marked: Any = {"type": "text", "text": "Say it", "cache_control": {"type": "ephemeral"}}
    raw = await sabir.anthropic(KEYS["openai"]).messages.with_raw_response.create(
        model="gpt-4o",
        max_tokens=64,
        messages=[{"role": "user", "content": [marked]}],
        metadata={"user_id": "u-1"},
        service_tier="auto",
        stop_sequences=["@@"],
        extra_body={"top_k": 3, "temperature": 0},
    )
    dropped = raw.headers["x-sabir-dropped-params"].split(", ")
    assert sorted(dropped) == ["cache_control", "service_tier", "top_k"]
    sent: Any = simulator.requests[0].json
    assert {name: sent[name] for name in ("max_completion_tokens", "stop", "temperature", "user", "messages")} == {
        "max_completion_tokens": 64, "stop": ["@@"], "temperature": 0, "user": "u-1",
        "messages": [{"role": "user", "content": "Say it"}],
    }  # fmt: skip


async def test_tokens_are_counted_in_the_dialects_own_shape(sabir: Sabir) -> None:
    counted = await sabir.anthropic(KEYS["anthropic"]).messages.with_raw_response.count_tokens(
        model=THINKER, messages=ASKED, system="Be kind."
    )
    assert set(json.loads(await counted.text())) == {"input_tokens"}
    assert counted.headers["x-sabir-token-count"] == "exact"
    guessed = await sabir.anthropic(KEYS["openai"]).messages.with_raw_response.count_tokens(
        model="gpt-4o", messages=ASKED
    )
    assert guessed.headers["x-sabir-token-count"] == "estimate"
