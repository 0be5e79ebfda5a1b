"""Every recorded exchange in OpenAI's chat wire, against an independent reading of the recorded bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.base import Credential, Profile, Stamp, Target
from providers.chat import ChatRequest, Source
from providers.completion import Completion, Part, ReasoningPart, fold, unfold
from providers.dialects.openai import DIALECT
from providers.errors import UpstreamAuth, UpstreamDown, UpstreamError, UpstreamRejected, UpstreamThrottled
from providers.events import Failed
from providers.jsonwalk import without
from providers.openai.host import Host
from providers.openai.provider import ChatProvider
from providers.registry import find, names
from providers.secret import Secret
from tests.wire.chat_agreement import agree
from tests.wire.chat_oracle import blocks, data_of, read_stream, read_whole
from tests.wire.chat_replay import comparable, cut, events_of, is_chat, is_error, is_stream, is_whole, provider_of
from tests.wire.recordings import FOLDER, Recording, cases

if TYPE_CHECKING:
    from providers.base import RelayStream
    from providers.events import Event
    from providers.jsonwalk import Json


# -- streams --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recording", cases(is_stream))
def test_a_recorded_stream_gives_the_same_events_however_it_is_cut_pitfall_18(recording: Recording) -> None:
    body = recording.body
    provider = provider_of(recording)
    whole = comparable(events_of(provider.stream(), [body]))
    boundaries = list(accumulate(map(len, blocks(body))))[:-1]
    cuts = {
        "byte by byte": [body[at : at + 1] for at in range(len(body))],
        "between events": cut(body, boundaries),
        "before the last byte of events": cut(body, [at - 1 for at in boundaries]),
        "after the first byte of events": cut(body, [at + 1 for at in boundaries]),
    }
    for how, pieces in cuts.items():
        assert comparable(events_of(provider.stream(), pieces)) == whole, how


@pytest.mark.parametrize("recording", cases(lambda each: is_stream(each) and len(each.body) < 6000))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_recorded_stream_gives_the_same_events_cut_at_random(recording: Recording, data: st.DataObject) -> None:
    body = recording.body
    provider = provider_of(recording)
    places = data.draw(st.lists(st.integers(0, len(body)), max_size=12))
    assert comparable(events_of(provider.stream(), cut(body, places))) == comparable(
        events_of(provider.stream(), [body])
    )


@pytest.mark.parametrize("recording", cases(is_stream))
def test_a_recorded_stream_says_what_its_bytes_say(recording: Recording) -> None:
    provider = provider_of(recording)
    events = events_of(provider.stream(), [recording.body])
    expected = read_stream(recording.body)
    if expected.error:
        assert isinstance(events[-1], Failed)
        return
    assert not any(isinstance(event, Failed) for event in events)
    agree(fold(events), expected, provider.host)


@pytest.mark.parametrize("recording", cases(is_stream))
def test_a_recorded_stream_cut_short_anywhere_is_no_answer_pitfall_27(recording: Recording) -> None:
    """Every prefix that ends with a whole event but before the last ones."""
    provider = provider_of(recording)
    events = blocks(recording.body)
    last = next(at for at in range(len(events) - 1, -1, -1) if data_of(events[at]))
    if provider.host.end == "finish":
        last = next(at for at, block in enumerate(events) if b'"finish_reason":"' in block.replace(b'": "', b'":"'))
    whole = events_of(provider.stream(), [recording.body])
    for count in {0, 1, last // 2, last}:
        stream = provider.stream()
        seen = stream.feed(b"".join(events[:count]))
        if isinstance(whole[-1], Failed) and any(isinstance(event, Failed) for event in seen):
            continue
        with pytest.raises(UpstreamError, match="stopped before its end"):
            stream.close()


@pytest.mark.parametrize("hide_usage", [False, True])
@pytest.mark.parametrize("recording", cases(is_stream))
def test_a_recorded_stream_is_relayed_byte_for_byte_but_for_what_is_ours_to_send(
    recording: Recording, hide_usage: bool
) -> None:
    provider = provider_of(recording)
    relayed = b""
    events: list[Event] = []
    relay: RelayStream = provider.relay(hide_usage=hide_usage)
    for frame in [*relay.feed(recording.body), *relay.close()]:
        relayed += frame.raw
        events += frame.events
    before, after = kept(blocks(recording.body), hide_usage=hide_usage), blocks(relayed)
    assert [ungathered(*pair) for pair in zip(after, before, strict=True)] == before
    assert comparable(events) == comparable(events_of(provider.stream(), [recording.body]))


def ungathered(block: bytes, original: bytes) -> bytes:
    """`block` without the `reasoning_content` that the relay may have added to it."""
    if block == original:
        return block
    for choice in json.loads(data_of(block))["choices"]:
        assert choice["delta"]["reasoning_content"]
        said = json.dumps(choice["delta"]["reasoning_content"], ensure_ascii=False).encode()
        block = block.replace(b',"reasoning_content":' + said, b"", 1)
    return block


def kept(events: list[bytes], *, hide_usage: bool) -> list[bytes]:
    """The events that a client of the same wire sees."""
    seen = []
    for block in events:
        data = data_of(block)
        if data == b"[DONE]":
            continue
        chunk = json.loads(data) if data else {}
        if chunk.get("error"):
            break
        if not (hide_usage and chunk.get("usage") and not chunk.get("choices")):
            seen.append(block)
    return seen


# -- whole answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recording", cases(is_whole))
def test_a_recorded_completion_says_what_its_bytes_say(recording: Recording) -> None:
    provider = provider_of(recording)
    expected = read_whole(recording.body)
    if expected.error:
        with pytest.raises(UpstreamError) as raised:
            provider.response(recording.body)
        assert raised.value.status == 400
        return
    agree(provider.response(recording.body), expected, provider.host)


@pytest.mark.parametrize("recording", cases(lambda each: is_stream(each) or is_whole(each)))
def test_a_recorded_answer_is_the_same_after_a_way_through_the_clients_dialect(recording: Recording) -> None:
    """As on a cache hit: written whole and streamed by the dialect, and read again, nothing is lost."""
    provider = provider_of(recording)
    try:
        events = events_of(provider.stream(), [recording.body]) if recording.streamed else None
        done = provider.response(recording.body) if events is None else fold(events)
    except UpstreamError:
        return  # an error, which has tests of its own
    stamp = Stamp("id", 1, "model")
    reader = ChatProvider(Host(name="again", base_url="http://127.0.0.1"))
    assert told(reader.response(DIALECT.completion(done, stamp))) == told(done)
    encoder = DIALECT.encoder(stamp, include_usage=True)
    written = b"".join(map(encoder.feed, unfold(done))) + encoder.close()
    assert told(fold(events_of(reader.stream(), [written]))) == told(done)


def told(done: Completion) -> tuple[object, ...]:
    """All of it but the maker of a thought that is not signed, for whom the dialect has no place."""
    choices = [
        (
            choice.index,
            sorted(map(_unsigned, choice.parts), key=lambda part: type(part).__name__),
            choice.finish,
            [citation.url for citation in choice.citations],
            choice.fields,
            {name: _unnumbered(value) for name, value in choice.message_fields.items()},
        )
        for choice in done.choices
    ]
    return choices, done.usage, without(done.fields, "object")  # which is that of a stream's last chunk


def _unnumbered(value: Json) -> Json:
    """Objects in a list are numbered on the way through a stream."""
    if not isinstance(value, list):
        return value
    return [without(item, "index") if isinstance(item, dict) else item for item in value]


def _unsigned(part: Part) -> Part:
    if isinstance(part, ReasoningPart) and not (part.signature or part.data):
        return replace(part, format="", id="")
    return part


@pytest.mark.parametrize("recording", cases(is_error))
def test_a_recorded_error_keeps_its_status_and_words(recording: Recording) -> None:
    error = provider_of(recording).error(recording.status, recording.headers, recording.body)
    kinds = {401: UpstreamAuth, 403: UpstreamAuth, 429: UpstreamThrottled, 500: UpstreamDown}
    assert type(error) is kinds.get(recording.status, UpstreamRejected)
    assert error.status == recording.status
    assert error.provider == recording.provider
    said = json.loads(recording.body)
    inner = said.get("error", said)
    inner = inner if isinstance(inner, dict) else {}
    for word in ("type", "code", "param"):
        if isinstance(inner.get(word), str):
            assert getattr(error, word) == inner[word]
    if isinstance(inner.get("message"), str) and "*" not in inner["message"]:
        assert error.message.startswith(inner["message"])
    assert error.message
    assert "no message" not in error.message


def test_error_shapes_known_from_documentation_keep_their_status_and_their_wait() -> None:
    if not FOLDER.exists():
        pytest.skip("no recorded traffic")
    shapes = json.loads((FOLDER / "error-shapes.json").read_text())
    seen = 0
    for shape in shapes:
        answer = shape["response"]
        if shape["api"] != "chat" or shape["provider"] not in {"openai", "groq", "mistral"}:
            continue
        provider = find(shape["provider"])
        error = provider.error(answer["status"], answer["headers"], answer["body"].encode())
        assert error.status == answer["status"]
        assert error.message.startswith("shape of")
        assert error.retry_after == answer["headers"].get("retry-after")
        seen += 1
    assert seen >= 5


# -- requests -------------------------------------------------------------------------------------------------------

ELSEWHERE = {
    "alibaba": "recorded in the US region",
    "zai": "recorded on the coding plan's own path",
    "huggingface": "through a named provider of the router",
    "fireworks": "recorded behind Hugging Face's router",
    "deepseek": "both with and without /v1",
}


def has_a_row(recording: Recording) -> bool:
    """Google and Bedrock also speak this wire beside their own, and are asked in their own."""
    if recording.provider == "azure":
        return False  # each customer has an address of their own: tests/providers/azure
    return is_chat(recording) and recording.provider in names() and find(recording.provider).wire == recording.wire


@pytest.mark.parametrize("recording", cases(has_a_row))
def test_a_recorded_request_is_relayed_to_the_same_place_with_the_same_meaning(recording: Recording) -> None:
    recorded = recording.request
    if recorded is None or "unrecorded" in recorded["url"] or not recorded["body"]:
        pytest.skip("nobody recorded the request")
    written = recorded["body"] if isinstance(recorded["body"], dict) else json.loads(recorded["body"])
    provider = provider_of(recording)
    sent = provider.request(
        ChatRequest(
            model=written["model"],
            messages=(),
            source=Source("openai-chat", json.dumps(written).encode()),
            stream=written.get("stream") is True,
        ),
        Target(provider.name, written["model"], Credential(Secret("k")), Profile(provider.base_url)),
    )
    if recording.provider not in ELSEWHERE and "<" not in recorded["url"]:
        assert sent.request.url == recorded["url"]
    body = json.loads(sent.request.body)
    asked = body.pop("stream_options", None)
    written.pop("stream_options", None)
    assert asked == (
        {"include_usage": True} if sent.request.streaming and provider.host.stream_options == "ask" else None
    )
    renamed = {theirs: written.pop(ours) for ours, theirs in provider.host.renames if ours in written}
    assert body == {**written, **renamed}
    assert sent.dropped == ()
