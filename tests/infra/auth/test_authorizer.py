"""Which scheme does what, and what an operator may say about it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from infra.auth.authorizer import Authorizer
from infra.settings import Misconfigured, Timeouts
from infra.upstream import Upstream
from providers.base import Credential, EntraClient, GoogleServiceAccount, SigV4, UpstreamRequest
from providers.secret import Secret
from tests.infra.auth.desk import ENTRA, Clock, TokenDesk, key_file, request

if TYPE_CHECKING:
    import aiohttp

    from providers.base import Scheme


async def test_a_key_is_itself_in_its_header(session: aiohttp.ClientSession) -> None:
    auth = Credential(Secret("k"), header="x-api-key", prefix="")
    sent = UpstreamRequest("POST", "http://h/", {}, b"", auth, streaming=False)
    authorizer = Authorizer()
    authorizer.refused(auth, await authorizer.headers(sent, session, "anthropic"))
    assert await authorizer.headers(sent, session, "anthropic") == {"x-api-key": "k"}


async def test_tokens_of_one_scheme_and_scope_are_not_those_of_another(
    desk: TokenDesk, session: aiohttp.ClientSession, clock: Clock
) -> None:
    env = {"SABIR_GOOGLE_TOKEN_URL": desk.origin, "AZURE_AUTHORITY_HOST": desk.origin}
    authorizer = Authorizer(env, clock=clock)
    schemes: list[Scheme] = [GoogleServiceAccount("a"), GoogleServiceAccount("b"), EntraClient("a"), EntraClient("b")]
    secrets = [key_file(), key_file(), ENTRA, ENTRA]
    for _ in range(2):
        for number, (scheme, secret) in enumerate(zip(schemes, secrets, strict=True), start=1):
            headers = await authorizer.headers(request(secret, scheme), session, "x")
            assert headers == {"authorization": f"Bearer token-{number}"}


async def test_a_provider_that_refuses_a_token_is_shown_another_one_the_next_time(desk: TokenDesk) -> None:
    shown: list[str] = []

    async def answer(asked: web.Request) -> web.Response:
        shown.append(asked.headers["authorization"])
        return web.Response(status=401 if len(shown) == 2 else 200)

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    upstream = Upstream(Timeouts(), authorizer=Authorizer({"SABIR_GOOGLE_TOKEN_URL": desk.origin}))
    async with TestServer(app) as server:
        url = f"http://127.0.0.1:{server.port}/x"
        for _ in range(4):
            (await upstream.send(request(key_file(), GoogleServiceAccount("s"), url), "vertex")).close()
        await upstream.close()
    assert shown == ["Bearer token-1"] * 2 + ["Bearer token-2"] * 2


async def test_a_provider_that_quotes_what_it_was_shown_is_not_quoted(desk: TokenDesk) -> None:
    async def answer(asked: web.Request) -> web.Response:
        return web.Response(status=400, text=f"{dict(asked.headers)}")

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    upstream = Upstream(Timeouts(), authorizer=Authorizer({"SABIR_GOOGLE_TOKEN_URL": desk.origin}))
    aws = "ASIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY:session-token=="
    async with TestServer(app) as server:
        url = f"http://127.0.0.1:{server.port}/x"
        told = []
        for secret, scheme in (
            (key_file(), GoogleServiceAccount("s")),
            (aws, SigV4("us-east-1", "bedrock")),
            ("sk-x", None),
        ):
            response = await upstream.send(request(secret, scheme, url), "x")
            told.append((await response.read_error()).decode())
            response.close()
        await upstream.close()
    assert "'Authorization': 'Bearer ***'" in told[0]
    assert "Signature=***'" in told[1]
    assert "'x-amz-security-token': '***'" in told[1].replace("X-Amz-Security-Token", "x-amz-security-token")
    assert "token-1" not in told[0]
    assert "session-token" not in told[1]
    assert "Bearer sk-x" in told[2]  # a plain key the caller of this takes out, who knows it


@pytest.mark.parametrize("variable", ["SABIR_GOOGLE_TOKEN_URL", "AZURE_AUTHORITY_HOST"])
@pytest.mark.parametrize(
    "url",
    ["http://tokens.example", "ftp://h/", "tokens.example", "https://", "https://u:pw@h/", "https://h/?a=b",
     "https://h:0/", "https://h:x/", "https://[::1", "http://127.0.0.1.evil.example/"],
)  # fmt: skip
def test_a_place_for_tokens_is_https_or_on_this_machine_and_found_at_the_start(variable: str, url: str) -> None:
    with pytest.raises(Misconfigured, match=variable) as refused:
        Authorizer({variable: url})
    assert url not in str(refused.value)


@pytest.mark.parametrize("url", ["", " ", "https://tokens.example/x/", "http://localhost:9", "http://[::1]:9"])
def test_a_sound_place_for_tokens_or_none_is_taken(url: str) -> None:
    Authorizer({"SABIR_GOOGLE_TOKEN_URL": url})


def test_no_scheme_is_loaded_before_a_request_needs_it() -> None:
    code = (
        "import sys; from infra.auth.authorizer import Authorizer; Authorizer({})\n"
        "names = ('jwt', 'aiohttp', 'cryptography', 'hashlib', 'infra.aws', 'infra.auth.aws', 'infra.auth.bearer')\n"
        "print([name for name in names if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
