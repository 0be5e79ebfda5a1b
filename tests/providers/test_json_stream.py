"""What the translators of a stream of JSON events do alike, shown with the smallest of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.errors import UpstreamError, UpstreamProtocolError, UpstreamTruncated
from providers.events import Event, TextDelta
from providers.json_stream import JsonStream
from providers.jsonwalk import JsonObject, text


class Words(JsonStream):
    """`{"word": …}` is text, `{"end": …}` is the end."""

    def __init__(self) -> None:
        super().__init__("words", "The word company")
        self._words = 0

    def _begun(self) -> bool:
        return self._words > 0

    def _event(self, event: JsonObject, size: int) -> list[Event]:
        if "end" in event:
            self._ended = True
            return []
        word = text(event, "word")
        if word is None:
            raise self._protocol_error("an event without a word")
        self._words += 1
        assert size == len(f'{{"word":"{word}"}}'.encode())
        return [TextDelta(0, word)]


def read(*pieces: bytes) -> tuple[list[Event], UpstreamError | None]:
    stream, events = Words(), []
    try:
        for piece in pieces:
            events += stream.feed(piece)
        events += stream.close()
    except UpstreamError as fault:
        return events, fault
    return events, None


def said(*words: str) -> list[Event]:
    return [TextDelta(0, word) for word in words]


WORD, END, BROKEN = b'data: {"word":"a"}\n\n', b'data: {"end":1}\n\n', b"data: {\n\n"


def test_what_comes_after_the_end_is_not_read() -> None:
    assert read(WORD + END + BROKEN) == (said("a"), None)
    assert read(WORD, END, BROKEN) == (said("a"), None)


def test_the_last_event_may_lack_its_blank_line() -> None:
    assert read(WORD + END.rstrip()) == (said("a"), None)


@pytest.mark.parametrize("body", [b"", WORD, WORD + b'data: {"wo', WORD + b"data: [DONE]\n\n", b": ping\n\n", b"\n\n"])
def test_an_end_of_input_that_nobody_announced_is_a_truncated_answer(body: bytes) -> None:
    events, fault = read(body)
    assert type(fault) is UpstreamTruncated
    assert (fault.provider, fault.message) == ("words", "The word company's answer stopped before its end.")
    assert events == (said("a") if WORD in body else [])


@pytest.mark.parametrize("body", [b"<html>", b"<html>\n\n", BROKEN, b"data: {", b"data: [DONE]\n\n", b"data: {}\n\n"])
def test_what_never_was_such_a_stream_is_another_protocol(body: bytes) -> None:
    events, fault = read(body)
    assert type(fault) is UpstreamProtocolError
    assert (fault.provider, events) == ("words", [])
    assert fault.message.startswith("The word company sent an ")


def test_a_fault_comes_after_the_events_before_it_and_comes_again() -> None:
    stream = Words()
    assert stream.feed(WORD + WORD + BROKEN + WORD) == said("a", "a")
    for _ in range(2):
        with pytest.raises(UpstreamProtocolError):
            stream.feed(WORD)
        with pytest.raises(UpstreamProtocolError):
            stream.close()


def test_pitfall_18_comments_unknown_fields_and_a_byte_order_mark_say_nothing() -> None:
    body = b"\xef\xbb\xbf: hello\n\n" + WORD + b"retry: 5\n\nid: 1\n\ncolour: red\n\n" + END
    assert read(body) == (said("a"), None)


frames = st.sampled_from(
    [WORD, 'data: {"word":"é\u2028"}\r\n\r\n'.encode(), b": ping\n\n", BROKEN, END, b"\n", b"x\n\n"]
)


@given(st.lists(frames, max_size=6).map(b"".join), st.data())
def test_pitfall_18_any_split_gives_the_same_events_and_the_same_fault(body: bytes, data: st.DataObject) -> None:
    places = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    pieces = [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]
    events, fault = read(body)
    split_events, split_fault = read(*pieces)
    assert (split_events, type(split_fault)) == (events, type(fault))
