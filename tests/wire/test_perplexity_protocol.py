"""Answers that Perplexity's documentation describes and no recording holds, live and from the cache.

Where it is: docs.perplexity.ai, "Stream Mode: Concise vs Full", "Sonar deep research", "Media", "API reference".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio
from openai import APIStatusError

from tests.simulator.replay import Recording
from tests.wire.hearing import assert_within, hear
from tests.wire.through import Through, heard_everywhere, sabir_before_a_replay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.wire.through import Reply

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]

JSON: Final = (("content-type", "application/json"),)
SSE: Final = (("content-type", "text/event-stream; charset=utf-8"),)
ASKED: Final[Json] = {
    "model": "perplexity/sonar-pro",
    "messages": [{"role": "user", "content": "Hello"}],
    "web_search_options": {"search_type": "pro"},
    "return_images": True,
}
STREAMED: Final[Json] = {**ASKED, "stream": True, "stream_options": {"include_usage": True}}
HEAD: Final[Json] = {"id": "cfa38f9d", "model": "sonar-pro", "created": 1_759_441_590}

SOURCE: Final = {
    "title": "A", "url": "https://a", "date": None, "last_updated": "2026-01-01", "snippet": "…", "source": "web",
}  # fmt: skip
IMAGE: Final = {"image_url": "https://a/i.png", "origin_url": "https://a", "height": 1, "width": 2, "title": "I"}
EXTRAS: Final[Json] = {
    "citations": ["https://a"],
    "search_results": [SOURCE],
    "images": [IMAGE],
    "videos": [{"url": "https://v", "duration": None}],
    "related_questions": ["And then?"],
}
RESEARCH: Final[Json] = {
    "prompt_tokens": 19, "completion_tokens": 498, "total_tokens": 517, "citation_tokens": 10175,
    "num_search_queries": 28, "reasoning_tokens": 95305, "search_context_size": "low",
    "cost": {
        "input_tokens_cost": 0.1, "output_tokens_cost": 0.2, "citation_tokens_cost": 0.3, "reasoning_tokens_cost": 0.4,
        "search_queries_cost": 0.14, "total_cost": 1.14,
    },
}  # fmt: skip
SEARCH: Final = {
    "thought": "Searching the web …", "type": "web_search",
    "web_search": {"search_keywords": ["a"], "search_results": [SOURCE]},
}  # fmt: skip
FETCH: Final = {"thought": "Reading …", "type": "fetch_url_content", "fetch_url_content": {"contents": [SOURCE]}}


def chunk(delta: Json | None, kind: str = "chat.completion.chunk", finish: str | None = None, **more: Any) -> Json:
    message = more.pop("message", {"role": "assistant", "content": ""})
    choice: Json = {"index": 0, "finish_reason": finish, "message": message}
    if delta is not None:
        choice["delta"] = {"role": "assistant", "content": "", **delta}
    return {**HEAD, "object": kind, "choices": [choice], **more}


def sse(*chunks: Json) -> bytes:
    return b"".join(b"data: " + json.dumps(each, ensure_ascii=False).encode() + b"\r\n\r\n" for each in chunks)


STEPPED: Final = {"role": "assistant", "content": "", "reasoning_steps": [SEARCH, FETCH]}
CONCISE: Final = [
    chunk({"reasoning_steps": [SEARCH]}, "chat.reasoning", type="message"),
    chunk({"reasoning_steps": [FETCH]}, "chat.reasoning", type="message"),
    chunk({}, "chat.reasoning.done", message=STEPPED, search_results=[SOURCE], images=[IMAGE]),
    chunk({"content": "Cloudy"}),
    chunk({"content": " tonight"}),
    chunk(
        {}, "chat.completion.done", "stop", message={**STEPPED, "content": "Cloudy tonight"}, usage=RESEARCH, **EXTRAS
    ),
]
# The same where the chunks of completion leave the delta out, as some clients describe them.
BARE: Final = [
    *CONCISE[:2],
    chunk(None, "chat.reasoning.done", message=STEPPED, search_results=[SOURCE]),
    *CONCISE[3:5],
    chunk(
        None, "chat.completion.done", "stop", message={**STEPPED, "content": "Cloudy tonight"}, usage=RESEARCH, **EXTRAS
    ),
]
FULL: Final = [
    chunk(
        {"content": "<think>\nwhy"}, message={"role": "assistant", "content": "<think>\nwhy"}, usage=RESEARCH, **EXTRAS
    ),
    chunk({"content": "</think>\n\nSo."}, message={"role": "assistant", "content": "…"}, usage=RESEARCH, **EXTRAS),
    chunk({}, "chat.completion.done", "stop", message={"role": "assistant", "content": "…"}, usage=RESEARCH, **EXTRAS),
]
STREAMS: Final = {"concise": CONCISE, "concise, without deltas": BARE, "full, thinking in the text": FULL}


def spoken(chunks: list[Json]) -> list[tuple[str, str]]:
    """What a client that goes by `object` hears: of each kind of chunk, its text and steps."""
    heard = []
    for each in chunks:
        for choice in each["choices"]:
            delta = choice.get("delta") or {}
            steps = [step["thought"] for step in delta.get("reasoning_steps") or []]
            heard += [(each["object"], said) for said in (delta.get("content"), *steps) if said]
    return heard


def agree(reply: Reply, expected: Json) -> None:
    assert reply.error is None
    assert_within(expected["usage"], reply.heard.pop("usage"))
    assert reply.heard == {name: said for name, said in expected.items() if name != "usage"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def through() -> AsyncIterator[Through]:
    async with sabir_before_a_replay() as running:
        yield running


@pytest.mark.parametrize("name", STREAMS)
async def test_a_stream_is_heard_live_and_from_the_cache(through: Through, name: str) -> None:
    chunks = STREAMS[name]
    expected = hear(chunks, "delta")
    replies = await heard_everywhere(through, Recording(200, SSE, sse(*chunks)), STREAMED)
    for reply in replies:
        for step in reply.heard["choices"][0].get("reasoning_steps", ()):
            step.pop("index", None)
        agree(reply, expected)
    again = [each.to_dict() for each in replies[-2].chunks]
    assert spoken(again) == spoken(chunks)
    kinds = [each["object"] for each in again]
    assert [kind for kind in dict.fromkeys(kinds) if kind != "chat.completion.chunk"] == [
        kind for kind in dict.fromkeys(each["object"] for each in chunks) if kind != "chat.completion.chunk"
    ]


async def test_a_whole_research_is_heard_live_and_from_the_cache(through: Through) -> None:
    message = {"role": "assistant", "content": "<think>\nwhy\n</think>\n\nSo [1]."}
    choice = {"index": 0, "finish_reason": "stop", "message": message, "delta": {"role": "assistant", "content": ""}}
    body = {**HEAD, "object": "chat.completion", "choices": [choice], "usage": RESEARCH, **EXTRAS}
    expected = hear([body], "message")
    for reply in await heard_everywhere(through, Recording(200, JSON, json.dumps(body).encode()), ASKED):
        agree(reply, expected)


async def test_a_tool_call_is_heard_live_and_from_the_cache(through: Through) -> None:
    call = {"id": "call_1", "type": "function", "index": 0, "function": {"name": "f", "arguments": '{"a": 1}'}}
    chunks = [chunk({"tool_calls": [call]}), chunk({}, "chat.completion.done", "tool_calls", usage=RESEARCH)]
    expected = hear(chunks, "delta")
    for reply in await heard_everywhere(through, Recording(200, SSE, sse(*chunks)), STREAMED):
        agree(reply, expected)


@pytest.mark.parametrize(
    ("status", "body", "message", "param"),
    [
        (401, '{"error":{"message":"Invalid API key","type":"invalid_api_key","code":401}}', "Invalid API key", None),
        (400, '{"error":{"message":"Invalid model","type":"invalid_model","code":400}}', "Invalid model", None),
        (
            422,
            '{"detail":[{"type":"missing","loc":["body","messages",0,"content"],"msg":"Field required","input":"secret"}]}',
            "messages.0.content: Field required",
            "messages.0.content",
        ),
        (404, '{"detail":"Not Found"}', "Not Found", None),
        (429, '{"error":{"message":"Slow down","type":"requests_rate_limit_exceeded","code":429}}', "Slow down", None),
        (500, "upstream connect error", "status 500", None),
        (504, "<html>cloudflare</html>", "status 504", None),
    ],
)
@pytest.mark.parametrize("asked", [ASKED, STREAMED], ids=["whole", "stream"])
async def test_an_error_keeps_its_status_and_words(
    through: Through, asked: Json, status: int, body: str, message: str, param: str | None
) -> None:
    reply = await through.play(Recording(status, JSON, body.encode()), asked, key=through.fresh_key())
    assert isinstance(reply.error, APIStatusError)
    assert (reply.status, reply.error.param) == (status, param)
    assert message in reply.error.message
    assert "secret" not in str(reply.error.body)


@pytest.mark.parametrize("end", [b"", b"data: [DONE]\r\n\r\n"])
async def test_a_stream_is_whole_with_its_finish_and_not_without(through: Through, end: bytes) -> None:
    whole = await heard_everywhere(through, Recording(200, SSE, sse(*CONCISE) + end), STREAMED)
    assert all(reply.heard["choices"][0]["finish_reason"] == "stop" for reply in whole)
    cut = Recording(200, SSE, sse(*CONCISE[:-1]))
    key = through.fresh_key()
    reply = await through.play(cut, STREAMED, key=key)
    assert reply.error is not None
    assert reply.heard["choices"][0]["text"] == "Cloudy tonight"
    assert (await through.play(Recording(500, (), b""), STREAMED, key=key)).status == 500
