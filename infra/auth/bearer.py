"""Credentials that are exchanged for an access token: a service account's key file, an Entra application."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, assert_never

from infra.auth.exchange import exchange
from infra.auth.tokens import TokenCache
from providers.base import EntraClient, GoogleServiceAccount

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    import aiohttp

    from infra.auth.exchange import Grant
    from infra.auth.tokens import Token
    from providers.base import Credential
    from providers.secret import Secret

    Exchanged: TypeAlias = GoogleServiceAccount | EntraClient


class BearerAuthorizer:
    """`google_url` and `entra_authority`: where tokens are asked for, None is where their issuers are.

    `clock` gives epoch seconds.
    """

    def __init__(self, google_url: str | None, entra_authority: str | None, clock: Callable[[], float]) -> None:
        self._google_url = google_url
        self._entra_authority = entra_authority
        self._clock = clock
        self._tokens = TokenCache(clock)

    async def headers(
        self, auth: Credential, scheme: Exchanged, session: aiohttp.ClientSession, provider: str
    ) -> dict[str, str]:
        """Raises `UpstreamError` in `provider`'s name."""
        fetch = partial(self._fetch, auth.secret, scheme, session, provider)
        return {auth.header: auth.prefix + await self._tokens.get(_kept_under(auth), fetch)}

    def refused(self, auth: Credential, headers: Mapping[str, str]) -> None:
        """Of these `headers()`: the token among them is not to be shown again."""
        self._tokens.forget(_kept_under(auth), headers[auth.header].removeprefix(auth.prefix))

    async def _fetch(self, secret: Secret, scheme: Exchanged, session: aiohttp.ClientSession, provider: str) -> Token:
        grant = self._grant(secret, scheme, provider)
        return await exchange(grant, session, provider=provider, clock=self._clock)

    def _grant(self, secret: Secret, scheme: Exchanged, provider: str) -> Grant:
        match scheme:
            case GoogleServiceAccount(scope):
                from infra.auth.google import TOKEN_URL, service_account_grant

                url = self._google_url or TOKEN_URL
                return service_account_grant(secret, scope, provider=provider, url=url, now=self._clock())
            case EntraClient(scope):
                from infra.auth.entra import client_grant

                return client_grant(secret, scope, provider=provider, authority=self._entra_authority)
            case _:  # pragma: no cover
                assert_never(scheme)


def _kept_under(auth: Credential) -> bytes:
    """Under a hash: a dump of the cache's keys tells no credential."""
    return hashlib.sha256(f"{auth.scheme!r}\0{auth.secret.reveal()}".encode()).digest()
