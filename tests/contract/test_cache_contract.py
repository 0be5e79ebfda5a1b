"""Every header and mode of the cache, as a client sees them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.contract.rig import KEYS
from tests.simulator import Leaky, Say

if TYPE_CHECKING:
    import aiohttp
    from multidict import CIMultiDictProxy

    from tests.contract.rig import Sabir
    from tests.simulator import Simulator

WEEK: Final = 604_800
# RFC 9211 §2: the cache's name, then `hit` or `fwd=…`, then parameters, each `;`-separated (RFC 8941 items).
STATUS: Final = re.compile(
    r"sabir; (hit; ttl=[1-9]\d*|fwd=(bypass|request|miss|stale); detail=[a-z*][a-z0-9:/!#$%&'*+\-.^_`|~]*)"
)


class Asker:
    """Asks for the same thing again and again, under changing headers."""

    def __init__(self, sabir: Sabir, http: aiohttp.ClientSession) -> None:
        self._sabir, self._http = sabir, http

    async def __call__(
        self,
        body: bytes | None = None,
        *,
        key: str = KEYS["openai"],
        headers: dict[str, str] | None = None,
        **asked: Any,
    ) -> tuple[int, CIMultiDictProxy[str], bytes]:
        given = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Say it"}], "temperature": 0, **asked}
        given = {name: value for name, value in given.items() if value is not ...}
        sent = {"authorization": f"Bearer {key}", **(headers or {})}
        done = len(self._sabir.log.records)
        async with self._http.post(
            self._sabir.completions, data=body or json.dumps(given).encode(), headers=sent
        ) as answer:
            data = await answer.read()
            await self._sabir.log.records_of(done + 1)
            return answer.status, answer.headers, data

    async def verdict(self, **asked: Any) -> str:
        """`HIT` or `MISS`, with the reason of a miss."""
        status, headers, body = await self(**asked)
        assert status == 200, body
        assert STATUS.fullmatch(headers["cache-status"])
        if headers["x-bt-cached"] == "HIT":
            return "HIT"
        assert headers["x-bt-cached"] == "MISS"
        return f"MISS {headers['cache-status'].partition('detail=')[2]}"


@pytest.fixture
def ask(sabir: Sabir, http: aiohttp.ClientSession) -> Asker:
    return Asker(sabir, http)


DETERMINISTIC: Final[list[Any]] = [{"temperature": 0}, {"temperature": 0.0}, {"temperature": ..., "seed": 0},
                                   {"temperature": 1, "seed": 7}]  # fmt: skip
NOT_DETERMINISTIC: Final[list[Any]] = [{"temperature": ...}, {"temperature": None}, {"temperature": 0.1}, {"temperature": ..., "seed": None}]  # fmt: skip


@pytest.mark.parametrize("asked", DETERMINISTIC, ids=repr)
async def test_auto_keeps_what_is_deterministic(ask: Asker, asked: Any) -> None:
    assert [await ask.verdict(**asked) for _ in range(2)] == ["MISS absent", "HIT"]


@pytest.mark.parametrize("asked", NOT_DETERMINISTIC, ids=repr)
async def test_auto_leaves_alone_what_is_not_deterministic(ask: Asker, asked: Any) -> None:
    assert [await ask.verdict(**asked) for _ in range(2)] == ["MISS not-deterministic"] * 2
    assert [await ask.verdict(**asked, headers={"x-bt-use-cache": "AUTO"}) for _ in range(2)] == [
        "MISS not-deterministic"
    ] * 2


async def test_always_keeps_anything(ask: Asker) -> None:
    headers = {"x-bt-use-cache": "always"}
    assert [await ask.verdict(temperature=1, headers=headers) for _ in range(2)] == ["MISS absent", "HIT"]
    assert await ask.verdict(temperature=1) == "MISS not-deterministic"


async def test_never_neither_reads_nor_writes(ask: Asker) -> None:
    headers = {"x-bt-use-cache": "never"}
    assert [await ask.verdict(headers=headers) for _ in range(2)] == ["MISS never"] * 2
    assert await ask.verdict() == "MISS absent"
    assert await ask.verdict(headers=headers) == "MISS never"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-bt-use-cache", "yes"),
        ("x-bt-use-cache", ""),
        ("x-bt-use-cache", "auto, never"),
        ("x-bt-cache-ttl", "0"),
        ("x-bt-cache-ttl", "604801"),
        ("x-bt-cache-ttl", "-5"),
        ("x-bt-cache-ttl", "1.5"),
        ("x-bt-cache-ttl", "1e3"),
        ("x-bt-cache-ttl", "soon"),
        ("x-bt-cache-ttl", "9" * 400),
    ],
)
async def test_a_header_that_means_nothing_is_a_400_that_names_it(
    ask: Asker, simulator: Simulator, header: str, value: str
) -> None:
    status, _, body = await ask(headers={header: value})
    error = json.loads(body)["error"]
    assert (status, error["param"], error["type"], error["code"]) == (
        400,
        header,
        "invalid_request_error",
        "invalid_header",
    )
    assert simulator.calls() == 0


@pytest.mark.parametrize(("given", "ttl"), [(None, WEEK), ("1", 1), ("90", 90), (str(WEEK), WEEK)])
async def test_an_entry_lives_for_its_ttl_and_not_a_second_longer(
    sabir: Sabir, ask: Asker, given: str | None, ttl: int
) -> None:
    headers = {} if given is None else {"x-bt-cache-ttl": given}
    assert await ask.verdict(headers=headers) == "MISS absent"
    sabir.clock.now += ttl - 1
    _, found, _ = await ask()
    assert found["x-bt-cached"] == "HIT"
    assert found["age"] == str(ttl - 1)
    assert found["cache-control"] == "max-age=1"
    assert found["cache-status"] == "sabir; hit; ttl=1"
    sabir.clock.now += 1
    assert await ask.verdict() == "MISS absent"


async def test_a_live_answer_has_neither_age_nor_max_age(ask: Asker) -> None:
    _, headers, _ = await ask()
    assert "age" not in headers
    assert "cache-control" not in headers


async def test_no_cache_asks_anew_and_keeps_the_new_answer(ask: Asker, simulator: Simulator) -> None:
    simulator.next(Say("old"))
    await ask()
    simulator.next(Say("new"))
    assert await ask.verdict(headers={"cache-control": "no-cache"}) == "MISS no-cache"
    _, headers, body = await ask()
    assert headers["x-bt-cached"] == "HIT"
    assert b"new" in body


async def test_no_store_neither_reads_nor_writes(ask: Asker) -> None:
    assert await ask.verdict(headers={"cache-control": "no-store"}) == "MISS no-store"
    assert await ask.verdict() == "MISS absent"
    assert await ask.verdict(headers={"Cache-Control": "max-age=10, No-Store"}) == "MISS no-store"


async def test_max_age_refuses_an_older_answer_and_keeps_the_new_one(sabir: Sabir, ask: Asker) -> None:
    await ask()
    sabir.clock.now += 60
    assert await ask.verdict(headers={"cache-control": "max-age=60"}) == "HIT"
    assert await ask.verdict(headers={"cache-control": "max-age=59"}) == "MISS max-age"
    _, headers, _ = await ask()
    assert headers["age"] == "0"


async def test_min_fresh_wants_an_answer_that_lives_on(sabir: Sabir, ask: Asker) -> None:
    await ask(headers={"x-bt-cache-ttl": "100"})
    sabir.clock.now += 40
    assert await ask.verdict(headers={"cache-control": "min-fresh=60"}) == "HIT"
    assert await ask.verdict(headers={"cache-control": "min-fresh=61"}) == "MISS min-fresh"


@pytest.mark.parametrize("stream", [False, True])
async def test_only_if_cached_never_asks_the_provider(ask: Asker, simulator: Simulator, stream: bool) -> None:
    only = {"cache-control": "only-if-cached"}
    status, headers, body = await ask(headers=only, stream=stream)
    error = json.loads(body)["error"]
    assert (status, error["code"], error["type"], error["param"]) == (504, "not_cached", "cache_error", None)
    assert headers["content-type"] == "application/json"
    assert simulator.calls() == 0
    await ask()
    assert await ask.verdict(headers=only, stream=stream) == "HIT"
    # What may not be looked up is not there either.
    for refusal in ({"x-bt-use-cache": "never"}, {"cache-control": "only-if-cached, no-store"}):
        assert (await ask(headers={**only, **refusal}))[0] == 504
    assert (await ask(headers=only, temperature=1))[0] == 504
    assert simulator.calls() == 1


SPELLINGS: Final = [
    b'{"model":"gpt-4o","temperature":0,"messages":[{"role":"user","content":"\xc3\xa4 / \\""}],"logit_bias":{"1":1,"2":2}}',
    b'{"messages":[{"content":"\xc3\xa4 / \\"","role":"user"}],"logit_bias":{"2":2,"1":1},"temperature":0.0,"model":"gpt-4o"}',
    b' {\n "model" : "gpt-4o",\t"temperature": -0e1, "messages":[{"role":"user","content":"\\u00E4 \\/ \\u0022"}]\r\n,"logit_bias":{"1":1.0,"2":2e0}, "stream": false}',
    b'{"model":"openai/gpt-4o","temperature":0,"messages":[{"role":"user","content":"\\u00e4 / \\""}],"logit_bias":{"1":1,"2":2},"stream":true,"stream_options":{"include_usage":true}}',
    b'\xef\xbb\xbf{"model":"gpt-4o","temperature":0,"messages":[{"role":"user","content":"\xc3\xa4 / \\""}],"logit_bias":{"1":1,"2":2}}',
]


@pytest.mark.parametrize("first", range(len(SPELLINGS)))
async def test_pitfall_29_every_spelling_of_one_request_is_one_entry(
    ask: Asker, simulator: Simulator, first: int
) -> None:
    assert await ask.verdict(body=SPELLINGS[first]) == "MISS absent"
    assert [await ask.verdict(body=spelling) for spelling in SPELLINGS] == ["HIT"] * len(SPELLINGS)
    assert simulator.calls() == 1


OTHERS: Final[list[Any]] = [
    {"messages": [{"role": "user", "content": "Say It"}]},
    {"messages": [{"role": "system", "content": "Say it"}]},
    {"messages": [{"role": "user", "content": "Say it"}, {"role": "user", "content": ""}]},
    {"model": "gpt-4"},
    {"model": "sonar", "key": KEYS["perplexity"]},
    {"temperature": 0, "seed": 1},
    {"top_p": 0.5},
    {"n": 1},
    {"user": "someone"},
    {"store": True, "metadata": {"trace": "1"}},
    {"store": True},
    {"max_tokens": 100},
    {"safety_identifier": "someone"},
    {"headers": {"openai-beta": "assistants=v2"}},
    {"headers": {"openai-organization": "org-1"}},
    {"headers": {"openai-project": "proj-1"}},
    {"key": "sk-somebody-else"},
]


@pytest.mark.parametrize("other", OTHERS, ids=repr)
async def test_another_request_or_another_caller_is_another_entry(ask: Asker, other: Any) -> None:
    await ask()
    assert await ask.verdict(**other) == "MISS absent"
    assert await ask.verdict(**other) == "HIT"
    assert await ask.verdict() == "HIT"


async def test_pitfall_29_anthropic_beta_is_part_of_the_identity_and_reaches_anthropic(
    ask: Asker, simulator: Simulator
) -> None:
    asked: dict[str, Any] = {"model": "claude-haiku-4-5", "key": KEYS["anthropic"]}
    beta = {"anthropic-beta": "context-1m-2025-08-07"}
    assert await ask.verdict(**asked) == "MISS absent"
    assert await ask.verdict(**asked, headers=beta) == "MISS absent"
    assert await ask.verdict(**asked, headers=beta) == "HIT"
    assert await ask.verdict(**asked, headers={"anthropic-beta": "other-2026-01-01"}) == "MISS absent"
    assert [seen.headers.get("anthropic-beta") for seen in simulator.requests] == [
        None,
        "context-1m-2025-08-07",
        "other-2026-01-01",
    ]


@pytest.mark.parametrize("header", ["x-request-id", "user-agent", "accept-language", "idempotency-key", "traceparent"])
async def test_headers_that_change_no_answer_are_not_part_of_the_identity(ask: Asker, header: str) -> None:
    await ask(headers={header: "one"})
    assert await ask.verdict(headers={header: "two"}) == "HIT"


@pytest.mark.parametrize("stream", [False, True])
async def test_pitfall_31_no_header_of_the_first_answer_is_replayed_to_a_later_caller(
    ask: Asker, simulator: Simulator, stream: bool
) -> None:
    simulator.next(Leaky())
    _, live, _ = await ask(stream=stream)
    _, hit, body = await ask(stream=stream)
    kept = {"x-ratelimit-remaining-requests", "openai-processing-ms", "x-upstream-request-id"}
    assert kept <= {name.lower() for name in live}
    assert {name.lower() for name in hit} <= {
        "age",
        "cache-control",
        "cache-status",
        "connection",
        "content-length",
        "content-type",
        "transfer-encoding",
        "x-accel-buffering",
        "x-bt-cached",
        "vary",
        "x-bt-used-endpoint",
        "x-request-id",
        "x-sabir-cost-usd",
        "server-timing",
    }
    assert hit["x-request-id"] != live["x-request-id"]
    assert "leaked" not in str(hit) + str(live) + body.decode()
