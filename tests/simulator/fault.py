"""What can be asked to go wrong, as data. Faults are asked for out of band, so nothing in the product can know of them.

Several faults may be asked for together: `simulator.next(Tomorrow(), Chunks(1))`. They apply in this order, whatever
the order they are named in: the answer is replaced, then its events are changed, then its end, then its bytes.
"Events" are what the provider sends together: one `data:` frame, with its `event:` line where there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# --- instead of the answer -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Status:
    """The provider's own error answer for a status: 400, 401, 403, 404, 413, 429, 500, 503, 529 …"""

    status: int
    retry_after: str | None = None
    """`retry-after`: seconds, or an HTTP date. For 429 the provider's rate limit headers come along."""
    message: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    code: str | None = None
    """OpenAI's `code`, instead of the usual one of the status."""


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """The error page of a load balancer in front of the provider."""

    status: int = 502


@dataclass(frozen=True, slots=True)
class NotJson:
    """A 200 that is not JSON, though it may say so."""

    content_type: str = "application/json"
    body: str = "upstream connect error or disconnect/reset before headers"


@dataclass(frozen=True, slots=True)
class Say:
    """Not a fault: what the model is to answer, instead of what it would."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    """Tool calls, each (name, arguments)."""
    finish: str | None = None
    """The provider's own stop reason, whatever the answer is: a new or rare one."""


# --- among the events of a stream ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StreamError:
    """After so many events the provider's own in-band error, as the last event of a 200."""

    after: int = 2
    overloaded: bool = False


@dataclass(frozen=True, slots=True)
class MalformedFrame:
    """An event whose data is broken JSON stands before event `after`; the stream goes on."""

    after: int = 1


@dataclass(frozen=True, slots=True)
class Garbage:
    """Bytes that are neither SSE nor UTF-8 stand before event `after`; the stream goes on."""

    after: int = 1


@dataclass(frozen=True, slots=True)
class NoEndMark:
    """The body ends properly but without the provider's end mark: `[DONE]`, `message_stop`, a `finish_reason`."""


@dataclass(frozen=True, slots=True)
class OddSse:
    """Legal SSE that few senders use: BOM, comments, `id:`, `retry:`, unknown fields, CR and CRLF line ends, `data:` on
    several lines and without its space, an event without data."""


@dataclass(frozen=True, slots=True)
class Tomorrow:
    """Fields, events, blocks and delta types that the provider may add one day; whole answers too."""


# --- how it ends -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing more comes, and the connection stays open, until the client goes away.

    `Hang()` hangs before the head of the answer, `Hang(after=0)` after it, `Hang(after=3)` after three events.
    """

    after: int | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection is closed (FIN) in the midst of the body: after so many events or bytes, or before the head."""

    after: int | None = None
    after_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Reset:
    """Like `Cut`, with RST."""

    after: int | None = None
    after_bytes: int | None = None


# --- the bytes -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chunks:
    """The body in chunks of `size` bytes, whatever the events: 1 splits every character that can be split.

    `size=0`: the whole body in one chunk, many events together.
    """

    size: int = 1


@dataclass(frozen=True, slots=True)
class Gzip:
    """`content-encoding: gzip`, asked for or not; a stream is flushed after each event."""


@dataclass(frozen=True, slots=True)
class Leaky:
    """Cookies and headers that look like secrets, in the answer."""


Fault = (
    Status
    | HtmlPage
    | NotJson
    | Say
    | StreamError
    | MalformedFrame
    | Garbage
    | NoEndMark
    | OddSse
    | Tomorrow
    | Hang
    | Cut
    | Reset
    | Chunks
    | Gzip
    | Leaky
)

LEAKED: tuple[tuple[str, str], ...] = (
    ("set-cookie", "__cf_bm=leaked-cookie-value; path=/; HttpOnly; Secure"),
    ("set-cookie", "session=leaked-session-value; path=/"),
    ("authorization", "Bearer leaked-bearer-value"),
    ("x-api-key", "leaked-api-key-value"),
    ("x-amz-security-token", "leaked-token-value"),
    ("openai-organization", "org-leaked-value"),
    ("www-authenticate", 'Basic realm="leaked-realm-value"'),
    ("x-internal-host", "leaked-host-value.internal"),
)
"""What `Leaky` adds. Every value holds the word `leaked`: search for it where it must not be."""
