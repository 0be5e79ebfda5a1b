"""One call to a token endpoint (RFC 6749 §5), and what its answers mean.

Of a refusal only the code is passed on: the description beside it may quote what was sent.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from infra.auth.tokens import Token
from providers.errors import UpstreamAuth, UpstreamDown, UpstreamError, UpstreamProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import aiohttp

_TIMEOUT: Final = 10.0
_MAX_ANSWER: Final = 64 * 1024
_MAX_SECONDS: Final = 86_400.0
_CODE: Final = re.compile(r"[a-z_]{1,64}")
_TOKEN: Final = re.compile(r"[!-~]{1,16384}")


@dataclass(frozen=True, slots=True)
class Grant:
    """What is sent to which token endpoint. `issuer` is its name in messages."""

    issuer: str
    url: str
    form: Mapping[str, str] = field(repr=False)


async def exchange(grant: Grant, session: aiohttp.ClientSession, *, provider: str, clock: Callable[[], float]) -> Token:
    """Raises `UpstreamAuth` for a refusal, `UpstreamDown` where there is no answer, both in `provider`'s name."""
    import aiohttp

    asked = clock()
    try:
        try:
            status, answer = await _asked(grant, session)
        except aiohttp.ServerDisconnectedError:
            # A connection that was kept and is gone, or a stumble: to ask again costs nothing and changes nothing.
            status, answer = await _asked(grant, session)
    except (aiohttp.ClientError, OSError) as fault:
        raise UpstreamDown(
            f"{grant.issuer} did not answer the request for an access token",
            provider=provider,
            status=504 if isinstance(fault, TimeoutError) else 502,
            code="token_endpoint_unreachable",
        ) from fault
    told = _object(answer)
    if status != 200:
        raise _refusal(grant, status, told, provider)
    return _token(grant, told, provider, asked)


async def _asked(grant: Grant, session: aiohttp.ClientSession) -> tuple[int, bytes]:
    import aiohttp

    async with session.post(
        grant.url,
        data=grant.form,
        headers={"accept": "application/json", "accept-encoding": "identity"},
        timeout=aiohttp.ClientTimeout(total=_TIMEOUT),
        allow_redirects=False,  # what is sent is a credential
    ) as response:
        try:
            return response.status, await response.content.readexactly(_MAX_ANSWER)
        except asyncio.IncompleteReadError as whole:
            return response.status, whole.partial


def _token(grant: Grant, told: Mapping[str, Any], provider: str, asked: float) -> Token:
    value, seconds = told.get("access_token"), told.get("expires_in")
    sound = isinstance(value, str) and _TOKEN.fullmatch(value) is not None
    # Entra's older endpoint wrote the number as text, and gateways in front of it still do.
    seconds = float(seconds) if isinstance(seconds, str) and re.fullmatch(r"\d{1,9}", seconds) else seconds
    # Not `seconds <= 0`, which JSON's NaN is not.
    if not sound or not isinstance(seconds, int | float) or isinstance(seconds, bool) or not seconds > 0:
        raise UpstreamProtocolError(f"{grant.issuer} answered something else than an access token", provider=provider)
    return Token.lasting(str(value), min(float(seconds), _MAX_SECONDS), now=asked)


def _refusal(grant: Grant, status: int, told: Mapping[str, Any], provider: str) -> UpstreamError:
    if status == 429 or status >= 500:
        return UpstreamDown(
            f"{grant.issuer} could not give an access token (status {status})",
            provider=provider,
            code="token_endpoint_failed",
        )
    code = told.get("error")
    reason = code if isinstance(code, str) and _CODE.fullmatch(code) else f"status {status}"
    return UpstreamAuth(
        f"{grant.issuer} refused the credential for {provider}: {reason}", provider=provider, code="invalid_credential"
    )


def _object(answer: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(answer)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
