"""Callers who would be somebody else: the function itself, or whoever a token endpoint of theirs says."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.attacks.hostile import asked, bearer, completion, provider, saying
from tests.contract.rig import sabir_over
from tests.infra.auth.desk import key_file, token_desk

if TYPE_CHECKING:
    import aiohttp

OWN = {
    "AWS_ACCESS_KEY_ID": "ASIAOFTHEFUNCTION000",
    "AWS_SECRET_ACCESS_KEY": "own-secret-key-of-the-function",
    "AWS_SESSION_TOKEN": "own-session-token",
}
AWS_KEY = "AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(
    "headers",
    [
        bearer("function-role"),
        bearer("  function-role"),
        {"x-api-key": "function-role"},
        {"api-key": "function-role"},
        {"x-goog-api-key": "function-role"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "model", ["bedrock/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0", "aws/us.amazon.nova-pro-v1:0"]
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_stranger_who_knows_the_word_is_not_the_function(
    http: aiohttp.ClientSession, headers: dict[str, str], model: str, stream: bool
) -> None:
    async with provider(saying({})) as (url, heard), sabir_over(None, {**OWN, "BEDROCK_BASE_URL": url}) as sabir:
        async with http.post(sabir.completions, json=asked(model=model, stream=stream), headers=headers) as answer:
            told = json.loads(await answer.read())
        assert (answer.status, told["error"]["code"]) == (401, "invalid_api_key")
    assert heard == []


async def test_the_owner_of_this_machine_has_no_function_to_be(http: aiohttp.ClientSession) -> None:
    """`sabir serve` spends keys that it was given by name, not whatever else is in the environment."""
    async with provider(saying({})) as (url, heard):
        env = {**OWN, "BEDROCK_BASE_URL": url, "BEDROCK_API_KEY": "function-role"}
        async with sabir_over(None, env, with_keys=True) as sabir:
            body = asked(model="bedrock/amazon.nova-pro-v1:0")
            async with http.post(sabir.completions, json=body, headers=bearer("env")) as answer:
                assert answer.status == 401
    assert heard == []


@pytest.mark.parametrize(
    ("key", "model", "owner"),
    [
        (AWS_KEY, "gpt-4o", "bedrock"),
        (AWS_KEY.replace("AKIA", "ASIA") + ":session", "gpt-4o", "bedrock"),
        (AWS_KEY, "vertex/gemini-2.5-flash", "bedrock"),
        (base64.b64encode(key_file().encode()).decode(), "gpt-4o", "vertex"),
        (base64.b64encode(json.dumps(json.loads(key_file())).encode()).decode(), "gpt-4o", "vertex"),
        (
            base64.b64encode(json.dumps(json.loads(key_file()), separators=(",", ":")).encode()).decode(),
            "azure/d",
            "vertex",
        ),
    ],
    ids=lambda value: value[:24],
)
async def test_what_opens_a_whole_account_is_shown_to_no_other_provider(
    http: aiohttp.ClientSession, key: str, model: str, owner: str
) -> None:
    async with sabir_over(None, {}) as sabir:
        async with http.post(sabir.completions, json=asked(model=model), headers=bearer(key)) as answer:
            told = json.loads(await answer.read())
        assert (answer.status, told["error"]["code"]) == (401, "key_of_another_provider")
        assert owner in told["error"]["message"]
        assert key not in sabir.log.text


@pytest.mark.parametrize("path", ["/token", "/latest/meta-data/"])
async def test_a_key_file_does_not_choose_where_we_connect_to(http: aiohttp.ClientSession, path: str) -> None:
    async with token_desk() as desk, token_desk() as trap, provider(saying(completion())) as (url, _):
        secret = base64.b64encode(
            key_file(token_uri=trap.origin + path, universe_domain="evil.example").encode()
        ).decode()
        env = {"VERTEX_BASE_URL": url, "SABIR_GOOGLE_TOKEN_URL": desk.origin}
        async with sabir_over(None, env) as sabir:
            body: Any = asked(model="vertex/gemini-2.5-flash")
            async with http.post(sabir.completions, json=body, headers=bearer(secret)) as answer:
                await answer.read()
        assert len(desk.forms) == 1
        assert trap.forms == []


async def test_no_caller_rides_on_the_token_of_another_ones_account(http: aiohttp.ClientSession) -> None:
    async with token_desk() as desk, provider(saying({"candidates": []})) as (url, heard):
        env = {"VERTEX_BASE_URL": url, "SABIR_GOOGLE_TOKEN_URL": desk.origin}
        async with sabir_over(None, env) as sabir:
            for number in range(3):
                secret = base64.b64encode(key_file(client_email=f"{number}@x").encode()).decode()
                body = asked(model="vertex/gemini-2.5-flash")
                async with http.post(sabir.completions, json=body, headers=bearer(secret)) as answer:
                    await answer.read()
    assert [each.head.count(f"Bearer token-{number}".encode()) for number, each in enumerate(heard, start=1)] == [
        1,
        1,
        1,
    ]
