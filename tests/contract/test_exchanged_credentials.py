"""Credentials that are more than a header, through the running proxy: exchanged or signed, kept, and shown to no one."""

from __future__ import annotations

import base64
import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from tests.attacks.hostile import PROMPT, Heard, asked, bearer, completion, provider, saying, streaming
from tests.contract.org_rig import an_org, endpoint, org_env
from tests.contract.rig import sabir_over
from tests.infra.auth.desk import ENTRA, TokenDesk, key_file, pem, token_desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    import aiohttp

    from tests.attacks.hostile import Answer
    from tests.contract.rig import Sabir

Start = Any

GEMINI: dict[str, Any] = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "It is fine."}]}, "finishReason": "STOP", "index": 0}
    ],
    "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 4, "totalTokenCount": 9},
    "modelVersion": "gemini-2.5-flash",
    "responseId": "r1",
}
CONVERSE: dict[str, Any] = {
    "output": {"message": {"role": "assistant", "content": [{"text": "It is fine."}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 5, "outputTokens": 4, "totalTokens": 9},
}
AWS_KEY = "AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ENCODED_FILE = base64.b64encode(key_file().encode()).decode()


@pytest.fixture
async def desk() -> AsyncIterator[TokenDesk]:
    async with token_desk() as desk:
        yield desk


@pytest.fixture
async def over(
    desk: TokenDesk, tmp_path: Path
) -> AsyncIterator[Callable[..., Awaitable[tuple[Sabir, str, list[Heard]]]]]:
    """Starts a Sabir, and a provider that answers as the test says: the proxy, the provider's URL, what it heard."""
    async with AsyncExitStack() as stack:

        async def started(answer: Answer, **env: str) -> tuple[Sabir, str, list[Heard]]:
            url, heard = await stack.enter_async_context(provider(answer))
            settings = {
                **org_env(tmp_path),
                "SABIR_CACHE_READ_MS": "10000",
                "SABIR_GOOGLE_TOKEN_URL": f"{desk.origin}/token",
                "AZURE_AUTHORITY_HOST": desk.origin,
                "AWS_ACCESS_KEY_ID": "ASIAOFTHEFUNCTION000",
                "AWS_SECRET_ACCESS_KEY": "own-secret-key-of-the-function",
                "AWS_SESSION_TOKEN": "own-session-token",
                **{f"{name}_BASE_URL": url for name in ("VERTEX", "BEDROCK", "AZURE")},
                **env,
            }
            sabir = await stack.enter_async_context(sabir_over(None, settings))
            return sabir, url, heard

        yield started


async def ask(
    sabir: Sabir, http: aiohttp.ClientSession, key: str, model: str, *, stream: bool = False
) -> tuple[int, bytes]:
    body = asked(model=model, stream=stream, seed=None)
    async with http.post(sabir.completions, json=body, headers=bearer(key)) as answer:
        told = await answer.read()
        return answer.status, told


def authorization(heard: Heard) -> str:
    lines = heard.head.decode().split("\r\n")
    return next(line.partition(": ")[2] for line in lines if line.lower().startswith("authorization:"))


def says_nothing_secret(sabir: Sabir, *told: bytes) -> None:
    shown = sabir.log.text + b"".join(told).decode()
    for secret in ("token-1", "token-2", "PRIVATE KEY", pem()[40:80], "s~ecret", "own-secret", "own-session", AWS_KEY[21:],
                   ENCODED_FILE[100:140], PROMPT):  # fmt: skip
        assert secret not in shown


async def test_a_service_account_serves_an_organisation_by_one_token_for_many_requests(
    over: Start, desk: TokenDesk, http: aiohttp.ClientSession
) -> None:
    sabir, _, heard = await over(saying(GEMINI))
    acme = await an_org(sabir, [endpoint("vertex", secret=json.dumps(json.loads(key_file())), region="europe-west4")])
    key = await acme.key()
    for _ in range(3):
        status, told = await ask(sabir, http, key, "vertex/gemini-2.5-flash")
        assert (status, json.loads(told)["choices"][0]["message"]["content"]) == (200, "It is fine.")
    assert [authorization(each) for each in heard] == ["Bearer token-1"] * 3
    assert len(desk.forms) == 1
    place = b"/v1beta1/projects/acme-1/locations/europe-west4/publishers/google/models/gemini-2.5-flash:generateContent"
    assert heard[0].head.startswith(b"POST " + place + b" HTTP/1.1\r\n")
    record = (await sabir.log.records_of(3))[0]
    assert (record.provider, record.endpoint, record.model) == ("vertex", "vertex", "gemini-2.5-flash")
    says_nothing_secret(sabir, told)


async def test_a_stream_of_geminis_comes_through_vertex_ai(over: Start, http: aiohttp.ClientSession) -> None:
    frame = b"data: " + json.dumps(GEMINI).encode() + b"\r\n\r\n"
    sabir, _, heard = await over(streaming(frame))
    acme = await an_org(sabir, [endpoint("vertex", secret=ENCODED_FILE)])
    status, told = await ask(sabir, http, await acme.key(), "gemini-2.5-flash", stream=True)
    assert status == 200
    assert b"It is fine." in told
    assert told.endswith(b"data: [DONE]\n\n")
    assert b":streamGenerateContent?alt=sse" in heard[0].head


async def test_the_bearer_of_a_key_file_presents_it_in_base64(
    over: Start, desk: TokenDesk, http: aiohttp.ClientSession
) -> None:
    sabir, _, heard = await over(saying(GEMINI))
    status, told = await ask(sabir, http, ENCODED_FILE, "vertex/gemini-2.5-flash")
    assert status == 200
    assert authorization(heard[0]) == "Bearer token-1"
    assert ENCODED_FILE.encode() not in heard[0].head
    await sabir.log.records_of(1)
    says_nothing_secret(sabir, told)
    assert len(desk.forms) == 1


async def test_a_refused_account_is_the_organisations_matter_and_another_endpoint_answers(
    over: Start, desk: TokenDesk, http: aiohttp.ClientSession
) -> None:
    sabir, url, heard = await over(saying(GEMINI))
    refusal = {"error": "invalid_grant", "error_description": "Invalid JWT Signature: token-1"}
    only = await an_org(sabir, [endpoint("vertex", secret=ENCODED_FILE)], "only")
    desk.answers = [web.json_response(refusal, status=400)]
    status, told = await ask(sabir, http, await only.key(), "vertex/gemini-2.5-flash")
    assert (status, json.loads(told)["error"]["code"]) == (502, "endpoint_unauthorized")
    assert heard == []
    aliases = {"vertex/gemini-2.5-flash": "gemini-2.5-flash"}
    second = endpoint("google", "second", secret="AIzaSy-second", base_url=url, aliases=aliases, weight=0)
    two = await an_org(sabir, [endpoint("vertex", secret=ENCODED_FILE), second], "two")
    desk.answers = [web.json_response(refusal, status=400)]
    status, told = await ask(sabir, http, await two.key(), "vertex/gemini-2.5-flash")
    assert status == 200
    assert b"x-goog-api-key: AIzaSy-second" in heard[0].head
    record = (await sabir.log.records_of(2))[1]
    assert (record.endpoint, record.failed) == ("second", ("vertex:invalid_credential",))
    says_nothing_secret(sabir, told)


async def test_an_application_reaches_azure_and_its_bytes_are_relayed(
    over: Start, desk: TokenDesk, http: aiohttp.ClientSession
) -> None:
    body = json.dumps({**completion(), "prompt_filter_results": [{"prompt_index": 0}], "tomorrow": 1.50}).encode()
    sabir, _, heard = await over(saying(body))
    acme = await an_org(sabir, [endpoint("azure", secret=ENTRA, aliases={"gpt-4o": "dep-7"})])
    for _ in range(2):
        assert await ask(sabir, http, await acme.key(), "gpt-4o") == (200, body)
    assert heard[0].head.startswith(
        b"POST /openai/deployments/dep-7/chat/completions?api-version=2024-10-21 HTTP/1.1\r\n"
    )
    assert [authorization(each) for each in heard] == ["Bearer token-1"] * 2
    assert desk.paths == ["/acme.example/oauth2/v2.0/token"]
    assert heard[0].json["model"] == "dep-7"
    await sabir.log.records_of(2)
    says_nothing_secret(sabir)


async def test_the_bearer_of_an_azure_key_shows_it_in_azures_header(over: Start, http: aiohttp.ClientSession) -> None:
    sabir, _, heard = await over(saying(completion()))
    status, _ = await ask(sabir, http, "0123456789abcdef", "azure/dep")
    assert status == 200
    assert b"\r\napi-key: 0123456789abcdef\r\n" in heard[0].head
    assert b"authorization" not in heard[0].head.lower()


@pytest.mark.parametrize("of_org", [False, True])
async def test_aws_keys_sign_and_are_never_sent(over: Start, http: aiohttp.ClientSession, of_org: bool) -> None:
    sabir, _, heard = await over(saying(CONVERSE))
    key = AWS_KEY
    if of_org:
        key = await (await an_org(sabir, [endpoint("bedrock", secret=AWS_KEY, region="eu-central-1")])).key()
    status, told = await ask(sabir, http, key, "bedrock/eu.amazon.nova-pro-v1:0")
    assert (status, json.loads(told)["choices"][0]["message"]["content"]) == (200, "It is fine.")
    region = "eu-central-1" if of_org else "us-east-1"
    assert authorization(heard[0]).startswith(f"AWS4-HMAC-SHA256 Credential={AWS_KEY[:20]}/")
    assert f"/{region}/bedrock/aws4_request, " in authorization(heard[0])
    assert heard[0].head.startswith(b"POST /model/eu.amazon.nova-pro-v1%3A0/converse HTTP/1.1\r\n")
    assert AWS_KEY[21:].encode() not in heard[0].head
    await sabir.log.records_of(1)
    says_nothing_secret(sabir, told)


async def test_the_role_of_the_function_serves_an_organisation(over: Start, http: aiohttp.ClientSession) -> None:
    sabir, _, heard = await over(saying(CONVERSE))
    acme = await an_org(sabir, [endpoint("bedrock", secret="function-role", region="eu-central-1")])
    status, _ = await ask(sabir, http, await acme.key(), "bedrock/amazon.nova-pro-v1:0")
    assert status == 200
    assert authorization(heard[0]).startswith("AWS4-HMAC-SHA256 Credential=ASIAOFTHEFUNCTION000/")
    await sabir.log.records_of(1)
    says_nothing_secret(sabir)


async def test_a_signature_that_aws_refuses_is_not_explained_by_what_was_signed(
    over: Start, http: aiohttp.ClientSession
) -> None:
    told_by_aws = {"message": "The Canonical String should have been 'POST\nx-amz-security-token:own-session-token'"}
    headers = b"x-amzn-errortype: InvalidSignatureException:http://x/\r\n"
    sabir, _, _ = await over(saying(told_by_aws, status="403 Forbidden", headers=headers))
    acme = await an_org(sabir, [endpoint("bedrock", secret="function-role")])
    status, told = await ask(sabir, http, await acme.key(), "bedrock/amazon.nova-pro-v1:0")
    assert (status, json.loads(told)["error"]["code"]) == (502, "endpoint_unauthorized")
    await sabir.log.records_of(1)
    says_nothing_secret(sabir, told)
