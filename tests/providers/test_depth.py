"""JSON nested too deeply to be walked: an answer breaks the protocol, a request is invalid, and nothing else breaks."""

from __future__ import annotations

import pytest

from providers import registry
from providers.dialects.openai import DIALECT
from providers.errors import InvalidRequest, UpstreamProtocolError

# Around where Python's own limit strikes: in a walker, in the decoder, or in neither.
DEPTHS = [150, 400, 600, 900, 990, 2_000, 100_000]
WHOLE = {
    "openai": '{"id":"a","choices":[{"index":0,"message":{"role":"assistant","content":"x"}}],"z":%s}',
    "anthropic": '{"id":"a","type":"message","role":"assistant","content":[{"type":"new","z":%s}],"usage":{}}',
    "cohere": '{"id":"a","message":{"role":"assistant","content":[{"type":"text","text":"x"}]},"usage":{"z":%s}}',
    "google": '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"z":%s}}}]},"finishReason":"STOP"}]}',
    "bedrock": '{"output":{"message":{"content":[{"toolUse":{"toolUseId":"a","name":"f","input":{"z":%s}}}]}}}',
}
STREAMED = {
    "openai": '{"id":"a","choices":[{"index":0,"delta":{"content":"x","z":%s}}]}',
    "anthropic": '{"type":"message_start","message":{"id":"a","usage":{"z":%s}}}',
    "cohere": '{"id":"a","type":"message-start","delta":{"message":{"role":"assistant","z":%s}}}',
    "google": '{"candidates":[{"content":{"parts":[{"text":"x"}]},"z":%s}]}',
}


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("provider", WHOLE)
def test_an_answer_nested_too_deeply_breaks_the_protocol(provider: str, depth: int) -> None:
    translator = registry.find(provider)
    translator.response((WHOLE[provider] % nested(3)).encode())
    with pytest.raises(UpstreamProtocolError):
        translator.response((WHOLE[provider] % nested(depth)).encode())


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("provider", STREAMED)
def test_a_streamed_event_nested_too_deeply_breaks_the_protocol(provider: str, depth: int) -> None:
    translator = registry.find(provider)
    translator.stream().feed(f"data: {STREAMED[provider] % nested(3)}\n\n".encode())
    with pytest.raises(UpstreamProtocolError):
        translator.stream().feed(f"data: {STREAMED[provider] % nested(depth)}\n\n".encode())


@pytest.mark.parametrize("depth", DEPTHS)
def test_an_error_nested_too_deeply_is_still_that_error(depth: int) -> None:
    for provider in WHOLE:
        error = registry.find(provider).error(429, {}, f'{{"error":{{"message":"x","z":{nested(depth)}}}}}'.encode())
        assert error.status == 429


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_request_nested_too_deeply_is_invalid(depth: int) -> None:
    body = '{"model":"m","messages":[{"role":"user","content":"x"}],"metadata":{"z":%s}}'
    DIALECT.parse((body % nested(3)).encode())
    with pytest.raises(InvalidRequest, match="nested too deeply"):
        DIALECT.parse((body % nested(depth)).encode())
