"""What the client sees, and how many upstream calls are made, when an endpoint of an org fails in each of its ways."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from providers.routing.virtual import Candidate, VirtualModel
from tests.contract.org_rig import an_org, endpoint, org_env, secrets_seen
from tests.simulator import (
    Cut,
    Hang,
    HtmlPage,
    MalformedFrame,
    NoEndMark,
    NotJson,
    Reset,
    Simulator,
    Status,
    StreamError,
)

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from handlers.services import Services
    from tests.contract.org_rig import TestOrg
    from tests.contract.rig import Clock, Sabir
    from tests.simulator.fault import Fault

Start = Any
CHAT: Final[dict[str, Any]] = {"model": "gpt-4", "messages": [{"role": "user", "content": "Say it"}]}
QUICK: Final = {"SABIR_TIMEOUT_FIRST_TOKEN_SECONDS": "0.2", "SABIR_TIMEOUT_ATTEMPT_SECONDS": "0.2"}

# Before the client has seen anything. A hang before the first token is one before and one after the head.
EARLY: Final[dict[str, Fault]] = {
    "429": Status(429),
    "500": Status(500),
    "503": Status(503),
    "529": Status(529),
    "html": HtmlPage(502),
    "hangs": Hang(),
    "hangs after the head": Hang(after=0),
    "resets": Reset(),
    "cuts": Cut(),
}
STREAMED: Final[dict[str, Fault]] = {
    **EARLY,
    "an error for its first event": StreamError(after=0),
    "hangs after the role": Hang(after=1),
    "cuts after the role": Cut(after=1),
    "garbage": MalformedFrame(after=0),
}
WHOLE: Final[dict[str, Fault]] = {**EARLY, "not JSON": NotJson(), "cuts in the body": Cut(after_bytes=20)}


class Waits:
    """Notes the waits, and lets their time pass at once."""

    def __init__(self) -> None:
        self.clock: Clock | None = None
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        assert self.clock is not None
        self.seconds.append(seconds)
        self.clock.now += seconds


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
async def sabir(start: Start, tmp_path: Path, waits: Waits) -> Sabir:
    def still(services: Services) -> Services:
        return replace(services, pause=waits, draw=lambda: 1.0)

    started: Sabir = await start({**org_env(tmp_path), **QUICK}, change=still)
    waits.clock = started.clock
    return started


@pytest.fixture
async def pair(sabir: Sabir) -> TestOrg:
    """Two endpoints for one model: OpenAI first, whatever the prompt is, and Perplexity as its stand-in."""
    fallback = VirtualModel("gpt-4", (Candidate("gpt-4", "openai"), Candidate("sonar", "perplexity")))
    return await an_org(sabir, [endpoint("openai"), endpoint("perplexity")], models=(fallback,))


async def ask(
    sabir: Sabir, http: aiohttp.ClientSession, key: str, *, stream: bool, model: str = "gpt-4", **more: Any
) -> tuple[int, dict[str, str], bytes]:
    body = {**CHAT, "model": model, "stream": stream, **more}
    async with http.post(sabir.completions, json=body, headers={"authorization": f"Bearer {key}"}) as answer:
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, await answer.read()


def said(body: bytes, *, stream: bool) -> str:
    if not stream:
        return str(json.loads(body)["choices"][0]["message"]["content"])
    assert body.endswith(b"data: [DONE]\n\n")
    frames = [json.loads(line[6:]) for line in body.split(b"\n") if line.startswith(b"data: {")]
    return "".join(choice["delta"].get("content") or "" for frame in frames for choice in frame["choices"])


@pytest.mark.parametrize(
    ("fault", "stream"),
    [*((fault, True) for fault in STREAMED.values()), *((fault, False) for fault in WHOLE.values())],
    ids=[*(f"streamed, {name}" for name in STREAMED), *(f"whole, {name}" for name in WHOLE)],
)
async def test_before_the_first_token_the_client_sees_nothing_of_a_failure(
    sabir: Sabir, pair: TestOrg, simulator: Simulator, http: aiohttp.ClientSession, fault: Fault, stream: bool
) -> None:
    key = await pair.key()
    simulator.next(fault, provider="openai")
    status, headers, body = await ask(sabir, http, key, stream=stream)
    assert (status, headers["x-bt-used-endpoint"], headers["x-sabir-attempts"]) == (200, "perplexity", "2")
    assert said(body, stream=stream)
    assert b"error" not in body
    assert secrets_seen(simulator.requests) == ["openai", "perplexity"]
    assert len({json.loads(line[6:])["id"] for line in body.split(b"\n") if line.startswith(b"data: {")}) == stream
    record = await sabir.log.last(1)
    assert (record.status, len(record.attempts), len(record.failed), record.error) == (200, 2, 1, None)
    assert record.failed[0].startswith("openai:")


@pytest.mark.parametrize("fault", [Cut(after=3), Reset(after=3), StreamError(after=3), NoEndMark()], ids=repr)
async def test_behind_the_first_token_the_client_is_told_and_nobody_else_is_asked(
    sabir: Sabir, pair: TestOrg, simulator: Simulator, http: aiohttp.ClientSession, fault: Fault
) -> None:
    simulator.next(fault, provider="openai")
    status, headers, body = await ask(sabir, http, await pair.key(), stream=True)
    assert (status, headers["x-bt-used-endpoint"], headers["x-sabir-attempts"]) == (200, "openai", "1")
    assert b'"error"' in body
    assert b"[DONE]" not in body
    assert simulator.calls() == 1


async def test_a_hang_behind_the_first_token_is_not_waited_out_by_asking_somebody_else(
    start: Start, tmp_path: Path, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    sabir = await start({**org_env(tmp_path), **QUICK, "SABIR_TIMEOUT_IDLE_SECONDS": "0.3"})
    acme = await an_org(sabir, [endpoint("openai", "a"), endpoint("openai", "b")])
    simulator.next(Hang(after=3))
    status, _, body = await ask(sabir, http, await acme.key(), stream=True)
    assert (status, simulator.calls()) == (200, 1)
    assert b"upstream_timeout" in body
    assert b"[DONE]" not in body


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [500, 529])
async def test_when_all_have_failed_the_client_is_told_with_the_providers_status(
    sabir: Sabir,
    pair: TestOrg,
    simulator: Simulator,
    http: aiohttp.ClientSession,
    waits: Waits,
    stream: bool,
    status: int,
) -> None:
    simulator.next(Status(status), times=10)
    seen, headers, body = await ask(sabir, http, await pair.key(), stream=stream)
    assert (seen, headers["x-sabir-attempts"]) == (status, "4")
    assert json.loads(body)["error"]["message"]
    assert secrets_seen(simulator.requests) == ["openai", "perplexity", "openai", "perplexity"]
    assert len(waits.seconds) == 2
    assert all(0 < wait < 10 for wait in waits.seconds)


@pytest.mark.parametrize("stream", [False, True])
async def test_pitfall_36_a_limit_is_waited_for_as_long_as_the_provider_says(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, waits: Waits, stream: bool
) -> None:
    acme = await an_org(sabir, [endpoint("openai")])
    simulator.next(Status(429, retry_after="7"))
    status, headers, _ = await ask(sabir, http, await acme.key(), stream=stream)
    assert (status, headers["x-sabir-attempts"]) == (200, "2")
    assert len(waits.seconds) == 1
    assert waits.seconds[0] >= 7


async def test_a_limit_that_lasts_longer_than_anybody_waits_is_a_429_at_once(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, waits: Waits
) -> None:
    acme = await an_org(sabir, [endpoint("openai")])
    simulator.next(Status(429, retry_after="3600"))
    status, headers, _ = await ask(sabir, http, await acme.key(), stream=False)
    assert (status, headers["retry-after"], waits.seconds, simulator.calls()) == (429, "3600", [], 1)


@pytest.mark.parametrize("status", [400, 404, 413, 422])
async def test_a_request_that_is_at_fault_itself_is_asked_once(
    sabir: Sabir, pair: TestOrg, simulator: Simulator, http: aiohttp.ClientSession, status: int
) -> None:
    simulator.next(Status(status))
    seen, headers, _ = await ask(sabir, http, await pair.key(), stream=False)
    assert (seen, headers["x-sabir-attempts"], simulator.calls()) == (status, "1", 1)


async def test_a_failing_endpoint_cools_down_and_other_sandboxes_hear_of_it(
    sabir: Sabir, start: Start, tmp_path: Path, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    acme = await an_org(sabir, [endpoint("openai", "a"), endpoint("openai", "b")])
    key = await acme.key()
    simulator.next(Status(429, retry_after="60"))
    await ask(sabir, http, key, stream=False)
    await sabir.log.records_of(1)
    failed, stood_in = secrets_seen(simulator.requests)
    await ask(sabir, http, key, stream=False)
    other = await start({**org_env(tmp_path), **QUICK}, clock=sabir.clock)
    await ask(other, http, key, stream=False)
    assert secrets_seen(simulator.requests)[2:] == [stood_in, stood_in]
    sabir.clock.now += 61
    await ask(sabir, http, key, stream=False)
    assert secrets_seen(simulator.requests)[4] == failed


async def test_what_a_stand_in_said_is_not_kept_for_the_model_that_was_asked_for(
    sabir: Sabir, pair: TestOrg, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    key = await pair.key()
    simulator.next(Status(500))
    _, first, _ = await ask(sabir, http, key, stream=False, seed=1)
    assert (await sabir.log.last(1)).stored == "stand-in"
    _, second, _ = await ask(sabir, http, key, stream=False, seed=1)
    assert (first["x-bt-cached"], second["x-bt-cached"]) == ("MISS", "MISS")
    await sabir.log.records_of(2)
    _, third, _ = await ask(sabir, http, key, stream=True, seed=1)
    assert (second["x-bt-used-endpoint"], third["x-bt-cached"]) == ("openai", "HIT")


@pytest.mark.parametrize("code", ["context_length_exceeded", "content_policy_violation"])
async def test_a_virtual_model_falls_back_on_a_refusal_only_where_it_says_so(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, code: str
) -> None:
    candidates = (Candidate("gpt-4"), Candidate("claude-sonnet-4-5"))
    strict = VirtualModel("strict", candidates)
    lenient = VirtualModel("lenient", candidates, fallback_on=frozenset({"context_window", "content_policy"}))
    acme = await an_org(sabir, [endpoint("openai"), endpoint("anthropic")], models=(strict, lenient))
    key = await acme.key()
    seen = []
    for model in ("strict", "lenient"):
        simulator.next(Status(400, code=code), provider="openai")
        status, headers, _ = await ask(sabir, http, key, stream=False, model=model)
        seen.append((status, headers["x-bt-used-endpoint"]))
    assert seen == [(400, "openai"), (200, "anthropic")]


async def test_the_bearer_of_a_providers_own_key_tries_again_itself(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, waits: Waits
) -> None:
    simulator.next(Status(500))
    status, headers, _ = await ask(sabir, http, "sk-own", stream=False)
    assert (status, headers["x-sabir-attempts"], simulator.calls(), waits.seconds) == (500, "1", 1, [])


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_an_endpoint_may_not_use_goes_elsewhere_and_leaves_the_endpoint_in_use(
    sabir: Sabir, pair: TestOrg, simulator: Simulator, http: aiohttp.ClientSession, stream: bool
) -> None:
    key = await pair.key()
    for code, next_asked in (("model_not_found", "openai"), ("no_such_key", "perplexity")):
        calls = simulator.calls()
        simulator.next(Status(403, code=code), provider="openai")
        status, headers, _ = await ask(sabir, http, key, stream=stream)
        # A refused secret is asked for anew, but this one has no successor: it is not sent again.
        assert (status, headers["x-bt-used-endpoint"], simulator.calls() - calls) == (200, "perplexity", 2)
        assert (await ask(sabir, http, key, stream=stream))[1]["x-bt-used-endpoint"] == next_asked


async def test_a_member_hears_that_the_organisation_may_not_use_a_model_and_not_how_it_is_called_there(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    acme = await an_org(sabir, [endpoint("openai")])
    simulator.next(Status(403, code="model_not_found", message="Project `proj_7` does not have access to `gpt-4`"))
    status, headers, body = await ask(sabir, http, await acme.key(), stream=False)
    error = json.loads(body)["error"]
    assert (status, error["code"], error["param"]) == (403, "endpoint_model_forbidden", "model")
    assert headers["x-sabir-attempts"] == "1"
    assert b"proj_7" not in body
