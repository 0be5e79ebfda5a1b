"""Signed requests, as they arrive: what is on the wire must be what was signed, and botocore is the judge."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.auth.authorizer import Authorizer
from infra.auth.aws import static_keys
from infra.settings import Timeouts
from infra.upstream import Upstream
from providers.base import Credential, Profile, SigV4, Target, UpstreamRequest
from providers.bedrock import PROVIDER
from providers.chat import ChatRequest, Source, Text, User
from providers.errors import UpstreamAuth, UpstreamDown
from providers.secret import Secret
from tests.infra.auth.desk import Clock, request

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_ID, SECRET_KEY, TOKEN = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "IQoJb3Jp//8wEaCXVz=="
STATIC, SESSION = f"{KEY_ID}:{SECRET_KEY}", f"ASIA{KEY_ID[4:]}:{SECRET_KEY}:{TOKEN}"
OWN = {"AWS_ACCESS_KEY_ID": "ASIAOFTHEFUNCTION000", "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_SESSION_TOKEN": TOKEN}
ARN = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2c3"


class Bedrock:
    """What arrives, letter by letter."""

    def __init__(self) -> None:
        self.path = ""
        self.headers: Mapping[str, str] = {}
        self.body = b""

    async def answer(self, asked: web.Request) -> web.Response:
        self.path, self.headers, self.body = asked.raw_path, asked.headers, await asked.read()
        return web.json_response({})


def judged(bedrock: Bedrock, host: str, keys: tuple[str, ...], region: str) -> str:
    """The signature that botocore gives what arrived, as it arrived."""
    names = re.search(r"SignedHeaders=([^,]*)", bedrock.headers["authorization"])
    assert names
    signed = {name: bedrock.headers[name] for name in names[1].split(";")}
    seen = AWSRequest("POST", f"http://{host}{bedrock.path}", headers=signed, data=bedrock.body)
    seen.context["timestamp"] = signed["x-amz-date"]
    auth = SigV4Auth(Credentials(*keys), "bedrock", region)
    signature: str = auth.signature(auth.string_to_sign(seen, auth.canonical_request(seen)), seen)
    scope = auth.scope(seen)
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names[1]}, Signature={signature}"


def asked_of(model: str, base_url: str, secret: str, *, of_org: bool = False, stream: bool = False) -> UpstreamRequest:
    chat = ChatRequest(model, (User((Text("hi"),)),), Source("none", b"{}"), stream=stream)
    profile = Profile(base_url, region="eu-central-1")
    return PROVIDER.request(chat, Target("bedrock", model, Credential(Secret(secret), of_org=of_org), profile)).request


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("secret", [STATIC, SESSION, "function-role"])
@pytest.mark.parametrize("model", ["amazon.nova-pro-v1:0", "us.anthropic.claude-opus-4-6-v1", ARN])
async def test_what_arrives_bears_the_signature_that_botocore_gives_it(model: str, secret: str, stream: bool) -> None:
    bedrock = Bedrock()
    app = web.Application()
    app.router.add_post("/{path:.*}", bedrock.answer)
    upstream = Upstream(Timeouts(), authorizer=Authorizer(OWN))
    async with TestServer(app) as server:
        host = f"127.0.0.1:{server.port}"
        sent = asked_of(model, f"http://{host}", secret, of_org=secret == "function-role", stream=stream)
        (await upstream.send(sent, "bedrock")).close()
        await upstream.close()
    keys = tuple(OWN.values()) if secret == "function-role" else tuple(secret.split(":", 2))
    assert bedrock.headers["authorization"] == judged(bedrock, host, keys, "eu-central-1")
    assert bedrock.headers.get("x-amz-security-token") == (keys[2] if len(keys) > 2 else None)
    assert bedrock.path == sent.url.removeprefix(f"http://{host}")
    assert SECRET_KEY not in str(bedrock.headers)
    assert ":" not in bedrock.path


async def test_the_functions_own_keys_may_come_from_a_container_endpoint(clock: Clock) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"AccessKeyId": "ASIAFROMTHEENDPOINT0", "SecretAccessKey": "s" * 40, "Token": TOKEN})

    app = web.Application()
    app.router.add_get("/creds", answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as session, aiohttp.ClientSession() as another:
        env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{server.port}/creds"}
        authorizer = Authorizer(env, clock=clock)
        sent = request("x", SigV4("us-east-1", "bedrock", own_role=True), of_org=True)
        for used in (session, session, another):
            headers = await authorizer.headers(sent, used, "bedrock")
            assert "Credential=ASIAFROMTHEENDPOINT0/20270115/us-east-1/bedrock/" in headers["authorization"]


@pytest.mark.parametrize(
    "env", [{}, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/creds"}], ids=["none", "unreachable"]
)
async def test_a_role_that_cannot_be_had_is_an_outage_of_ours(
    session: aiohttp.ClientSession, env: dict[str, str]
) -> None:
    sent = request("function-role", SigV4("us-east-1", "bedrock", own_role=True), of_org=True)
    with pytest.raises(UpstreamDown) as failed:
        await Authorizer(env).headers(sent, session, "bedrock")
    assert (failed.value.status, failed.value.code) == (503, "own_role_unavailable")


async def test_nobody_signs_as_the_function_who_is_not_an_org_whatever_the_provider_says(
    session: aiohttp.ClientSession,
) -> None:
    sent = request("function-role", SigV4("us-east-1", "bedrock", own_role=True))
    with pytest.raises(UpstreamAuth):
        await Authorizer(OWN).headers(sent, session, "bedrock")


async def test_the_word_for_the_role_does_not_mean_it_to_the_signer(session: aiohttp.ClientSession) -> None:
    with pytest.raises(UpstreamAuth, match="no pair of AWS keys"):
        await Authorizer(OWN).headers(request("function-role", SigV4("r", "bedrock")), session, "bedrock")


@pytest.mark.parametrize(
    "secret",
    ["", "AKIA", f"{KEY_ID}", f"{KEY_ID}:", f":{SECRET_KEY}", f"{KEY_ID}:short", f"AKIA\n{KEY_ID}:{SECRET_KEY}",
     f"{KEY_ID}:{SECRET_KEY}\r\n", f"{KEY_ID}/x:{SECRET_KEY}"],
)  # fmt: skip
def test_what_is_no_pair_of_keys_is_refused_and_not_quoted(secret: str) -> None:
    with pytest.raises(UpstreamAuth) as refused:
        static_keys(Secret(secret), "bedrock")
    assert SECRET_KEY not in str(refused.value)
    assert KEY_ID not in str(refused.value)


async def test_a_request_without_a_content_type_is_signed_too(session: aiohttp.ClientSession, clock: Clock) -> None:
    auth = Credential(Secret(STATIC), scheme=SigV4("us-east-1", "bedrock"))
    bare = UpstreamRequest("GET", "http://h/", {}, b"", auth, streaming=False)
    headers: Any = await Authorizer(clock=clock).headers(bare, session, "bedrock")
    assert "SignedHeaders=host;x-amz-date," in headers["authorization"]
