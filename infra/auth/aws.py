"""Requests signed with AWS keys: somebody's static ones, or those of the function that runs us."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from infra.aws.credentials import NoAwsCredentials, credential_source
from infra.aws.sigv4 import AwsCredentials, Signer
from providers.errors import UpstreamAuth, UpstreamDown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import aiohttp

    from infra.aws.credentials import CredentialSource
    from providers.base import SigV4, UpstreamRequest
    from providers.secret import Secret

_KEY_ID: Final = re.compile(r"\w{16,128}", re.ASCII)
_SECRET_KEY: Final = re.compile(r"[A-Za-z0-9/+=]{16,128}")


class AwsAuthorizer:
    """`env` is the process environment; `clock` gives epoch seconds."""

    def __init__(self, env: Mapping[str, str], clock: Callable[[], float]) -> None:
        self._env = env
        self._clock = clock
        self._signers: dict[tuple[str, str], Signer] = {}
        self._own: tuple[aiohttp.ClientSession, CredentialSource] | None = None

    async def headers(
        self, request: UpstreamRequest, scheme: SigV4, session: aiohttp.ClientSession, provider: str
    ) -> dict[str, str]:
        """Raises `UpstreamAuth` for what are no keys, `UpstreamDown` where the function's own cannot be had."""
        if scheme.own_role:
            credentials = await self._own_credentials(request, session, provider)
        else:
            credentials = static_keys(request.auth.secret, provider)
        place = (scheme.region, scheme.service)
        signer = self._signers.setdefault(place, Signer(*place))
        # Of the headers only this one is signed: the others are nobody's orders, and hops on the way may touch them.
        given = {"content-type": request.headers["content-type"]} if "content-type" in request.headers else {}
        return signer.sign(request.method, request.url, given, request.body, credentials=credentials, now=self._clock())

    async def _own_credentials(
        self, request: UpstreamRequest, session: aiohttp.ClientSession, provider: str
    ) -> AwsCredentials:
        if not request.auth.of_org:
            # The provider has looked already. A mistake there must not lend a stranger who we are.
            raise UpstreamAuth("This credential may not use the function's own role.", provider=provider)
        try:
            if self._own is None or self._own[0] is not session:
                self._own = (session, credential_source(self._env, session, clock=self._clock))
            return await self._own[1].get()
        except NoAwsCredentials as fault:
            raise UpstreamDown(
                f"The AWS credentials of this deployment's own role cannot be had: {fault}",
                provider=provider,
                status=503,
                code="own_role_unavailable",
            ) from fault


def static_keys(secret: Secret, provider: str) -> AwsCredentials:
    """`access key id:secret access key`, and the session token of temporary ones behind another colon."""
    key_id, _, rest = secret.reveal().partition(":")
    secret_key, _, session_token = rest.partition(":")
    if not (_KEY_ID.fullmatch(key_id) and _SECRET_KEY.fullmatch(secret_key)):
        raise UpstreamAuth(
            f"The credential for {provider} is no pair of AWS keys: "
            "it must be ACCESS_KEY_ID:SECRET_ACCESS_KEY, or with :SESSION_TOKEN behind it.",
            provider=provider,
            code="invalid_credential",
        )
    return AwsCredentials(key_id, secret_key, session_token or None)
