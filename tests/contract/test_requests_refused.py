"""Requests that are at fault: refused before any provider hears of them, in a form that the SDK understands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.rig import GOOD, KEYS, STORY, refused

if TYPE_CHECKING:
    import aiohttp

    from tests.contract.rig import Sabir
    from tests.simulator import Simulator


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"{",
        b'{"model": "gpt-4",}',
        b"[]",
        b"null",
        b'"gpt-4"',
        b'{"model": NaN}',
        b'{"temperature": 1e999}',
        b'\xff\xfe{"model"',
        b'{"model": "gpt-4", "model": "gpt-4o", "messages": []}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"seed": ' + b"9" * 10_000 + b"}",
        json.dumps(GOOD).encode() + b" trailing",
    ],
    ids=lambda body: repr(body[:24]),
)
async def test_what_is_no_json_object_is_a_400(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, body: bytes
) -> None:
    status, error = await refused(http, sabir.completions, body)
    assert (status, error["type"], error["code"]) == (400, "invalid_request_error", "invalid_json")
    assert (await sabir.log.last(1)).error == "invalid_json"
    assert simulator.calls() == 0


async def test_what_is_nested_too_deeply_to_have_an_identity_is_a_400(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    deep: Any = "end"
    for _ in range(200):
        deep = {"a": deep}
    status, error = await refused(http, sabir.completions, json.dumps({**GOOD, "temperature": 0, "x": deep}))
    assert (status, error["code"]) == (400, "invalid_json")
    assert simulator.calls() == 0


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"model": ...}, "model", "missing_required_parameter"),
        ({"messages": ...}, "messages", "missing_required_parameter"),
        ({"model": 4}, "model", "invalid_type"),
        ({"messages": "Say it"}, "messages", "invalid_type"),
        ({"messages": []}, "messages", "invalid_value"),
        ({"messages": ["Say it"]}, "messages[0]", "invalid_type"),
        ({"messages": [{"content": "x"}]}, "messages[0].role", "missing_required_parameter"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role", "invalid_value"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "missing_required_parameter"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "invalid_type"),
        ({"temperature": "0"}, "temperature", "invalid_type"),
        ({"temperature": True}, "temperature", "invalid_type"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"seed": 1.5}, "seed", "invalid_type"),
        ({"stop": [1]}, "stop", "invalid_value"),
        ({"tools": {}}, "tools", "invalid_type"),
        ({"stream_options": {"include_usage": True}}, "stream_options", "invalid_value"),
        ({"model": ""}, "model", None),
        ({"model": "openai/"}, "model", None),
        ({"model": "gpt\n4"}, "model", None),
        ({"model": "m" * 5000}, "model", None),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_a_wrong_member_is_a_400_that_names_it(
    sabir: Sabir,
    simulator: Simulator,
    http: aiohttp.ClientSession,
    change: dict[str, Any],
    param: str,
    code: str | None,
) -> None:
    body = {name: value for name, value in {**GOOD, **change}.items() if value is not ...}
    status, error = await refused(http, sabir.completions, json.dumps(body))
    assert (status, error["type"], error["param"], error["code"]) == (400, "invalid_request_error", param, code)
    assert simulator.calls() == 0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer   "},
        {"authorization": "Basic c2s6"},
        {"authorization": KEYS["openai"]},
        {"authorization": "Bearer two words"},
        {"authorization": "Bearer sk-\u00e4"},
        {"x-api-key": ""},
        {"authorization": "Bearer " + "k" * 9000},
    ],
    ids=lambda headers: str(headers)[:40],
)
async def test_pitfall_34_without_a_usable_key_it_is_a_401_and_nothing_is_sent(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    async with http.post(sabir.completions, json=GOOD, headers=headers) as answer:
        error = json.loads(await answer.read())["error"]
    assert (answer.status, error["type"], error["code"]) == (401, "authentication_error", "invalid_api_key")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert simulator.calls() == 0


@pytest.mark.parametrize("model", STORY.values())
@pytest.mark.parametrize("header", ["authorization", "x-api-key", "api-key", "x-goog-api-key"])
async def test_pitfall_34_a_key_of_ours_never_reaches_a_provider(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, model: str, header: str
) -> None:
    value = "Bearer sbr_0123456789abcdef" if header == "authorization" else "sbr_0123456789abcdef"
    async with http.post(sabir.completions, json={**GOOD, "model": model}, headers={header: value}) as answer:
        text = await answer.text()
    assert answer.status == 401
    assert "sbr_" not in text + sabir.log.text
    assert simulator.calls() == 0


@pytest.mark.parametrize("header", ["x-api-key", "api-key", "x-goog-api-key"])
async def test_each_sdks_own_credential_header_is_understood(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, header: str
) -> None:
    async with http.post(sabir.completions, json=GOOD, headers={header: KEYS["openai"]}) as answer:
        assert answer.status == 200
    (seen,) = simulator.requests
    assert seen.headers["authorization"] == f"Bearer {KEYS['openai']}"
    assert header not in seen.headers


@pytest.mark.parametrize("provider", STORY)
async def test_pitfall_33_only_what_a_provider_needs_to_know_reaches_it(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, provider: str
) -> None:
    headers = {
        "authorization": f"Bearer {KEYS[provider]}",
        "cookie": "session=mine",
        "x-forwarded-for": "10.1.2.3",
        "forwarded": "for=10.1.2.3",
        "via": "1.1 mine",
        "x-api-key": "sk-another-key",
        "x-bt-use-cache": "never",
        "x-stainless-os": "Linux",
        "referer": "https://intranet.example/",
        "user-agent": "MyApp/1.0",
        "x-amzn-trace-id": "Root=1",
        "openai-beta": "assistants=v2",
        "openai-organization": "org-mine",
        "openai-project": "proj-mine",
        "anthropic-beta": "context-1m-2025-08-07",
        "anthropic-version": "2023-01-01",
    }
    async with http.post(sabir.completions, json={**GOOD, "model": STORY[provider]}, headers=headers) as answer:
        assert answer.status == 200
    (seen,) = simulator.requests
    basic = {"host", "accept", "accept-encoding", "content-type", "content-length", "user-agent"}
    own = {
        "openai": {"authorization", "openai-beta", "openai-organization", "openai-project"},
        "anthropic": {"x-api-key", "anthropic-version", "anthropic-beta"},
        "perplexity": {"authorization"},
    }
    assert set(seen.headers) == basic | own[provider]
    assert KEYS[provider] in (
        seen.headers.get("authorization", "").removeprefix("Bearer "),
        seen.headers.get("x-api-key"),
    )
    assert "MyApp" not in seen.headers["user-agent"]
    if provider == "anthropic":
        assert seen.headers["anthropic-version"] == "2023-01-01"


@pytest.mark.parametrize("stream", [False, True])
async def test_the_name_of_a_dropped_parameter_cannot_write_headers_of_its_own(
    sabir: Sabir, http: aiohttp.ClientSession, stream: bool
) -> None:
    odd = {"x\r\nset-cookie: a=b": 1, "naïve 海": 2, **{f"knob-{number}": 0 for number in range(500)}}
    body = {**GOOD, **odd, "model": STORY["anthropic"], "stream": stream}
    async with http.post(
        sabir.completions, json=body, headers={"authorization": f"Bearer {KEYS['anthropic']}"}
    ) as answer:
        await answer.read()
    assert answer.status == 200
    assert "set-cookie" not in answer.headers
    named = answer.headers["x-sabir-dropped-params"].split(", ")
    assert {"x%0D%0Aset-cookie%3A%20a%3Db", "na%C3%AFve%20%E6%B5%B7", "..."} <= set(named)
    assert len(str(answer.headers)) < 8_000
    assert (await sabir.log.last(1)).dropped == tuple(named)
