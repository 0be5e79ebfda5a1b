"""Claude's answers through Vertex AI, for a client that speaks Anthropic's wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from providers.base import wire_of
from providers.errors import UpstreamProtocolError, UpstreamTruncated
from providers.events import Failed
from providers.registry import find
from providers.vertex import PROVIDER
from tests.wire.recordings import cases

if TYPE_CHECKING:
    from tests.wire.recordings import Recording

START = b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","content":[]}}\n\n'
ERROR = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'


def test_claude_is_spoken_to_in_its_makers_words_and_nobody_in_geminis() -> None:
    assert wire_of(PROVIDER, "claude-opus-5@20260101") == find("anthropic").wire
    assert wire_of(PROVIDER, "gemini-2.5-flash") == "vertex"
    assert wire_of(find("anthropic"), "any") == find("anthropic").wire


@pytest.mark.parametrize(
    "recording", cases(lambda each: each.provider == "vertex" and "rawPredict" in each.path and each.status == 200)
)
def test_recorded_answers_are_relayed_as_they_came(recording: Recording) -> None:
    body = recording.body
    if not recording.streamed:
        assert PROVIDER.relayed(body, PROVIDER.response(body)) == body
        return
    relay = PROVIDER.relay(hide_usage=True)
    frames = [*relay.feed(body), *relay.close()]
    assert b"".join(frame.raw for frame in frames).strip() == body.strip()
    stream = PROVIDER.stream()
    assert [event for frame in frames for event in frame.events] == [*stream.feed(body), *stream.close()]


def test_what_goes_wrong_is_vertexs_fault() -> None:
    failed = PROVIDER.relay(hide_usage=False).feed(START + ERROR)[-1].events[-1]
    assert isinstance(failed, Failed)
    assert (failed.error.provider, failed.error.status) == ("vertex", 529)
    with pytest.raises(UpstreamProtocolError) as broken:
        PROVIDER.relay(hide_usage=False).feed(b"data: {no\n\n")
    assert broken.value.provider == "vertex"
    cut = PROVIDER.relay(hide_usage=False)
    cut.feed(START)
    with pytest.raises(UpstreamTruncated) as ended:
        cut.close()
    assert ended.value.provider == "vertex"
