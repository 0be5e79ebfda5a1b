"""The way to the providers: one HTTP session for the life of the process.

aiohttp is imported when the first request goes out, not before: a cold start answered from the cache never pays it.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.auth.authorizer import Authorizer
from providers.base import SigV4
from providers.errors import SabirError, UpstreamDown, UpstreamProtocolError, UpstreamTruncated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from contextlib import AbstractContextManager
    from types import SimpleNamespace

    import aiohttp
    import yarl

    from infra.settings import Timeouts
    from providers.base import UpstreamRequest

# No chat answer comes near it: 128k tokens are half a megabyte, a dozen images in base64 some twenty.
MAX_ANSWER: Final = 64 * 1024 * 1024
# A stream says the same with more words around it, which translators may have to remember. Lambda passes on 200 MB.
MAX_STREAM: Final = 256 * 1024 * 1024
# An error body is read for its structured members only.
MAX_ERROR: Final = 256 * 1024

USER_AGENT: Final = "sabir/0.1"

_UNTIMED: Final[AbstractContextManager[object]] = nullcontext()

# Kept-alive connections that turn out to be closed, of one request: those of one provider usually end together.
_MOST_STALE: Final = 2


class UpstreamResponse:
    """An answer whose body is still to be read. `headers` have lower-case names; the body is already decompressed.

    `shown`: what the provider was shown in place of the key, and might quote. `waiting`: entered while we wait.
    """

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        provider: str,
        shown: tuple[bytes, ...] = (),
        waiting: AbstractContextManager[object] = _UNTIMED,
    ) -> None:
        self._response = response
        self._provider = provider
        self._shown = shown
        self._waiting = waiting
        self.status = response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}

    def close(self) -> None:
        """Give the connection back, or cut it if the body was not read to its end: the provider sees us hang up."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()

    async def chunks(self, limit: int = MAX_STREAM) -> AsyncIterator[bytes]:
        """The body as it comes. Raises `UpstreamTruncated` or `UpstreamDown` when it breaks off or stalls.

        `UpstreamProtocolError` when it is longer than `limit` bytes.
        """
        content = self._response.content
        size = 0
        while True:
            try:
                with self._waiting:
                    chunk = await content.readany()
            except Exception as fault:
                raise _broken(fault, self._provider) from fault
            if not chunk:
                return
            size += len(chunk)
            if size > limit:
                raise UpstreamProtocolError(
                    f"{self._provider} sent an answer over the size limit", provider=self._provider
                )
            yield chunk

    async def read(self, limit: int = MAX_ANSWER) -> bytes:
        """The whole body; raises as `chunks` does."""
        return b"".join([chunk async for chunk in self.chunks(limit)])

    async def read_error(self) -> bytes:
        """The start of an error body; what cannot be read is left out, for the status says enough.

        Tokens and signatures are taken out of it: of a key the caller of this knows, of what was made of it only we.
        """
        parts: list[bytes] = []
        size = 0
        try:
            async for chunk in self.chunks():
                parts.append(chunk)
                size += len(chunk)
                if size > MAX_ERROR:
                    break
        except SabirError:
            pass
        body = b"".join(parts)
        for each in self._shown:
            body = body.replace(each, b"***")
        return body[:MAX_ERROR]


@dataclass(slots=True)
class _Way:
    """How a request went: aiohttp's tracing fills it in."""

    reused: bool = False


