"""A client of the same wire: its bytes go on, the frames come back, and what is read of them is the same."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.anthropic import PROVIDER
from providers.base import Credential, Profile, Stamp, Target
from providers.chat import Assistant, ChatRequest, Reasoning
from providers.completion import fold, unfold
from providers.dialects.anthropic import DIALECT
from providers.errors import InvalidRequest, UpstreamError, UpstreamProtocolError, UpstreamTruncated
from providers.events import Failed, TextDelta
from providers.foreign_thought import marked
from providers.secret import Secret
from tests.providers.anthropic.recording import ANSWERS, REQUESTS, STREAMS, load, needs_recordings
from tests.providers.anthropic.test_anthropic_recorded_answers import message_of
from tests.providers.dialects.messages import heard, meaning, streamed

CLAUDE = "anthropic-claude-v1"
STAMP = Stamp("msg_1", 0, "m")
START = b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","content":[]}}\n\n'
BEGIN = (
    b'event: content_block_start\ndata: {"type": "content_block_start","index":0,'
    b'"content_block":{"type":"text","text":""}}\n\n'
)
SAID = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"h\xc3\xad"}       }\n\n'
)
PING = b'event: ping\ndata: {"type": "ping"}\n\n'
STOP = b'event: message_stop\ndata: {"type":"message_stop"   }\n\n'
STREAM = START + PING + BEGIN + SAID + b": keep\n\n" + STOP
FOREIGN: dict[str, Any] = {"type": "thinking", "thinking": "hm", "signature": marked("", "", "", "")}


def target(model: str = "claude-sonnet-4-5", **headers: str) -> Target:
    return Target("anthropic", model, Credential(Secret("k")), Profile(PROVIDER.base_url, headers))


def relay(*pieces: bytes) -> tuple[bytes, list[Any]]:
    stream = PROVIDER.relay(hide_usage=False)
    frames = [frame for piece in pieces for frame in stream.feed(piece)] + stream.close()
    return b"".join(frame.raw for frame in frames), [event for frame in frames for event in frame.events]


def asked(*messages: Any, **members: Any) -> ChatRequest:
    body = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": list(messages), **members}
    return DIALECT.parse(json.dumps(body).encode())


def sent(chat: ChatRequest) -> tuple[Any, tuple[str, ...]]:
    translated = PROVIDER.request(chat, target())
    return json.loads(translated.request.body), translated.dropped


# --- the request ------------------------------------------------------------------------------------------------------


def test_the_bytes_go_on_as_they_are_written() -> None:
    body = (
        b'{ "model":"claude-sonnet-4-5",\n "max_tokens": 1e3, "brand_new": 1.50, "temperature": 7, '
        b'"messages":[{"role":"user","content":"\\u0068i"}], "stream":true}'
    )
    request = PROVIDER.request(
        DIALECT.parse(body), target(**{"Anthropic-Version": "2099-01-01", "anthropic-beta": "b"})
    )
    assert (request.request.body, request.dropped) == (body, ())
    assert request.request.headers == {
        "anthropic-version": "2099-01-01", "anthropic-beta": "b", "content-type": "application/json",
        "accept": "text/event-stream", "accept-encoding": "identity",
    }  # fmt: skip


def test_only_the_name_of_the_model_is_patched() -> None:
    chat = DIALECT.parse(b'{"model": "fast", "max_tokens": 1e3, "messages": [{"role":"user","content":"hi"}]}')
    assert PROVIDER.request(chat, target("claude-opus-5")).request.body == (
        b'{"model": "claude-opus-5", "max_tokens": 1e3, "messages": [{"role":"user","content":"hi"}]}'
    )


def test_betas_travel_in_their_header() -> None:
    request = PROVIDER.request(
        asked({"role": "user", "content": "x"}, betas=["files-api-2025-04-14"]), target()
    ).request
    assert request.headers["anthropic-beta"] == "files-api-2025-04-14"
    assert "betas" not in json.loads(request.body)


def test_thinking_of_other_makers_is_left_out_and_named() -> None:
    only = {"role": "assistant", "content": [FOREIGN, {"type": "redacted_thinking", "data": FOREIGN["signature"]}]}
    beside = {"role": "assistant", "content": [FOREIGN, {"type": "text", "text": "so"}]}
    body, dropped = sent(asked({"role": "user", "content": "a"}, only, beside, {"role": "user", "content": "b"}))
    assert [message["content"] for message in body["messages"]] == ["a", [{"type": "text", "text": "so"}], "b"]
    assert dropped == ("messages[].content[].thinking",)


def test_ids_of_other_makers_calls_are_such_as_anthropic_takes() -> None:
    call = {"type": "tool_use", "id": "functions.f:0", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "functions.f:0", "content": "4"}
    sound = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    body, dropped = sent(asked({"role": "assistant", "content": [call, sound]}, {"role": "user", "content": [result]}))
    blocks = [block for message in body["messages"] for block in message["content"]]
    assert blocks[0]["id"] == blocks[2]["tool_use_id"] != "functions.f:0"
    assert (blocks[1], dropped) == (sound, ())


def put_back(content: list[Any], *thoughts: Reasoning) -> Any:
    chat = asked({"role": "user", "content": "a"}, {"role": "assistant", "content": content})
    messages = tuple(
        Assistant(said.content, thoughts, said.tool_calls) if isinstance(said, Assistant) else said
        for said in chat.messages
    )
    kept = ChatRequest(chat.model, messages, chat.source, max_tokens=9)
    return sent(kept)[0]["messages"][1]["content"]


def test_pitfall_06_what_the_client_dropped_of_claudes_thinking_comes_first() -> None:
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {"n": 1}}
    odd = call | {"id": "a.b"}
    signed = Reasoning("hm", "s", "", CLAUDE)
    block = {"type": "thinking", "thinking": "hm", "signature": "s"}
    assert put_back([call], signed, Reasoning("", "", "d", CLAUDE)) == [
        block, {"type": "redacted_thinking", "data": "d"}, call,
    ]  # fmt: skip
    assert put_back([FOREIGN, odd], signed)[0] == block
    assert put_back([FOREIGN, odd], signed)[1]["id"].startswith("call_")
    assert put_back([block, call], signed) == [block, call]
    assert put_back([call], Reasoning("plain")) == [call]
    assert put_back([{"type": "text", "text": "so"}], signed) == [{"type": "text", "text": "so"}]


def test_a_member_that_stands_twice_is_refused() -> None:
    chat = asked({"role": "user", "content": "x"})
    twice = chat.source.body.replace(b'"max_tokens": 9', b'"max_tokens": 9, "max_tokens": 10')
    source = type(chat.source)(chat.source.wire, twice, chat.source.value)
    with pytest.raises(InvalidRequest):
        PROVIDER.request(ChatRequest("m", chat.messages, source), target("claude-opus-5"))


@needs_recordings
@pytest.mark.parametrize("path", REQUESTS)
def test_a_recorded_request_goes_on_as_the_same_bytes(path: str) -> None:
    recorded: dict[str, Any] = {"model": "claude-3-7-sonnet@20250219", **(load(path).request or {})}
    body = json.dumps(recorded, indent=1).encode()
    if "messages" not in recorded:
        pytest.skip("no message was recorded")
    chat = DIALECT.parse(body)
    translated = PROVIDER.request(chat, target(chat.model))
    assert (translated.request.body, translated.dropped) == (body, ())


# --- the answer -------------------------------------------------------------------------------------------------------


def test_frames_are_relayed_as_they_came_to_the_end_and_no_further() -> None:
    assert relay(STREAM + PING)[0] == STREAM
    assert [event.text for event in relay(STREAM)[1] if isinstance(event, TextDelta)] == ["hí"]
    assert relay(STREAM, PING)[0] == STREAM


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_pitfall_18_any_split_of_the_bytes_relays_the_same(cuts: list[int]) -> None:
    at = [0, *sorted(cuts), len(STREAM)]
    assert relay(*(STREAM[a:b] for a, b in pairwise(at))) == relay(STREAM)


def test_a_last_frame_without_its_blank_line_gets_one() -> None:
    assert relay(STREAM.rstrip(b"\n"))[0] == STREAM


def test_pitfall_21_a_frame_without_its_name_gets_it() -> None:
    bare = STREAM.replace(b"event: content_block_delta\n", b"").replace(b"event: ping\n", b"")
    odd = START + b'data: {"type":"a\\nb"}\n\n' + b"data: [DONE]\n\n" + bare.removeprefix(START)
    assert relay(odd)[0] == START + b'event: unknown\ndata: {"type":"a\\nb"}\n\n' + STREAM.removeprefix(START)


def test_pitfall_27_a_stream_that_was_cut_is_no_answer() -> None:
    stream = PROVIDER.relay(hide_usage=False)
    stream.feed(START + SAID[:20])
    with pytest.raises(UpstreamTruncated):
        stream.close()


def test_pitfall_19_an_error_is_kept_for_the_dialect_to_write() -> None:
    error = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    raw, events = relay(START + error + STOP)
    assert raw == START
    assert isinstance(events[-1], Failed)
    assert events[-1].error.status == 529


def test_a_fault_is_raised_behind_the_frames_before_it() -> None:
    stream = PROVIDER.relay(hide_usage=False)
    assert [frame.raw for frame in stream.feed(START + b"data: {no\n\n")] == [START]
    with pytest.raises(UpstreamProtocolError):
        stream.feed(STOP)
    with pytest.raises(UpstreamProtocolError):
        stream.close()
    with pytest.raises(UpstreamProtocolError):
        PROVIDER.relay(hide_usage=False).feed(b"data: {no\n\n")


def told(message: Any) -> list[Any]:
    """Blocks as they mean the same: null members, texts of nothing and the usual caller are left out."""
    blocks = []
    for block in message["content"]:
        if block["type"] == "text" and not block["text"]:
            continue
        said = {name: value for name, value in block.items() if value is not None}
        if said.get("caller") == {"type": "direct"} and said["type"] == "tool_use":
            del said["caller"]
        if said.get("citations"):
            said["citations"] = [{k: v for k, v in each.items() if v is not None} for each in said["citations"]]
        elif "citations" in said and said["type"] == "text":
            del said["citations"]
        blocks.append(said)
    return blocks


@needs_recordings
@pytest.mark.parametrize("path", ANSWERS)
def test_a_recorded_answer_kept_and_said_again_is_the_same_message(path: str) -> None:
    """Through the neutral events: what a hit replays."""
    case = load(path)
    message = message_of(case)
    events = relay(case.body)[1] if case.stream else unfold(PROVIDER.response(case.body))
    again = json.loads(DIALECT.completion(fold(events), STAMP))
    assert told(again) == told(message)
    assert (again["stop_reason"], again["stop_sequence"]) == (message["stop_reason"], message["stop_sequence"])
    assert {name: again["usage"].get(name) for name in message["usage"] if message["usage"][name] is not None} == {
        name: count for name, count in message["usage"].items() if count is not None
    }
    assert meaning(heard(streamed(*unfold(fold(events)))))["content"] == meaning(heard(streamed(*events)))["content"]


@needs_recordings
@pytest.mark.parametrize("path", STREAMS)
def test_a_recorded_stream_is_relayed_as_the_same_bytes(path: str) -> None:
    body = load(path).body
    raw, events = relay(*(body[at : at + 97] for at in range(0, len(body), 97)))
    named = body if b"event:" in body else None
    if named is not None:
        end = named.rindex(b"message_stop")
        assert (
            raw.rstrip() == named[: named.index(b"\n", named.index(b"data:", named.rindex(b"event:", 0, end)))].rstrip()
        )
    assert events == relay(body)[1]
    assert json.loads(PROVIDER.relayed(b"{}", fold(events))) == {}


def test_whole_answers_are_relayed_as_they_came() -> None:
    body = b'{"type":"message", "content":[] ,"usage":{}}'
    assert PROVIDER.relayed(body, PROVIDER.response(body)) == body


def test_errors_of_the_provider_are_read_as_ever() -> None:
    error: UpstreamError = PROVIDER.error(529, {}, b"")
    assert error.status == 529
