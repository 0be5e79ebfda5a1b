"""Answers that OpenAI's types and its hosts' documentation allow and no recording holds, live and from the cache."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio
from openai import APIError, APIStatusError

from tests.simulator.replay import Recording
from tests.wire.hearing import hear
from tests.wire.through import Through, heard_everywhere, put_together, sabir_before_a_replay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]

JSON: Final = (("content-type", "application/json"),)
SSE: Final = (("content-type", "text/event-stream; charset=utf-8"),)
DONE: Final = b"data: [DONE]\n\n"
ASKED: Final[Json] = {"model": "openai/gpt-5", "messages": [{"role": "user", "content": "Hello"}]}
STREAMED: Final[Json] = {**ASKED, "stream": True, "stream_options": {"include_usage": True}}
HEAD: Final[Json] = {"id": "chatcmpl-1", "created": 1_790_000_000, "model": "gpt-5-2026"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def through() -> AsyncIterator[Through]:
    async with sabir_before_a_replay() as running:
        yield running


def choice(delta: Json, index: int = 0, finish: str | None = None, **more: Any) -> Json:
    return {"index": index, "delta": delta, "finish_reason": finish, **more}


def chunk(*choices: Json, **more: Any) -> Json:
    return {**HEAD, "object": "chat.completion.chunk", "choices": list(choices), **more}


def said(message: Json, index: int = 0, finish: str = "stop", **more: Any) -> Json:
    whole = {"role": "assistant", "content": None, "refusal": None, **message}
    return {"index": index, "message": whole, "finish_reason": finish, "logprobs": None, **more}


def whole(*choices: Json, **more: Any) -> Json:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    return {**HEAD, "object": "chat.completion", "choices": list(choices), "usage": usage, **more}


def sse(*chunks: Json) -> bytes:
    return b"".join(b"data: " + json.dumps(each, ensure_ascii=False).encode() + b"\n\n" for each in chunks)


def call(index: int, arguments: str, **more: Any) -> Json:
    return {"index": index, "function": {"arguments": arguments, **more.pop("function", {})}, **more}


def token(text: str) -> Json:
    return {"token": text, "logprob": -0.1, "bytes": list(text.encode()), "top_logprobs": []}


LAST_USAGE: Final[Json] = {
    "prompt_tokens": 50,
    "completion_tokens": 30,
    "total_tokens": 80,
    "prompt_tokens_details": {"cached_tokens": 10, "audio_tokens": 5},
    "completion_tokens_details": {
        "reasoning_tokens": 8, "audio_tokens": 2, "accepted_prediction_tokens": 3, "rejected_prediction_tokens": 4,
    },
}  # fmt: skip
USAGE: Final = chunk(usage=LAST_USAGE, service_tier="default", system_fingerprint="fp_1")
CITED: Final = {
    "type": "url_citation",
    "url_citation": {"start_index": 0, "end_index": 4, "url": "https://a?utm_source=openai", "title": "A"},
}
AUDIO: Final[list[Json]] = [
    {"id": "audio_1", "transcript": "Hel"},
    {"id": "audio_1", "data": "UklG"},
    {"data": "Rg==", "transcript": "lo"},
    {"expires_at": 1_790_003_600},
]
SAFE: Final = {"hate": {"filtered": False, "severity": "safe"}, "custom_blocklists": {"filtered": False, "details": []}}

STREAMS: Final[dict[str, list[Json]]] = {
    "parallel calls, interleaved": [
        chunk(choice({"role": "assistant", "content": None}), obfuscation="abc"),
        chunk(choice({"tool_calls": [call(0, "", id="c0", type="function", function={"name": "add"})]})),
        chunk(choice({"tool_calls": [call(1, "", id="c1", type="function", function={"name": "mul"})]})),
        chunk(choice({"tool_calls": [call(0, '{"a"'), call(1, '{"b"')]}), obfuscation="x"),
        chunk(choice({"tool_calls": [call(1, ":2}"), call(0, ":1}")]})),
        chunk(choice({}, finish="tool_calls")),
        USAGE,
    ],
    "a call without arguments after text": [
        chunk(choice({"role": "assistant", "content": "Let me see. \u2028 ✓"})),
        chunk(choice({"tool_calls": [call(0, "", id="c0", type="function", function={"name": "now"})]})),
        chunk(choice({"tool_calls": [call(0, "{}")]}, finish="tool_calls")),
        USAGE,
    ],
    "a function call of 2023": [
        chunk(choice({"role": "assistant", "content": None, "function_call": {"name": "add", "arguments": ""}})),
        chunk(choice({"function_call": {"arguments": '{"a":'}})),
        chunk(choice({"function_call": {"arguments": "1}"}})),
        chunk(choice({}, finish="function_call")),
    ],
    "a custom tool": [
        chunk(choice({"role": "assistant", "tool_calls": [
            {"index": 0, "id": "c0", "type": "custom", "custom": {"name": "sql", "input": ""}}]})),
        chunk(choice({"tool_calls": [{"index": 0, "custom": {"input": "SELECT "}}]})),
        chunk(choice({"tool_calls": [{"index": 0, "custom": {"input": "1"}}]})),
        chunk(choice({}, finish="tool_calls")),
        USAGE,
    ],
    "a refusal with its probabilities": [
        chunk(choice({"role": "assistant", "content": "", "refusal": None}), service_tier="default"),
        chunk(choice({"refusal": "I "}, logprobs={"content": None, "refusal": [token("I ")]})),
        chunk(choice({"refusal": "can't"}, logprobs={"content": None, "refusal": [token("can't")]})),
        chunk(choice({}, finish="stop")),
        USAGE,
    ],
    "three answers, interleaved": [
        *(chunk(choice({"role": "assistant", "content": ""}, number)) for number in (0, 1, 2)),
        chunk(choice({"content": "a"}, 2, logprobs={"content": [token("a")], "refusal": None})),
        chunk(choice({"content": "b"}, 0), choice({"content": "c"}, 1)),
        chunk(choice({"content": "a"}, 2, logprobs={"content": [token("a")], "refusal": None})),
        chunk(choice({}, 1, "stop")),
        chunk(choice({"content": "d"}, 0)),
        chunk(choice({}, 2, "stop"), choice({}, 0, "stop")),
        USAGE,
    ],
    "audio": [
        chunk(choice({"role": "assistant", "refusal": None})),
        *(chunk(choice({"audio": piece})) for piece in AUDIO),
        chunk(choice({}, finish="stop")),
        USAGE,
    ],
    "a web search": [
        chunk(choice({"role": "assistant", "content": "Here"})),
        chunk(choice({"content": " it is.", "annotations": [CITED]})),
        chunk(choice({"annotations": [CITED]})),
        chunk(choice({}, finish="stop")),
        USAGE,
    ],
    "azure's filters": [
        {
            "id": "", "created": 0, "model": "", "object": "", "choices": [],
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": SAFE}],
        },
        chunk(choice({"role": "assistant", "content": ""}, content_filter_results={})),
        chunk(choice({"content": "Hi"}, content_filter_results=SAFE)),
        chunk(choice({"content": "!"}, content_filter_results=SAFE)),
        chunk(choice({}, finish="stop", content_filter_offsets={"check_offset": 1, "start_offset": 0, "end_offset": 3})),
        USAGE,
    ],
    "thought under a host's own name": [
        chunk(choice({"role": "assistant", "content": "", "reasoning": "I "})),
        chunk(choice({"reasoning": "think"})),
        chunk(choice({"content": "So."})),
        chunk(choice({}, finish="stop")),
        USAGE,
    ],
    "thought in blocks, signed late": [
        *(
            chunk(choice({"reasoning": piece, "reasoning_details": [
                {"type": "reasoning.text", "text": piece, "format": "anthropic-claude-v1", "index": 0}]}))
            for piece in ("Why ", "not?")
        ),
        chunk(choice({"content": "So"})),
        chunk(choice({"reasoning_details": [
            {"type": "reasoning.text", "signature": "sig", "format": "anthropic-claude-v1", "index": 0}]})),
        chunk(choice({"content": "."}, finish="stop", native_finish_reason="end_turn")),
        USAGE,
    ],
    "a summary and what it sums up, sealed": [
        chunk(choice({"reasoning": "In short", "reasoning_details": [
            {"type": "reasoning.summary", "summary": "In short", "format": "openai-responses-v1", "index": 0}]})),
        chunk(choice({"reasoning_details": [
            {"type": "reasoning.encrypted", "data": "enc", "format": "openai-responses-v1", "id": "rs", "index": 0}]})),
        chunk(choice({"content": "So."}, finish="stop")),
        USAGE,
    ],
    "images": [
        chunk(choice({"role": "assistant", "content": "Look: "})),
        chunk(choice({"images": [{"type": "image_url", "index": 0, "image_url": {"url": "data:image/png;base64,iVBO"}}]})),
        chunk(choice({}, finish="stop")),
        USAGE,
    ],
    "members of tomorrow": [
        chunk(choice({"role": "assistant", "content": "Hi", "mood": "calm"}, x={"y": 1}), provenance={"a": 1}),
        chunk(choice({"content": "!", "mood": "er"}, finish="stop", x={"y": 1, "z": 2}), provenance={"b": 2}, moderation=None),
        USAGE,
    ],
}  # fmt: skip

WHOLES: Final[dict[str, Json]] = {
    "everything of usage": whole(said({"content": "Hi"}), usage=LAST_USAGE, service_tier="flex", system_fingerprint="fp"),
    "parallel calls and a custom one": whole(
        said(
            {"tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "b", "type": "function", "function": {"name": "f", "arguments": '{"x": [1, "ü"]}'}},
                {"id": "c", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}},
            ]},
            finish="tool_calls",
        )
    ),
    "a function call of 2023": whole(
        said({"function_call": {"name": "add", "arguments": '{"a":1}'}}, finish="function_call")
    ),
    "audio": whole(said({"audio": {"id": "au", "data": "UklG", "expires_at": 1, "transcript": "Hello"}})),
    "refusals and answers": whole(said({"refusal": "No."}), said({"content": "Yes."}, 1), said({"content": ""}, 2)),
    "probabilities": whole(said({"content": "a"}, logprobs={"content": [token("a")], "refusal": None})),
    "sources": whole(said({"content": "Here", "annotations": [CITED, CITED]})),
    "a signed thought": whole(
        said({"content": "So", "reasoning": "why", "reasoning_details": [
            {"type": "reasoning.text", "text": "why", "signature": "s", "format": "anthropic-claude-v1", "index": 0}]})
    ),
    "thought as content": whole(
        said({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "why"}]},
                          {"type": "text", "text": "So"}]})
    ),
    "a signature of Gemini's beside a call": whole(
        said(
            {"tool_calls": [{
                "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"},
                "extra_content": {"google": {"thought_signature": "sig"}},
            }]},
            finish="tool_calls",
        )
    ),
}  # fmt: skip

SDK_CANNOT: Final = {"a custom tool", "audio", "a web search"}  # its helper adds up times, and wants indexes of hosts


@pytest.mark.parametrize("name", STREAMS)
async def test_a_stream_is_heard_live_and_from_the_cache(through: Through, name: str) -> None:
    chunks = STREAMS[name]
    expected = hear(chunks, "delta")
    replies = await heard_everywhere(through, Recording(200, SSE, sse(*chunks) + DONE), STREAMED)
    for reply in replies:
        assert reply.error is None
        assert reply.heard == expected
    if name not in SDK_CANNOT:
        live, again = (put_together(reply.chunks)["choices"] for reply in (replies[0], replies[-2]))
        assert {index: {**live[index], **said} for index, said in again.items()} == live


@pytest.mark.parametrize("name", WHOLES)
async def test_a_whole_answer_is_heard_live_and_from_the_cache(through: Through, name: str) -> None:
    expected = hear([WHOLES[name]], "message")
    for reply in await heard_everywhere(through, Recording(200, JSON, json.dumps(WHOLES[name]).encode()), ASKED):
        assert reply.error is None
        assert reply.heard == expected


@pytest.mark.parametrize("word", ["length", "content_filter", "sensitive", "model_length", "a word of tomorrow"])
@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_no_proven_end_is_not_kept(through: Through, word: str, stream: bool) -> None:
    if stream:
        played = Recording(200, SSE, sse(chunk(choice({"content": "Hi"})), chunk(choice({}, finish=word))) + DONE)
    else:
        played = Recording(200, JSON, json.dumps(whole(said({"content": "Hi"}, finish=word))).encode())
    for reply in await heard_everywhere(through, played, STREAMED if stream else ASKED, stored=False):
        assert reply.heard["choices"][0] == {"text": "Hi", "finish_reason": word}


ERROR: Final = {"error": {"message": "why", "type": "server_error", "param": None, "code": "oops"}}


@pytest.mark.parametrize("chunking", ["whole", "events", 1])
@pytest.mark.parametrize(
    ("before", "status"),
    [
        ([], 500),
        ([STREAMS["azure's filters"][0]], 500),
        ([chunk(choice({"role": "assistant", "content": ""}))], 500),
        ([chunk(choice({"role": "assistant", "content": "Hi"}))], 200),
        ([chunk(choice({"audio": AUDIO[0]}))], 200),
    ],
)
async def test_an_error_frame_is_a_status_before_the_first_word_and_an_error_after_it(
    through: Through, before: list[Json], status: int, chunking: Any
) -> None:
    key = through.fresh_key()
    played = Recording(200, SSE, sse(*before, ERROR) + DONE)
    reply = await through.play(played, STREAMED, key=key, chunking=chunking)
    assert isinstance(reply.error, APIStatusError if status == 500 else APIError)
    assert (reply.status, reply.error.code, reply.error.type) == (status, "oops", "server_error")
    again = await through.play(Recording(503, (), b""), STREAMED, key=key)
    assert again.status == 503


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b'{"detail":"Not Found"}', 404, "Not Found"),
        (
            b'{"detail":[{"type":"missing","loc":["body","model"],"msg":"Field required","input":{}}]}',
            422,
            "model: Field",
        ),
        (b'{"error":"plain words"}', 400, "plain words"),
        (b'{"object":"error","message":"vLLM says no","type":"BadRequestError","param":null,"code":400}', 400, "vLLM"),
        (b'[{"error":{"code":400,"message":"in a list","status":"INVALID_ARGUMENT"}}]', 400, "in a list"),
        (b"<html><title>502 Bad Gateway</title></html>", 502, "status 502"),
        (b"", 500, "status 500"),
        (b"null", 429, "status 429"),
    ],
)
@pytest.mark.parametrize("asked", [ASKED, STREAMED], ids=["whole", "stream"])
async def test_an_error_of_any_shape_keeps_its_status(
    through: Through, asked: Json, body: bytes, status: int, message: str
) -> None:
    reply = await through.play(Recording(status, JSON, body), asked, key=through.fresh_key())
    assert isinstance(reply.error, APIStatusError)
    assert reply.status == status
    assert message in reply.error.message


async def test_audio_is_passed_on_as_it_comes(through: Through) -> None:
    """None of it is text: a proxy that waits for a word before it decides on the status would hold all of it back."""
    upstream, before = through.upstream, len(through.sabir.log.records)
    upstream.recording, upstream.chunking = Recording(200, SSE, sse(*STREAMS["audio"]) + DONE), "events"
    upstream.gate.hold()
    try:
        asking = asyncio.create_task(through.client.chat.completions.create(**STREAMED))
        await upstream.gate.step(2)
        answer: Any = await asyncio.wait_for(asking, 20)
        assert [(await anext(answer)).choices[0].delta.to_dict() for _ in range(2)][1] == {"audio": AUDIO[0]}
    finally:
        upstream.gate.release()
    assert [chunk async for chunk in answer]
    await through.sabir.log.records_of(before + 1)
