"""Every way in which a stream of a provider is read, and what is heard of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, cast

from providers.base import RelayedFrame, Stamp
from providers.codec import decode_events, encode_events
from providers.completion import fold
from providers.dialects.openai import DIALECT
from providers.errors import SabirError, UpstreamError
from providers.events import Failed
from tests.providers.wires import bearer, speaker, wires

if TYPE_CHECKING:
    from collections.abc import Callable

    from providers.base import RelayingProvider, RelayStream, StreamTranslator
    from providers.events import Event


@dataclass(frozen=True, slots=True)
class Reader:
    """`provider`: with its wire, where it is not its own; `open`: a new `StreamTranslator`, or a `RelayStream`."""

    provider: str
    way: str
    open: Callable[[], StreamTranslator | RelayStream]

    def __str__(self) -> str:
        return f"{self.provider}-{self.way}"


@dataclass(frozen=True, slots=True)
class Heard:
    """Until the end, or until it raised. `raw`: what a relay hands to the client as it came."""

    events: list[Event]
    raw: bytes
    raised: SabirError | None

    @property
    def said(self) -> tuple[str, bytes, str]:
        """To compare: two errors are never equal, and NaN is not itself."""
        return repr(self.events), self.raw, repr(self.raised)


def readers() -> list[Reader]:
    found: list[Reader] = []
    for name in wires():
        provider = speaker(name)
        found.append(Reader(name, "stream", provider.stream))
        # One that hosts several makers relays the one that is spoken to in its own wire, as that one does.
        if hasattr(provider, "relay") and not hasattr(provider, "wire_of"):
            relaying = cast("RelayingProvider", provider)
            found.append(Reader(name, "relay", lambda relaying=relaying: relaying.relay(hide_usage=False)))  # type: ignore[misc]
            found.append(Reader(name, "quiet", lambda relaying=relaying: relaying.relay(hide_usage=True)))  # type: ignore[misc]
    return found


def hear(reader: Reader, pieces: list[bytes]) -> Heard:
    """Any exception that is not one of ours goes through, and fails the test."""
    stream = reader.open()
    events: list[Event] = []
    raw = b""
    raised: SabirError | None = None
    calls: list[Callable[[], Any]] = [*(lambda piece=piece: stream.feed(piece) for piece in pieces), stream.close]
    try:
        for call in calls:
            for item in call():
                if isinstance(item, RelayedFrame):
                    raw += item.raw
                    events += item.events
                else:
                    events.append(item)
    except SabirError as error:
        raised = error
    return Heard(events, raw, raised)


def cut(body: bytes, places: list[int]) -> list[bytes]:
    places = [place % (len(body) + 1) for place in places]
    return [body[start:end] for start, end in pairwise([0, *sorted(set(places)), len(body)])]


_STAMP: Final = Stamp("id", 1, "m")


def check(reader: Reader, heard: Heard) -> None:
    """What must hold of an answer, whatever its bytes were."""
    assert heard.raised is None or isinstance(heard.raised, UpstreamError), heard.raised
    if heard.raised is not None:
        assert heard.raised.provider == bearer(reader.provider)
    failed = [place for place, event in enumerate(heard.events) if isinstance(event, Failed)]
    assert failed in ([], [len(heard.events) - 1])  # nothing follows it
    if failed:
        (error,) = [event.error for event in heard.events if isinstance(event, Failed)]
        assert error.provider == bearer(reader.provider)
        assert 400 <= error.status <= 599
        assert json.loads(DIALECT.error(error))["error"]["message"]
    assert_told(heard.events, ended=not failed and heard.raised is None)
    heard.raw.decode()


def assert_told(events: list[Event], *, ended: bool) -> None:
    """The client is told in well-formed UTF-8 and JSON; a whole answer can be kept, and read again."""
    encoder = DIALECT.encoder(_STAMP, include_usage=True)
    told = b"".join([*(encoder.feed(event) for event in events), encoder.close() if ended else b""])
    for line in told.decode().split("\n"):
        if line.startswith("data: ") and line != "data: [DONE]":
            assert isinstance(json.loads(line.removeprefix("data: "), parse_constant=_no_json), dict)
    if not ended:
        return
    done = fold(events)
    body = DIALECT.completion(done, _STAMP)
    json.loads(body, parse_constant=_no_json)
    if "inf" not in repr(events):  # a number beyond all numbers is null in JSON, so that it is kept as nothing
        assert DIALECT.completion(fold(decode_events(encode_events(events))), _STAMP) == body


def _no_json(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")
