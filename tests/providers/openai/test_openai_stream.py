from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import RelayedFrame
from providers.errors import SabirError, UpstreamProtocolError, UpstreamTruncated
from providers.events import Failed, Finished, ProviderFields, Started, TextDelta, UsageReported
from providers.openai.host import Host
from providers.openai.provider import ChatProvider
from providers.usage import Usage
from tests.providers.openai.chunks import DONE, HOST, call, chunk, events_of, sse

if TYPE_CHECKING:
    from providers.events import Event

NO_DONE = Host(name="nodone", base_url="https://x", end="finish")
USAGE = {"id": "c1", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}


def outcome(pieces: list[bytes], host: Host = HOST) -> list[Any]:
    """Events, and the error that ends them, whatever call it comes from."""
    stream = ChatProvider(host).stream()
    seen: list[Any] = []
    try:
        for piece in pieces:
            seen += stream.feed(piece)
        seen += stream.close()
    except SabirError as error:
        seen.append((type(error), str(error), error.provider))  # type: ignore[attr-defined]  # all are UpstreamErrors
    return [(type(each.error), str(each.error)) if isinstance(each, Failed) else each for each in seen]


def relayed(body: bytes, *, hide_usage: bool = False, host: Host = HOST) -> list[RelayedFrame]:
    relay = ChatProvider(host).relay(hide_usage=hide_usage)
    return [*relay.feed(body), *relay.close()]


# -- the end --------------------------------------------------------------------------------------------------------


def test_the_end_marker_ends_the_stream_and_what_follows_is_not_read() -> None:
    events = events_of(sse(chunk({"content": "x"})) + DONE + sse(chunk({"content": "y"})) + b"rubbish\n\n")
    assert events == [Started("c1", "m", 7), TextDelta(0, "x")]


def test_after_the_end_marker_any_byte_is_ignored() -> None:
    stream = ChatProvider(HOST).stream()
    stream.feed(DONE)
    assert stream.feed(b"data: {\n\n") == []
    assert stream.close() == []


@pytest.mark.parametrize("body", [b"", b": ping\n\n", sse(chunk({"content": "x"}, "stop")), sse(USAGE)])
def test_a_stream_without_its_end_marker_is_truncated_pitfall_27(body: bytes) -> None:
    with pytest.raises(UpstreamTruncated) as raised:
        events_of(body)
    assert raised.value.provider == "host"


@pytest.mark.parametrize("rest", [b'data: {"id":"c1","choi', b"data: [DON", b"data: 7", b"dat"])
def test_a_stream_cut_within_an_event_is_truncated_and_not_malformed(rest: bytes) -> None:
    with pytest.raises(UpstreamTruncated):
        events_of(sse(chunk({"content": "x"})) + rest)


def test_an_end_marker_without_its_blank_line_counts_pitfall_18() -> None:
    assert events_of(sse(chunk({"content": "x"})) + b"data: [DONE]")[-1] == TextDelta(0, "x")


def test_a_last_event_without_its_blank_line_counts() -> None:
    body = sse(chunk({"content": "x"}), chunk(finish="stop")).rstrip(b"\n")
    assert events_of(body, NO_DONE)[-1] == Finished("stop")


def test_where_no_end_marker_comes_the_finish_of_every_choice_is_the_end() -> None:
    one = sse(chunk({"content": "x"}, index=0), chunk({"content": "y"}, index=1), chunk(finish="stop", index=0))
    with pytest.raises(UpstreamTruncated):
        events_of(one, NO_DONE)
    assert events_of(one + sse(chunk(finish="stop", index=1)), NO_DONE)[-1] == Finished("stop", choice=1)


def test_where_no_end_marker_comes_as_many_choices_must_end_as_were_asked_for() -> None:
    one = sse(chunk({"content": "x"}), chunk(finish="stop"))
    both = one + sse(chunk({"content": "y"}, index=1), chunk(finish="stop", index=1))
    for body, choices, host, whole in (
        (one, 1, NO_DONE, True),
        (one, 2, NO_DONE, False),
        (both, 2, NO_DONE, True),
        (both, 1, NO_DONE, True),
        (one + DONE, 2, HOST, True),  # it says that it is done: it ignores `n`
        (both, 2, HOST, False),
    ):
        provider = ChatProvider(host)
        for stream in (provider.stream_of(choices), provider.relay(hide_usage=False, choices=choices)):
            assert stream.feed(body)
            if whole:
                assert stream.close() == []
            else:
                with pytest.raises(UpstreamTruncated):
                    stream.close()
    assert events_of(sse(chunk({"content": "x"})) + DONE, NO_DONE)[-1] == TextDelta(0, "x")
    with pytest.raises(UpstreamTruncated):
        events_of(b"", NO_DONE)


