"""A service account's key file becomes an access token, at Google and nowhere else."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from infra.auth.authorizer import Authorizer
from infra.auth.google import TOKEN_URL, service_account_grant
from providers.base import GoogleServiceAccount
from providers.errors import UpstreamAuth
from providers.secret import Secret
from tests.infra.auth.desk import EMAIL, NOW, Clock, TokenDesk, key_file, pem, request, signing_key

if TYPE_CHECKING:
    import aiohttp

SCHEME = GoogleServiceAccount("https://www.googleapis.com/auth/cloud-platform")


def authorizer(desk: TokenDesk, clock: Clock) -> Authorizer:
    return Authorizer({"SABIR_GOOGLE_TOKEN_URL": f"{desk.origin}/token"}, clock=clock)


@pytest.mark.parametrize("secret", [key_file(), base64.b64encode(key_file().encode()).decode()], ids=["json", "base64"])
async def test_a_key_file_is_exchanged_by_a_claim_that_it_signs(
    desk: TokenDesk, session: aiohttp.ClientSession, clock: Clock, secret: str
) -> None:
    headers = await authorizer(desk, clock).headers(request(secret, SCHEME), session, "vertex")
    assert headers == {"authorization": "Bearer token-1"}
    (form,) = desk.forms
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    key = signing_key().public_key()
    claims = jwt.decode(
        form["assertion"], key, ["RS256"], audience=TOKEN_URL, options={"verify_exp": False, "verify_iat": False}
    )
    assert claims == {"iss": EMAIL, "scope": SCHEME.scope, "aud": TOKEN_URL, "iat": NOW, "exp": NOW + 3600}
    assert jwt.get_unverified_header(form["assertion"])["kid"] == "kid-1"


async def test_the_token_serves_until_it_ends_and_each_account_has_its_own(
    desk: TokenDesk, session: aiohttp.ClientSession, clock: Clock
) -> None:
    asked = authorizer(desk, clock)
    other = request(key_file(client_email="other@acme.iam.gserviceaccount.com"), SCHEME)
    for _ in range(3):
        assert (await asked.headers(request(key_file(), SCHEME), session, "vertex"))[
            "authorization"
        ] == "Bearer token-1"
        assert (await asked.headers(other, session, "vertex"))["authorization"] == "Bearer token-2"
    clock.now += 3300
    assert (await asked.headers(other, session, "vertex"))["authorization"] == "Bearer token-3"
    assert len(desk.forms) == 3


async def test_a_token_that_the_provider_refused_is_not_shown_again(
    desk: TokenDesk, session: aiohttp.ClientSession, clock: Clock
) -> None:
    asked, sent = authorizer(desk, clock), request(key_file(), SCHEME)
    asked.refused(sent.auth, await asked.headers(sent, session, "vertex"))
    assert await asked.headers(sent, session, "vertex") == {"authorization": "Bearer token-2"}


@pytest.mark.parametrize("uri", ["https://evil.example/token", "http://169.254.169.254/latest", "file:///etc/passwd"])
def test_where_the_claim_is_sent_the_key_file_does_not_say(uri: str) -> None:
    """Whoever writes the file would choose where this function connects to, and get a signed claim there."""
    grant = service_account_grant(Secret(key_file(token_uri=uri)), "s", provider="vertex", url=TOKEN_URL, now=NOW)
    assert grant.url == TOKEN_URL == "https://oauth2.googleapis.com/token"
    claims: dict[str, Any] = jwt.decode(grant.form["assertion"], options={"verify_signature": False})
    assert claims["aud"] == TOKEN_URL
    assert "evil" not in repr(grant)


def _of_another_kind() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _under_a_password() -> str:
    return signing_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pw")).decode()


@pytest.mark.parametrize(
    "secret",
    [
        key_file(private_key="-----BEGIN PRIVATE KEY-----\nTUlJRXZR\n-----END PRIVATE KEY-----\n"),
        key_file(private_key="no PEM at all, but a private one"),
        key_file(private_key=_of_another_kind()),
        key_file(private_key=_under_a_password()),
        key_file(private_key=""),
        key_file(private_key=7),
        key_file(client_email=None),
        '{"a": "b"}',
        "ya29.an-access-token",
        base64.b64encode(b'["no object"]').decode(),
        "{" * 9000,
        "[" * 100_000,
        '{"a":' * 100_000,
        "e\xff",
        "eyJh",
    ],
    ids=lambda secret: secret[:24],
)
async def test_what_is_no_key_file_is_refused_here_and_not_quoted(
    desk: TokenDesk, session: aiohttp.ClientSession, clock: Clock, secret: str
) -> None:
    with pytest.raises(UpstreamAuth) as refused:
        await authorizer(desk, clock).headers(request(secret, SCHEME), session, "vertex")
    assert (refused.value.provider, refused.value.status, refused.value.code) == ("vertex", 401, "invalid_credential")
    assert refused.value.__cause__ is None
    shown = str(refused.value) + repr(refused.value)
    assert "PRIVATE KEY" not in shown
    assert not any(word in shown for word in secret.split() if len(word) > 12)
    assert desk.forms == []


def test_a_grant_does_not_show_what_it_holds() -> None:
    grant = service_account_grant(Secret(key_file()), "s", provider="vertex", url=TOKEN_URL, now=NOW)
    assert grant.form["assertion"] not in repr(grant)
    assert json.dumps(pem())[1:40] not in repr(grant)