class Upstream:
    """Sends requests. `close()` when the process ends.

    `authorizer`: without one, no request can use the function's own role.
    """

    def __init__(
        self,
        timeouts: Timeouts,
        session: Callable[[], aiohttp.ClientSession] | None = None,
        *,
        authorizer: Authorizer | None = None,
    ) -> None:
        self._timeouts = timeouts
        self._authorizer = authorizer or Authorizer()
        self._make = session or self._new_session
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The shared session, made on first use inside the running loop.

        Buffered under Mangum, an invocation may come with another loop, on which the old session would hang.
        """
        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or self._loop is not loop:
            self._session, self._loop = self._make(), loop
        return self._session

    async def send(
        self, request: UpstreamRequest, provider: str, waiting: AbstractContextManager[object] = _UNTIMED
    ) -> UpstreamResponse:
        """The answer, whatever its status. The caller closes it. `waiting`: entered while we wait for the provider.

        Raises `UpstreamDown` when the provider cannot be reached (502) or does not begin to answer in time (504), and
        what `Authorizer.headers` raises.
        """
        with waiting:
            authorized = await self._authorizer.headers(request, self.session, provider)
            answer = await self._answered(request, {**request.headers, **authorized}, provider)
        response = UpstreamResponse(answer, provider, _shown(authorized) if request.auth.scheme else (), waiting)
        if response.status == 401:
            self._authorizer.refused(request.auth, authorized)
        return response

    async def _answered(
        self, request: UpstreamRequest, headers: Mapping[str, str], provider: str
    ) -> aiohttp.ClientResponse:
        for _ in range(_MOST_STALE):
            way = _Way()
            try:
                return await self._sent(request, headers, way)
            except Exception as fault:
                # That a provider closed a kept-alive connection while this process slept (a frozen sandbox) shows only
                # now: RFC 9112 §9.3.1. A fresh connection that ends like this is a failure and is not tried again.
                if not (way.reused and _is_disconnect(fault)):
                    raise _unreached(fault, provider) from fault
        try:
            return await self._sent(request, headers, _Way())
        except Exception as fault:
            raise _unreached(fault, provider) from fault

    async def _sent(self, request: UpstreamRequest, headers: Mapping[str, str], way: _Way) -> aiohttp.ClientResponse:
        return await self.session.request(
            request.method,
            _address(request),
            data=request.body,
            headers={"user-agent": USER_AGENT, **headers},
            allow_redirects=False,
            trace_request_ctx=way,
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _new_session(self) -> aiohttp.ClientSession:
        import aiohttp

        limits = self._timeouts
        timeout = aiohttp.ClientTimeout(total=limits.total, sock_connect=limits.connect, sock_read=limits.idle)
        return aiohttp.ClientSession(
            timeout=timeout,
            # Nobody's cookies may reach another caller, and keys must not follow a redirect or a proxy variable.
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            trace_configs=[_tracing()],
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60, keepalive_timeout=60),
            read_bufsize=2**18,
        )


def _shown(authorized: Mapping[str, str]) -> tuple[bytes, ...]:
    """The token of `Bearer TOKEN`, the signature of `AWS4-HMAC-SHA256 … Signature=SIGNATURE`, a session's token."""
    values = (authorized.get(name, "") for name in ("authorization", "x-amz-security-token"))
    return tuple(value.removeprefix("Bearer ").rpartition("Signature=")[2].encode() for value in values if value)


def _address(request: UpstreamRequest) -> str | yarl.URL:
    """A signed URL must go out as it was signed; aiohttp would write the `%3A` of a model's id as a colon."""
    if not isinstance(request.auth.scheme, SigV4):
        return request.url
    import yarl

    return yarl.URL(request.url, encoded=True)


def _tracing() -> aiohttp.TraceConfig:
    import aiohttp

    async def reused(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        if isinstance(context.trace_request_ctx, _Way):
            context.trace_request_ctx.reused = True

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_reuseconn.append(reused)
    return tracing


def _is_disconnect(fault: Exception) -> bool:
    import aiohttp

    return isinstance(fault, aiohttp.ServerDisconnectedError | ConnectionError)


def _unreached(fault: Exception, provider: str) -> SabirError:
    if isinstance(fault, asyncio.TimeoutError):
        return UpstreamDown(
            f"{provider} did not answer in time", provider=provider, status=504, code="upstream_timeout"
        )
    import aiohttp

    if isinstance(fault, aiohttp.ClientConnectorError):
        return UpstreamDown(f"could not connect to {provider}", provider=provider, code="upstream_unreachable")
    if isinstance(fault, aiohttp.ClientError | OSError):
        return UpstreamDown(
            f"{provider} closed the connection without an answer", provider=provider, code="upstream_disconnected"
        )
    raise fault


def _broken(fault: Exception, provider: str) -> SabirError:
    if isinstance(fault, asyncio.TimeoutError):
        return UpstreamDown(
            f"{provider} stopped sending its answer", provider=provider, status=504, code="upstream_timeout"
        )
    import aiohttp

    if isinstance(fault, aiohttp.ClientError | OSError):
        return UpstreamTruncated(f"{provider} broke off in the middle of its answer", provider=provider)
    raise fault