def test_a_stream_of_nothing_but_its_start_is_whole() -> None:
    role = chunk({"role": "assistant", "content": ""})
    assert events_of(sse(role) + DONE) == [Started("c1", "m", 7), ProviderFields({}, "choice")]


def test_choices_begin_in_the_order_in_which_the_host_began_them() -> None:
    """The official SDK's helper for streams fails on a second choice before the first."""
    roles = [chunk({"role": "assistant", "content": ""}, index=number) for number in (0, 1)]
    events = events_of(sse(*roles, chunk({"content": "b"}, index=1), chunk({"content": "a"})) + DONE)
    assert events[1:] == [
        ProviderFields({}, "choice"),
        ProviderFields({}, "choice", 1),
        TextDelta(0, "b", 1),
        TextDelta(0, "a"),
    ]


# -- errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        b'data: {"error":{"message":"no","type":"server_error","code":500}}\n\n',
        b'event: error\ndata: {"error":{"message":"no"}}\n\n',
        b'event: error\ndata: {"message":"no"}\n\n',
        b'data: {"object":"error","message":"no","code":400}\n\n',
        b'data: {"error":"no"}\n\n',
        b'data: {"choices":[{"index":0,"delta":{},"error":{"message":"no"}}]}\n\n',
        b'{"error":{"message":"no","code":401}}\n\n',
        b'{"error":{"message":"no","code":401}}',
    ],
)
def test_an_error_frame_fails_the_stream_whatever_follows_pitfall_19(frame: bytes) -> None:
    body = sse(chunk({"content": "x"})) + frame + (DONE if frame.endswith(b"\n\n") else b"")
    events = events_of(body)
    assert isinstance(events[-1], Failed)
    assert events[-1].error.message == "no"
    assert b"".join(each.raw for each in relayed(body)) == sse(chunk({"content": "x"}))


def test_usage_beside_an_error_is_not_lost() -> None:
    body = sse({**USAGE, "error": {"message": "no", "code": 400}})
    assert [type(event) for event in events_of(body)] == [UsageReported, Failed]
    in_choice = {**chunk(error={"message": "no"}), "usage": {"prompt_tokens": 1}}
    assert [type(event) for event in events_of(sse(in_choice))] == [UsageReported, Started, Failed]


@pytest.mark.parametrize("frame", [b"data: {\n\n", b"data: nonsense\n\n", b"data: [1]\n\n", b'data: {"a":\xff}\n\n'])
def test_an_event_that_is_no_json_object_is_not_our_protocol(frame: bytes) -> None:
    stream = ChatProvider(HOST).stream()
    with pytest.raises(UpstreamProtocolError) as raised:
        stream.feed(frame)
    assert raised.value.provider == "host"
    with pytest.raises(UpstreamProtocolError):
        stream.feed(DONE)
    with pytest.raises(UpstreamProtocolError):
        stream.close()


