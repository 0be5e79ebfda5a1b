"""The contract between the pipeline and a provider. See ARCHITECTURE: a provider is pure, the pipeline does the I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.chat import ChatRequest
    from providers.completion import Completion
    from providers.errors import SabirError, UpstreamError
    from providers.events import Event
    from providers.secret import Secret
    from providers.token_count import Counted


@dataclass(frozen=True, slots=True)
class SigV4:
    """The request is signed with AWS keys, `access key id:secret access key[:session token]`.

    `own_role`: with those of the function that runs us, whatever the secret says.
    """

    region: str
    service: str
    own_role: bool = False


@dataclass(frozen=True, slots=True)
class GoogleServiceAccount:
    """A service account's key file is exchanged for an access token (RFC 7523)."""

    scope: str


@dataclass(frozen=True, slots=True)
class EntraClient:
    """`tenant`, `client_id` and `client_secret` are exchanged for an access token (RFC 6749 §4.4)."""

    scope: str


Scheme: TypeAlias = SigV4 | GoogleServiceAccount | EntraClient


@dataclass(frozen=True, slots=True)
class Credential:
    """A provider key and the header in which this provider wants it: `prefix` + key under `header`.

    `scheme`: what is made of the key at the moment of sending; None is the key itself. What it gives goes under
    `header` too, but for a signature, which has headers of its own. `of_org`: the key is from an org's own endpoints,
    so it may stand for what the function itself may do; a caller's never does.
    """

    secret: Secret
    header: str = "authorization"
    prefix: str = "Bearer "
    scheme: Scheme | None = None
    of_org: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a provider and one of its models, as data.

    `base_url` has no trailing slash and the same meaning as in the provider's official SDK.
    `headers`: request headers that the client may set for this provider, already allow-listed (`anthropic-beta` …).
    `region`: the endpoint's, for a provider that says it again in its path or signature; None is the base URL's own.
    """

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    region: str | None = None


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


class RegionalProvider(Provider, Protocol):
    """One that is at another address in each region."""

    def base_url_in(self, region: str) -> str:
        """As `base_url`. `region` is lower-case letters, digits and hyphens."""
        ...


class CountedProvider(Provider, Protocol):
    """One whose stream has no end mark of its own: it is whole when as many choices have ended as were asked for."""

    def stream_of(self, choices: int) -> StreamTranslator:
        """`stream()` of an answer to a request for so many choices, 1 or more."""
        ...


def stream_of(provider: Provider, choices: int) -> StreamTranslator:
    """For an answer of `choices`, which most providers need not know: they have an end mark, or give one only."""
    if not hasattr(provider, "stream_of"):
        return provider.stream()
    return cast("CountedProvider", provider).stream_of(choices)


def home_of(provider: Provider, region: str | None) -> str:
    """Where a provider is when neither an operator nor an endpoint says so; most are in one place for all regions."""
    if region is None or not hasattr(provider, "base_url_in"):
        return provider.base_url
    return cast("RegionalProvider", provider).base_url_in(region)


class HostingProvider(Provider, Protocol):
    """One that hosts several makers, and speaks the wire of each."""

    def wire_of(self, model: str) -> str:
        """As `wire`, for one model."""
        ...


def wire_of(provider: Provider, model: str) -> str:
    """The wire that this provider speaks for this model; most have one for all of theirs."""
    if not hasattr(provider, "wire_of"):
        return provider.wire
    return cast("HostingProvider", provider).wire_of(model)


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
    def relayed(self, body: bytes, done: Completion) -> bytes:
        """A whole answer for a client of the same wire: `body`, its reasoning in the one place; `done`: as read."""
        ...

    def relay(self, *, hide_usage: bool, choices: int = 1) -> RelayStream:
        """`hide_usage`: the client did not ask for the usage chunk that we asked for. `choices`: as in `stream_of`."""
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
    """What a client speaks.

    `id_prefix`: how ids of answers begin where the provider gives none. `headers`: of the request, lower-case, that
    change the answer whichever provider is first in line for it. `id_header`: where its SDKs look for the request's id.
    """

    wire: ClassVar[str]
    id_prefix: ClassVar[str]
    id_header: ClassVar[str]
    headers: ClassVar[tuple[str, ...]]

    def parse(self, body: bytes) -> ChatRequest:
        """Raises `InvalidRequest`."""
        ...

    def encoder(self, stamp: Stamp, *, include_usage: bool) -> EventEncoder: ...

    def completion(self, done: Completion, stamp: Stamp) -> bytes: ...

    def counted(self, count: Counted) -> bytes:
        """The answer to a request that is only to be counted."""
        ...

    def error(self, err: SabirError, request_id: str | None = None) -> bytes:
        """`request_id`: for the dialects that say it in the body."""
        ...
