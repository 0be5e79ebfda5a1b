"""An application's client credentials become an access token, at its own directory."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.auth.authorizer import Authorizer
from infra.auth.entra import client_grant
from providers.base import EntraClient
from providers.errors import UpstreamAuth
from providers.secret import Secret
from tests.infra.auth.desk import ENTRA, Clock, TokenDesk, request

if TYPE_CHECKING:
    import aiohttp

SCOPE = "https://cognitiveservices.azure.com/.default"


@pytest.mark.parametrize("secret", [ENTRA, base64.b64encode(ENTRA.encode()).decode()], ids=["json", "base64"])
async def test_client_credentials_are_exchanged_at_the_directory_of_the_tenant(
    desk: TokenDesk, session: aiohttp.ClientSession, clock: Clock, secret: str
) -> None:
    asked = Authorizer({"AZURE_AUTHORITY_HOST": desk.origin + "/"}, clock=clock)
    for _ in range(2):
        headers = await asked.headers(request(secret, EntraClient(SCOPE)), session, "azure")
        assert headers == {"authorization": "Bearer token-1"}
    assert desk.paths == ["/acme.example/oauth2/v2.0/token"]
    assert desk.forms == [
        {
            "grant_type": "client_credentials",
            "client_id": "app-1",
            "client_secret": "s~ecret.of-the.app",
            "scope": SCOPE,
        }
    ]


@pytest.mark.parametrize(
    ("scope", "authority"),
    [
        (SCOPE, "https://login.microsoftonline.com"),
        ("https://cognitiveservices.azure.us/.default", "https://login.microsoftonline.us"),
        ("https://cognitiveservices.azure.cn/.default", "https://login.chinacloudapi.cn"),
    ],
)
def test_each_national_cloud_signs_in_by_itself(scope: str, authority: str) -> None:
    grant = client_grant(Secret(ENTRA), scope, provider="azure", authority=None)
    assert grant.url == f"{authority}/acme.example/oauth2/v2.0/token"
    assert "s~ecret" not in repr(grant)


@pytest.mark.parametrize(
    "members",
    [
        {"tenant": "../evil"},
        {"tenant": "a/b"},
        {"tenant": "t@evil.example"},
        {"tenant": "t?x="},
        {"tenant": "t#"},
        {"tenant": "t%2f"},
        {"tenant": ""},
        {"tenant": ".."},
        {"tenant": 5},
        {"client_id": ""},
        {"client_secret": None},
    ],
    ids=str,
)
def test_what_is_no_application_is_refused_and_reaches_no_other_path(members: dict[str, Any]) -> None:
    secret = json.dumps({**json.loads(ENTRA), **members})
    with pytest.raises(UpstreamAuth) as refused:
        client_grant(Secret(secret), SCOPE, provider="azure", authority=None)
    assert refused.value.code == "invalid_credential"
    assert "s~ecret" not in str(refused.value)