@pytest.mark.parametrize("body", [b"<html>no</html>\n\n", b'{"id":"c1","choices":[]}\n\n', b"[]\n\n", b"{\n\n"])
def test_an_answer_that_is_no_stream_is_not_our_protocol(body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        events_of(body)


@pytest.mark.parametrize("frame", [b": \xff\n\n", b"id: \xff\ndata: {}\n\n"])
def test_bytes_that_would_break_the_client_are_not_relayed(frame: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        relayed(frame + DONE)


def test_events_before_a_malformed_one_are_delivered_before_its_error() -> None:
    body = sse(chunk({"content": "x"})) + b"data: {\n\n" + DONE
    stream = ChatProvider(HOST).stream()
    assert stream.feed(body) == [Started("c1", "m", 7), TextDelta(0, "x")]
    with pytest.raises(UpstreamProtocolError):
        stream.close()


# -- relaying -------------------------------------------------------------------------------------------------------


def test_comments_and_unknown_events_are_passed_on_pitfall_09() -> None:
    body = b": ping\n\n" + b"event: news\ndata: {}\n\n" + b"id: 7\n\n" + sse(chunk({"content": "x"}))
    assert b"".join(frame.raw for frame in relayed(body + DONE)) == body


def test_the_usage_chunk_is_hidden_from_a_client_that_did_not_ask_pitfall_16() -> None:
    body = sse(chunk({"content": "x"}), USAGE)
    hidden = relayed(body + DONE, hide_usage=True)
    assert b"".join(frame.raw for frame in hidden) == sse(chunk({"content": "x"}))
    assert hidden[-1] == RelayedFrame(b"", [UsageReported(Usage(input=1, output=2))])
    assert b"".join(frame.raw for frame in relayed(body + DONE)) == body


def test_a_chunk_with_usage_and_choices_is_never_hidden() -> None:
    body = sse({**chunk(finish="stop"), "usage": {"prompt_tokens": 1}})
    assert b"".join(frame.raw for frame in relayed(body + DONE, hide_usage=True)) == body


def test_neither_is_a_chunk_without_usage() -> None:
    body = sse({"id": "", "choices": [], "prompt_filter_results": []}, {**USAGE, "usage": None})
    assert b"".join(frame.raw for frame in relayed(body + DONE, hide_usage=True)) == body


def test_what_was_held_back_comes_with_the_end_and_no_bytes() -> None:
    last = relayed(sse(chunk(call("{}", index=0, name="f"))) + DONE)[-1]
    assert last.raw == b""
    assert len(last.events) == 2
    last = relayed(sse(chunk(call("{}", index=0, name="f"), finish="stop")), host=NO_DONE)[-1]
    assert len(last.events) == 4


def test_a_frame_that_lacks_its_blank_line_gets_one_before_what_we_send_next() -> None:
    body = sse(chunk({"content": "x"}, "stop")).rstrip(b"\n")
    assert relayed(body, host=NO_DONE)[-1].raw == body + b"\n\n"
    hidden = relayed(body + b"\n\n" + sse(USAGE).rstrip(b"\n"), host=NO_DONE, hide_usage=True)[-1]
    assert hidden.raw == b""


# -- anything -------------------------------------------------------------------------------------------------------

deltas: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.text(max_size=6).map(lambda text: {"content": text}),
    st.text(max_size=6).map(lambda text: {"reasoning_content": text}),
    st.builds(
        lambda index, call_id, name, arguments: call(arguments, index=index, id=call_id, name=name),
        st.sampled_from([None, 0, 1]),
        st.sampled_from([None, "", "a", "b"]),
        st.sampled_from([None, "f"]),
        st.text(alphabet='{}":x', max_size=5),
    ),
    st.just({}),
)
frames = st.one_of(
    st.builds(
        lambda delta, finish, index: sse(chunk(delta, finish, index)),
        deltas,
        st.sampled_from([None, None, "stop", "tool_calls", "error"]),
        st.integers(0, 1),
    ),
    st.sampled_from(
        [sse(USAGE), b": ping\n\n", DONE, b"data: {\n\n", b'data: {"error":{"message":"no"}}\r\n\r\n', b"\n"]
    ),
)
streams = st.lists(frames, max_size=8).map(b"".join) | st.binary(max_size=60)


@given(streams, st.lists(st.integers(0, 900), max_size=8), st.sampled_from([HOST, NO_DONE]))
def test_the_outcome_does_not_depend_on_how_the_bytes_are_cut_pitfall_18(
    body: bytes, places: list[int], host: Host
) -> None:
    expected = outcome([body], host)
    assert outcome([body[at : at + 1] for at in range(len(body))], host) == expected
    cuts = [0, *sorted(min(place, len(body)) for place in places), len(body)]
    assert outcome([body[start:end] for start, end in pairwise(cuts)], host) == expected


@given(streams, st.booleans())
def test_a_relay_says_what_the_translator_says_and_adds_no_byte(body: bytes, hide_usage: bool) -> None:
    relay = ChatProvider(HOST).relay(hide_usage=hide_usage)
    seen: list[RelayedFrame] = []
    events: list[Event] = []
    try:
        seen += relay.feed(body)
        seen += relay.close()
    except SabirError:
        pass
    try:
        stream = ChatProvider(HOST).stream()
        events += stream.feed(body)
        events += stream.close()
    except SabirError:
        pass
    assert [str(event) for frame in seen for event in frame.events] == [str(event) for event in events]
    assert all(frame.raw.strip(b"\r\n") in body for frame in seen)


def test_text_with_every_line_separator_of_unicode_arrives_whole() -> None:
    text = "a\u2028b\u2029c\x85d\x0be\x0cf\U0001f600"
    body = b"data: " + json.dumps(chunk({"content": text}), ensure_ascii=False).encode() + b"\n\n" + DONE
    assert TextDelta(0, text) in events_of(body)
