"""From a credential to the headers that a provider wants to see, at the moment of sending.

What a scheme needs is loaded when a request first needs it: most deployments know nothing but keys in headers.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, assert_never
from urllib.parse import urlsplit

from infra.settings import Misconfigured
from providers.base import EntraClient, GoogleServiceAccount, SigV4

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import aiohttp

    from infra.auth.aws import AwsAuthorizer
    from infra.auth.bearer import BearerAuthorizer
    from providers.base import Credential, UpstreamRequest

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Authorizer:
    """`env` is the process environment, `clock` gives epoch seconds.

    `SABIR_GOOGLE_TOKEN_URL` and `AZURE_AUTHORITY_HOST` (of Azure's own SDKs) are where tokens are asked for, for a
    private network or a test; nobody else says where. Raises `infra.settings.Misconfigured`.
    """

    def __init__(self, env: Mapping[str, str] | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self._env = env or {}
        self._clock = clock
        self._google_url = _place(self._env, "SABIR_GOOGLE_TOKEN_URL")
        self._entra_authority = _place(self._env, "AZURE_AUTHORITY_HOST")
        self._aws: AwsAuthorizer | None = None
        self._bearer: BearerAuthorizer | None = None

    async def headers(
        self, request: UpstreamRequest, session: aiohttp.ClientSession, provider: str
    ) -> Mapping[str, str]:
        """To be sent with exactly this request. Raises `UpstreamError` in `provider`'s name."""
        auth = request.auth
        match auth.scheme:
            case None:
                return {auth.header: auth.prefix + auth.secret.reveal()}
            case SigV4() as scheme:
                return await self._signing().headers(request, scheme, session, provider)
            case (GoogleServiceAccount() | EntraClient()) as scheme:
                return await self._exchanging().headers(auth, scheme, session, provider)
            case _:  # pragma: no cover
                assert_never(auth.scheme)

    def refused(self, auth: Credential, headers: Mapping[str, str]) -> None:
        """The provider answered 401 to these `headers()`: a token among them is not to be shown again."""
        if isinstance(auth.scheme, GoogleServiceAccount | EntraClient):
            self._exchanging().refused(auth, headers)

    def _signing(self) -> AwsAuthorizer:
        if self._aws is None:
            from infra.auth.aws import AwsAuthorizer

            self._aws = AwsAuthorizer(self._env, self._clock)
        return self._aws

    def _exchanging(self) -> BearerAuthorizer:
        if self._bearer is None:
            from infra.auth.bearer import BearerAuthorizer

            self._bearer = BearerAuthorizer(self._google_url, self._entra_authority, self._clock)
        return self._bearer


def _place(env: Mapping[str, str], variable: str) -> str | None:
    """What is sent there are credentials: in the clear only where the wire does not leave the machine."""
    value = env.get(variable, "").strip().rstrip("/")
    if not value:
        return None
    try:
        parts = urlsplit(value)
        known = bool(parts.hostname) and parts.username is None and not (parts.query or parts.fragment)
        known = known and parts.port != 0
    except ValueError:
        known = False
    if not known or (parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
        raise Misconfigured(f"{variable} must be an https URL without user, query or fragment")
    return value
