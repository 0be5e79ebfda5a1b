"""Answers of Vertex AI, recorded: those of either maker, read as the maker's own, under Vertex AI's name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from providers.base import Credential, Profile, Target
from providers.chat import ChatRequest, Source
from providers.completion import Completion, ToolCallPart, fold
from providers.dialects.openai import DIALECT
from providers.errors import UpstreamAuth, UpstreamError, UpstreamProtocolError, UpstreamThrottled, UpstreamTruncated
from providers.events import Failed
from providers.registry import find
from providers.secret import Secret
from providers.vertex import PROVIDER
from tests.wire.recordings import case, cases

if TYPE_CHECKING:
    from providers.base import StreamTranslator
    from providers.events import Event
    from tests.wire.recordings import Recording

KEY_FILE = json.dumps({"project_id": "acme", "client_email": "e", "private_key": "k"})


def is_chat(recording: Recording) -> bool:
    return recording.provider == "vertex" and "/embeddings/" not in recording.path


def is_answer(recording: Recording) -> bool:
    return is_chat(recording) and recording.status == 200


def maker_of(recording: Recording) -> Any:
    return find("google" if "generateContent" in recording.path else "anthropic")


def events_of(stream: StreamTranslator, pieces: list[bytes]) -> list[Event]:
    return [*(event for piece in pieces for event in stream.feed(piece)), *stream.close()]


@pytest.mark.parametrize("recording", cases(lambda each: is_answer(each) and not each.streamed))
def test_a_recorded_answer_is_read_as_its_makers(recording: Recording) -> None:
    assert PROVIDER.response(recording.body) == maker_of(recording).response(recording.body)


def is_stream(recording: Recording) -> bool:
    """Of Gemini's there is none of Vertex AI's, but those of AI Studio, whose wire is the same."""
    known = recording.provider == "vertex" or (recording.provider == "google" and "/generateContent/" in recording.path)
    return known and recording.streamed and recording.status == 200


@pytest.mark.parametrize("recording", cases(is_stream))
def test_a_recorded_stream_is_read_as_its_makers_however_it_is_cut_pitfall_18(recording: Recording) -> None:
    body = recording.body
    whole = events_of(maker_of(recording).stream(), [body])
    assert events_of(PROVIDER.stream(), [body]) == whole
    assert events_of(PROVIDER.stream(), [body[at : at + 1] for at in range(len(body))]) == whole
    assert events_of(PROVIDER.stream(), [b"\r\n\n", body]) == whole
    for place in range(0, len(body), 1 + len(body) // 200):
        assert events_of(PROVIDER.stream(), [body[:place], body[place:]]) == whole


@pytest.mark.parametrize(
    "recording", cases(lambda each: is_answer(each) and "multiple-tool-calls" in each.path and ".01." in each.path)
)
def test_calls_without_ids_get_one_each_and_come_back_signed(recording: Recording) -> None:
    done: Completion = PROVIDER.response(recording.body)
    calls = [part for part in done.choices[0].parts if isinstance(part, ToolCallPart)]
    assert [call.name for call in calls] == ["dice_roll"] * 3
    assert len({call.id for call in calls}) == 3


def test_a_recorded_refusal_is_vertex_ais() -> None:
    recording = case("vertex-enabled")
    error = PROVIDER.error(recording.status, recording.headers, recording.body)
    assert type(error) is UpstreamAuth
    assert (error.provider, error.status) == ("vertex", 401)


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}',
        b'[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"slow down"}}]',
        b"<html>",
        b"",
    ],
)
def test_an_error_is_read_in_the_words_of_whoever_wrote_it(body: bytes) -> None:
    error = PROVIDER.error(429, {"retry-after": "3"}, body)
    assert type(error) is UpstreamThrottled
    assert (error.provider, error.retry_after) == ("vertex", "3")
    assert ("slow down" in error.message) == (b"slow down" in body)


@pytest.mark.parametrize("body", [b"no JSON", b'{"type":"error","error":{"type":"api_error","message":"x"}}', b"{}"])
def test_what_is_wrong_with_a_whole_answer_is_vertex_ais_fault(body: bytes) -> None:
    with pytest.raises(UpstreamError) as raised:
        PROVIDER.response(body)
    assert raised.value.provider == "vertex"


@pytest.mark.parametrize(
    "body",
    [b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n",
     b'data: {"error":{"code":503,"status":"UNAVAILABLE","message":"x"}}\r\n\r\n'],
)  # fmt: skip
def test_a_failure_within_a_stream_is_vertex_ais_fault_pitfall_19(body: bytes) -> None:
    failed = events_of(PROVIDER.stream(), [body])[-1]
    assert isinstance(failed, Failed)
    assert failed.error.provider == "vertex"


@pytest.mark.parametrize("body", [b"", b"ev", b"event: message_start\n", b"data: {}\n\n"])
def test_a_stream_that_stops_before_its_end_is_vertex_ais_fault_pitfall_27(body: bytes) -> None:
    with pytest.raises((UpstreamTruncated, UpstreamProtocolError)) as raised:
        events_of(PROVIDER.stream(), [body])
    assert raised.value.provider == "vertex"


def test_bytes_that_are_no_stream_are_vertex_ais_fault() -> None:
    with pytest.raises(UpstreamProtocolError) as raised:
        events_of(PROVIDER.stream(), [b"<html>\n\n"] * 3)
    assert raised.value.provider == "vertex"


# -- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recording", cases(is_answer))
def test_a_recorded_request_went_to_the_place_where_ours_goes(recording: Recording) -> None:
    assert recording.request is not None
    url = recording.request["url"].replace("<GOOGLE_CLOUD_LOCATION>", "global").replace("/PROJECT/", "/acme/")
    base_url, _, path = url.partition(".googleapis.com")
    location, model = path.split("/")[5], path.rpartition("/")[2].partition(":")[0]
    profile = Profile(f"{base_url}.googleapis.com", region=location)
    chat = DIALECT.parse(b'{"model":"m","messages":[{"role":"user","content":"hi"}]}')
    chat = ChatRequest(model, chat.messages, Source("none", b"{}"), stream=recording.stream)
    sent = PROVIDER.request(chat, Target("vertex", model, Credential(Secret(KEY_FILE)), profile)).request
    assert sent.url == url
    if "rawPredict" in recording.path:
        said = json.loads(sent.body)
        assert (
            {"anthropic_version", "max_tokens", "messages"} <= said.keys() <= {*recording.request["body"], "messages"}
        )
        assert said["anthropic_version"] == recording.request["body"]["anthropic_version"]


def test_an_answer_reaches_the_client_whole() -> None:
    done = fold(events_of(PROVIDER.stream(), [case("vertex-claude-3-7-sonnet-tool-streaming.01").body]))
    assert done.choices[0].finish is not None
    assert done.choices[0].finish.reason == "tool_calls"
