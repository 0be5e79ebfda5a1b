"""An application's client credentials at Microsoft Entra ID, to be exchanged for an access token.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from infra.auth.exchange import Grant
from providers.errors import UpstreamAuth
from providers.secret import members_of

if TYPE_CHECKING:
    from providers.secret import Secret

AUTHORITY: Final = "https://login.microsoftonline.com"
# Azure's national clouds sign in by themselves; their resources are known by their own names.
# https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
_NATIONAL: Final = (
    (".azure.us/", "https://login.microsoftonline.us"),
    (".azure.cn/", "https://login.chinacloudapi.cn"),
)

# A directory's id or one of its domain names: one segment of the path, whoever wrote it.
_TENANT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,127}")


def client_grant(secret: Secret, scope: str, *, provider: str, authority: str | None) -> Grant:
    """`authority`: where everybody signs in, None is Microsoft's own place. Raises `UpstreamAuth`."""
    members = members_of(secret)
    tenant, client_id = members.get("tenant", ""), members.get("client_id", "")
    client_secret = members.get("client_secret", "")
    if not (_TENANT.fullmatch(tenant) and client_id and client_secret):
        raise UpstreamAuth(
            f"The credential for {provider} is no Entra application's: it needs tenant, client_id and client_secret.",
            provider=provider,
            code="invalid_credential",
        )
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": client_secret,
        "scope": scope,
    }
    return Grant("Microsoft Entra ID", f"{authority or _authority(scope)}/{tenant}/oauth2/v2.0/token", form)


def _authority(scope: str) -> str:
    return next((place for cloud, place in _NATIONAL if cloud in scope), AUTHORITY)
