"""One export to a receiver of OTLP over HTTP, and what its answer means."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import aiohttp

    from infra.telemetry.settings import Destination, Signal

# Of the answer only a number is wanted.
_MOST_READ: Final = 64 * 1024

# github.com/open-telemetry/opentelemetry-proto, docs/specification.md, "Retryable Response Codes".
_RETRYABLE: Final = frozenset({429, 502, 503, 504})
# Whoever asks for more than an hour's silence is asked again after it.
_PAUSE_MOST: Final = 3600.0

_CONTENT_TYPES: Final = {"http/protobuf": "application/x-protobuf", "http/json": "application/json"}
_USER_AGENT: Final = "OTel-OTLP-Exporter-Sabir/0.1"


class ExportFailed(Exception):
    """An export that came to nothing. `again`: whether it may work later; `after`: seconds, as the receiver asked."""

    def __init__(self, problem: str, *, again: bool, after: float | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.again = again
        self.after = after


class Receiver:
    """`session`: called when something is sent; `clock`: epoch seconds."""

    def __init__(
        self,
        signal: Signal,
        destination: Destination,
        session: Callable[[], aiohttp.ClientSession],
        clock: Callable[[], float],
    ) -> None:
        self._signal = signal
        self._destination = destination
        self._session = session
        self._clock = clock

    async def send(self, body: bytes) -> int:
        """How many spans or data points of it were rejected. Raises `ExportFailed`."""
        import aiohttp

        try:
            return await self._posted(body)
        except TimeoutError as fault:
            raise ExportFailed("no answer in time", again=True) from fault
        except aiohttp.ServerDisconnectedError:
            # A kept-alive connection that ended while this process slept (a frozen sandbox) shows only now.
            try:
                return await self._posted(body)
            except (aiohttp.ClientError, OSError) as fault:
                raise ExportFailed("the connection was closed", again=True) from fault
        except (aiohttp.ClientError, OSError) as fault:
            raise ExportFailed(f"could not be reached ({type(fault).__name__})", again=True) from fault

    async def _posted(self, body: bytes) -> int:
        import aiohttp
        import yarl

        where = self._destination
        headers = {name: value.reveal() for name, value in where.headers.items()}
        headers |= {"content-type": _CONTENT_TYPES[where.protocol], "user-agent": _USER_AGENT}
        if where.gzip:
            body = gzip.compress(body, mtime=0)
            headers["content-encoding"] = "gzip"
        async with self._session().post(
            yarl.URL(where.url, encoded=True),
            data=body,
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=where.timeout),
            allow_redirects=False,  # the headers hold keys
        ) as response:
            if response.status in _RETRYABLE:
                raise ExportFailed(f"answered {response.status}", again=True, after=self._retry_after(response.headers))
            if not 200 <= response.status < 300:
                raise ExportFailed(f"answered {response.status}", again=False)
            return self._rejected(await _start_of(response.content))

    def _rejected(self, body: bytes) -> int:
        """A receiver that answers 200 in no form that is known has taken it."""
        from infra.telemetry.otlp import rejected

        try:
            return rejected(body, self._signal, self._destination.protocol)
        except (ValueError, TypeError, AttributeError):
            return 0

    def _retry_after(self, headers: Mapping[str, str]) -> float | None:
        """Seconds, from a number or a date (RFC 9110 §10.2.3). What is neither is as if not there."""
        value = headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit():
            return min(float(value), _PAUSE_MOST)
        from email.utils import parsedate_to_datetime

        try:
            return min(max(0.0, parsedate_to_datetime(value).timestamp() - self._clock()), _PAUSE_MOST)
        except (ValueError, TypeError, OverflowError):
            return None


async def _start_of(content: aiohttp.StreamReader) -> bytes:
    body = b""
    while len(body) < _MOST_READ and (chunk := await content.readany()):
        body += chunk
    return body
