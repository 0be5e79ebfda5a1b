"""The contract between the pipeline and a provider. See ARCHITECTURE: a provider is pure, the pipeline does the I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.chat import ChatRequest
    from providers.completion import Completion
    from providers.errors import SabirError, UpstreamError
    from providers.events import Event
    from providers.secret import Secret


@dataclass(frozen=True, slots=True)
class Credential:
    """A provider key and the header in which this provider wants it: `prefix` + key under `header`."""

    secret: Secret
    header: str = "authorization"
    prefix: str = "Bearer "


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a provider and one of its models, as data.

    `base_url` has no trailing slash and the same meaning as in the provider's official SDK.
    `headers`: request headers that the client may set for this provider, already allow-listed (`anthropic-beta` …).
    """

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """One way to answer: which provider, under which of its model names, with which key."""

    provider: str
    model: str
    credential: Credential
    profile: Profile


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """What is to be sent. `headers` never hold the key: it is in `auth` until the moment of sending."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    auth: Credential
    streaming: bool


@dataclass(frozen=True, slots=True)
class Translated:
    """`dropped`: wire names of parameters that this provider has no equal of and that do no harm when left out."""

    request: UpstreamRequest
    dropped: tuple[str, ...] = ()


class StreamTranslator(Protocol):
    """Bytes of a streamed answer to events. Any split of the bytes gives the same events."""

    def feed(self, data: bytes) -> list[Event]:
        """Events that `data` completes. Raises `UpstreamProtocolError` for bytes of another protocol."""
        ...

    def close(self) -> list[Event]:
        """End of input. Raises `UpstreamTruncated` where the provider's own end marker has not come."""
        ...


class Provider(Protocol):
    """Translates to and from one provider's wire. Holds no state: one instance serves all requests."""

    @property
    def name(self) -> str: ...

    @property
    def wire(self) -> str:
        """As `Source.wire`: where both are equal, the client's bytes are relayed."""
        ...

    @property
    def base_url(self) -> str:
        """Where the provider is unless an operator says otherwise; no trailing slash, as in its official SDK."""
        ...

    def request(self, chat: ChatRequest, target: Target) -> Translated:
        """Raises `Unsupported` for what the provider cannot represent."""
        ...

    def response(self, body: bytes) -> Completion:
        """A whole 2xx answer. Raises `UpstreamProtocolError`, or the error that it holds in spite of its status."""
        ...

    def stream(self) -> StreamTranslator: ...

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        """An answer that is not 2xx. `headers` have lower-case names; the body may be anything. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class RelayedFrame:
    """One frame of a stream in the client's own wire, and what it says. Empty `raw`: keep it from the client."""

    raw: bytes
    events: list[Event]


class RelayStream(Protocol):
    """A `StreamTranslator` that also hands over the frames it read, for a client that speaks the same wire."""

    def feed(self, data: bytes) -> list[RelayedFrame]: ...

    def close(self) -> list[RelayedFrame]: ...


class RelayingProvider(Provider, Protocol):
    def relay(self, *, hide_usage: bool) -> RelayStream:
        """`hide_usage`: the client did not ask for the usage chunk that we asked for."""
        ...


@dataclass(frozen=True, slots=True)
class Stamp:
    """Identity of an answer where the provider gives none: `created` in epoch seconds."""

    id: str
    created: int
    model: str


class EventEncoder(Protocol):
    """Events of one streamed answer to the client's bytes."""

    content_type: ClassVar[Literal["text/event-stream"]]

    def feed(self, event: Event) -> bytes:
        """Frames for one event, or nothing where the dialect has no word for it. `Failed` gives an error frame."""
        ...

    def close(self) -> bytes:
        """After a clean end: the last frames and the dialect's end marker. Never called after `Failed`."""
        ...


class Dialect(Protocol):
    """What a client speaks."""

    wire: ClassVar[str]

    def parse(self, body: bytes) -> ChatRequest:
        """Raises `InvalidRequest`."""
        ...

    def encoder(self, stamp: Stamp, *, include_usage: bool) -> EventEncoder: ...

    def completion(self, done: Completion, stamp: Stamp) -> bytes: ...

    def error(self, err: SabirError) -> bytes: ...
