"""The bytes of an answer are laid out as recorded: same keys in the same order, same line ends, same end marks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import aiohttp

    from tests.simulator import Simulator

WIRE = Path(__file__).parents[3] / "shared" / "wire"
pytestmark = pytest.mark.skipif(not WIRE.exists(), reason="the recorded traffic is not beside this checkout")

HEADERS = {"authorization": "Bearer k", "x-api-key": "k", "anthropic-version": "2023-06-01"}
PATHS = {"openai": "/chat/completions", "anthropic": "/v1/messages", "perplexity": "/chat/completions"}


async def both(simulator: Simulator, http: aiohttp.ClientSession, name: str) -> tuple[bytes, bytes]:
    """The recorded body and the simulated one for the same request."""
    case = json.loads((WIRE / f"{name}.json").read_text(encoding="utf-8"))
    provider = case["provider"]
    url = simulator.url(provider) + PATHS[provider]
    async with http.post(url, json=case["request"]["body"], headers=HEADERS) as response:
        kind = response.headers["content-type"]
        assert kind == case["response"]["headers"].get("content-type", kind)
        return case["response"]["body"].encode(), await response.read()


def shape(value: Any) -> Any:
    """Keys in their order, without the values; the shape of a list is that of its first item."""
    if isinstance(value, dict):
        return [(key, shape(item)) for key, item in value.items()]
    return [shape(value[0])] if isinstance(value, list) and value else None


def events(body: bytes) -> list[tuple[str, Any]]:
    """(event, data) of each SSE event."""
    found = re.findall(rb"(?:event: (\w+)\r?\n)?data: (.*?)\r?\n\r?\n", body)
    return [(name.decode(), data if data == b"[DONE]" else json.loads(data)) for name, data in found]


WHOLE = (
    "openai/chat/ddpy--v1-chat-completion",
    "openai/chat/activeagent--chat-native-format-test-test-agent-logprobs",
    "openai/chat/genai--openaichat-gpt-5-6-sol-thinking-gensync-tools-squareroot-2",
    "openai/chat/mirascope--structured-output-with-formatting-instructions-tool-openai-gpt-4o-completions",
    "openai/chat/openllmetry--chat-parse-test-parsed-refused-completion",
    "openai/chat/mirascope--model-not-found-stream-openai-gpt-4o-completions",
    "anthropic/messages/genai--claude-haiku-4-5-20251001-gensync-tools-squareroot-1",
    "anthropic/messages/genai--claude-opus-5-thinking-genstream-json",
    "perplexity/chat/genai--sonar-gensync-maxtokens",
)

# What a later version of the same API added: the simulator is as recent as the newest recording.
NEWER = {"audio_tokens", "accepted_prediction_tokens", "rejected_prediction_tokens", "annotations", "service_tier"}
NEWER |= {
    "logprobs",
    "system_fingerprint",
    "refusal",
    "prompt_tokens_details",
    "completion_tokens_details",
    "obfuscation",
}


def without_newer(layout: Any) -> Any:
    if not isinstance(layout, list):
        return layout
    kept = [item for item in layout if not (isinstance(item, tuple) and item[0] in NEWER)]
    return [(item[0], without_newer(item[1])) if isinstance(item, tuple) else without_newer(item) for item in kept]


@pytest.mark.parametrize("name", WHOLE)
async def test_a_whole_answer_has_the_recorded_layout(
    simulator: Simulator, http: aiohttp.ClientSession, name: str
) -> None:
    expected, simulated = await both(simulator, http, name)
    assert without_newer(shape(json.loads(simulated))) == without_newer(shape(json.loads(expected)))
    assert (simulated[:4], simulated[-1:]) == (expected[:4], expected[-1:])  # the same indentation and end


STREAMS = (
    "openai/chat/genai--openaichat-gpt-5-6-sol-thinking-genstream-seed",
    "openai/chat/genai--openaichat-gpt-5-6-sol-thinking-genstream-tools-toolbias-usa",
    "openai/chat/elastic--instrumentation-openai-test-chat-stream-with-parallel-tools-and-capture-message-content",
    "anthropic/messages/activeagent--agents-streaming-examples-lifecycle",
    "anthropic/messages/genai--claude-haiku-4-5-20251001-genstream-tools-squareroot-1",
    "anthropic/messages/genai--claude-haiku-4-5-20251001-genstream-jsonschema",
    "perplexity/chat/genai--sonar-genstream-maxtokens",
)


@pytest.mark.parametrize("name", STREAMS)
async def test_a_stream_has_the_recorded_events_in_the_recorded_layout(
    simulator: Simulator, http: aiohttp.ClientSession, name: str
) -> None:
    expected, simulated = await both(simulator, http, name)
    theirs, ours = events(expected), events(simulated)
    assert ours[-1][0] == theirs[-1][0]
    assert (ours[-1][1] == b"[DONE]") == (theirs[-1][1] == b"[DONE]")
    for position in (0, 1, -2, -1):
        assert ours[position][0] == theirs[position][0]
    known = {json.dumps(without_newer(shape(data))) for _, data in theirs if isinstance(data, dict)}
    added = {"inference_geo", "provenance"}
    for event, data in ours:
        if isinstance(data, dict) and event != "content_block_delta" and not added & set(json.dumps(data).split('"')):
            assert json.dumps(without_newer(shape(data))) in known, (event, data)


@pytest.mark.parametrize("name", STREAMS)
async def test_a_stream_has_the_recorded_line_ends(
    simulator: Simulator, http: aiohttp.ClientSession, name: str
) -> None:
    expected, simulated = await both(simulator, http, name)
    assert (b"\r\n" in simulated) == (b"\r\n" in expected)
    assert simulated[-4:].strip(b"}] ") == expected[-4:].strip(b"}] ")
    assert (b'"model": "' in simulated) == (b'"model": "' in expected)
