"""Answers that Anthropic's types allow and no recording holds, through a running Sabir, whole, streamed and again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio
from openai import APIError, APIStatusError

from tests.simulator.replay import Recording
from tests.wire.messages_hearing import hear_message
from tests.wire.messages_stream import PING, events_of, sse
from tests.wire.through import Through, heard_everywhere, put_together, sabir_before_a_replay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.wire.messages_stream import Event
    from tests.wire.through import Reply

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON: Final = (("content-type", "application/json"),)
SSE: Final = (("content-type", "text/event-stream; charset=utf-8"),)
ASKED: Final[dict[str, Any]] = {
    "model": "anthropic/claude-opus-4-5",
    "messages": [{"role": "user", "content": "Hello"}],
}
STREAMED: Final = {**ASKED, "stream": True, "stream_options": {"include_usage": True}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def through() -> AsyncIterator[Through]:
    async with sabir_before_a_replay() as running:
        yield running


def message(*content: Any, stop: str | None = "end_turn", usage: Event | None = None, **members: Any) -> Event:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-5-20251101",
        "content": list(content),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": usage or {"input_tokens": 10, "output_tokens": 20},
        **members,
    }


def text(said: str, *citations: Event) -> Event:
    return {"type": "text", "text": said, **({"citations": list(citations)} if citations else {})}


def thinking(thought: str, signature: str) -> Event:
    return {"type": "thinking", "thinking": thought, "signature": signature}


def tool(name: str, call: str, **arguments: Any) -> Event:
    return {"type": "tool_use", "id": call, "name": name, "input": arguments}


def server(kind: str, call: str, **arguments: Any) -> Event:
    return {"type": "server_tool_use", "id": call, "name": kind, "input": arguments}


def result(kind: str, call: str, content: Any) -> Event:
    return {"type": kind, "tool_use_id": call, "content": content}


FOUND: Final = {
    "type": "web_search_result",
    "url": "https://a",
    "title": "A",
    "encrypted_content": "e",
    "page_age": None,
}
CITED: Final[list[Event]] = [
    {
        "type": "char_location", "cited_text": "q1", "document_index": 0, "document_title": "Doc", "start_char_index": 0,
        "end_char_index": 9, "file_id": None,
    },
    {
        "type": "page_location", "cited_text": "q2", "document_index": 1, "document_title": None, "start_page_number": 1,
        "end_page_number": 2, "file_id": "file_1",
    },
    {
        "type": "content_block_location", "cited_text": "q3", "document_index": 2, "document_title": "D",
        "start_block_index": 0, "end_block_index": 1,
    },
    {
        "type": "web_search_result_location", "cited_text": "q4", "url": "https://a", "title": "A",
        "encrypted_index": "enc",
    },
    {
        "type": "search_result_location", "cited_text": "q5", "source": "https://s", "title": None,
        "search_result_index": 0, "start_block_index": 0, "end_block_index": 1,
    },
]  # fmt: skip

MESSAGES: Final[dict[str, Event]] = {
    "empty": message(),
    "an empty text": message(text("")),
    "interleaved thinking and parallel tools": message(
        thinking("First, Oslo. \u2028 考えます", "sig1"),
        text("Let me look."),
        tool("get_weather", "toolu_1", city="Oslo", days=[1, 2]),
        thinking("Then Rome.", "sig2"),
        tool("get_weather", "toolu_2", city="Rome"),
        tool("get_time", "toolu_3"),
        stop="tool_use",
    ),
    "redacted thinking between thoughts": message(
        thinking("a", "s1"),
        {"type": "redacted_thinking", "data": "opaque1"},
        {"type": "redacted_thinking", "data": "opaque2"},
        thinking("", "only-signed"),
        text("So."),
    ),
    "a web search with every kind of citation": message(
        text("I will search."),
        server("web_search", "srvtoolu_1", query="proxies"),
        result("web_search_tool_result", "srvtoolu_1", [FOUND]),
        text("Found: "),
        text("this 👋", *CITED[3:]),
        text(", and that.", *CITED[:3]),
        usage={
            "input_tokens": 5,
            "cache_creation_input_tokens": 7,
            "cache_read_input_tokens": 11,
            "output_tokens": 40,
            "output_tokens_details": {"thinking_tokens": 13},
            "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0},
            "service_tier": "standard",
            "cache_creation": {"ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 0},
            "inference_geo": "eu",
        },
    ),
    "tools that fail on the server": message(
        server("web_fetch", "s1", url="https://a"),
        result("web_fetch_tool_result", "s1", {"type": "web_fetch_tool_result_error", "error_code": "url_not_accessible"}),
        server("bash_code_execution", "s2", command="ls"),
        result(
            "bash_code_execution_tool_result",
            "s2",
            {"type": "bash_code_execution_result", "stdout": "a\n", "stderr": "", "return_code": 0, "content": []},
        ),
        {"type": "mcp_tool_use", "id": "m1", "name": "echo", "server_name": "srv", "input": {"x": 1}},
        {"type": "mcp_tool_result", "tool_use_id": "m1", "is_error": True, "content": [{"type": "text", "text": "no"}]},
        {"type": "container_upload", "file_id": "file_9"},
        text("Done."),
        container={"id": "container_1", "expires_at": "2026-01-01T00:00:00Z"},
        context_management={"applied_edits": [{"type": "clear_tool_uses_20250919", "cleared_tool_uses": 2}]},
    ),
    "a tool called by code": message(
        server("code_execution", "srv_1", code="await get()"),
        {**tool("get", "toolu_1", x=1), "caller": {"type": "code_execution_20250825", "tool_id": "srv_1"}},
        {**tool("click", "toolu_2"), "caller": {"type": "direct"}, "toolset_name": "browser"},
        stop="tool_use",
    ),
    "compaction and fallback": message(
        {"type": "compaction", "content": "What was said so far, in short.", "signature": "cs"},
        {"type": "fallback", "from": {"model": "claude-fable-5"}, "to": {"model": "claude-opus-4-5"}, "trigger": {"type": "x"}},
        text("On we go."),
        usage={
            "input_tokens": 1,
            "output_tokens": 2,
            "iterations": [{"type": "compaction", "input_tokens": 9, "output_tokens": 3}],
        },
    ),
    "a stop sequence": message(text("Up to here"), stop="stop_sequence", stop_sequence="END"),
    "a block of tomorrow": message(
        text("Hi. "), {"type": "hologram", "mesh": "AAAA", "parts": [1]}, text("Bye."), provenance={"carbon": 3}
    ),
}  # fmt: skip
NOT_STORED: Final[dict[str, Event]] = {
    "cut by max_tokens in a call": message(text("So "), tool("get", "t1", a=1), stop="max_tokens"),
    "paused": message(server("web_search", "s1", query="q"), stop="pause_turn"),
    "refused": message(
        text("I can"),
        stop="refusal",
        stop_details={"type": "refusal", "category": "bio", "explanation": "no", "recommended_model": None},
    ),
    "compacted": message({"type": "compaction", "content": "short"}, stop="compaction"),
    "out of context": message(text("so"), stop="model_context_window_exceeded"),
}


def agree(reply: Reply, said: Event) -> None:
    expected = hear_message(json.dumps(said).encode(), streamed=False)
    assert reply.error is None
    (choice,) = reply.heard["choices"].values()
    for call in [*choice.get("tools", ()), *expected["choices"][0].get("tools", ())]:
        call["arguments"] = json.loads(call["arguments"])
    assert {name: choice.get(name) for name in expected["choices"][0]} == expected["choices"][0]
    assert {name: reply.heard.get(name) for name in expected if name != "choices"} == {
        name: value for name, value in expected.items() if name != "choices"
    }
    if reply.chunks:
        put_together(reply.chunks)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", [*MESSAGES, *NOT_STORED])
async def test_a_message_is_heard_live_and_from_the_cache(through: Through, name: str, stream: bool) -> None:
    said = {**MESSAGES, **NOT_STORED}[name]
    played = Recording(200, SSE, sse(*events_of(said))) if stream else Recording(200, JSON, json.dumps(said).encode())
    for reply in await heard_everywhere(through, played, STREAMED if stream else ASKED, stored=name in MESSAGES):
        agree(reply, said)


async def test_every_chunk_has_a_choice_until_the_usage(through: Through) -> None:
    """`chunk.choices[0]` is what most clients write."""
    for name, said in MESSAGES.items():
        played = Recording(200, SSE, sse(*events_of(said)))
        key = through.fresh_key()
        for asked in ({**ASKED, "stream": True}, STREAMED):
            reply = await through.play(played, asked, key=key)
            bare = [chunk for chunk in reply.chunks if not chunk.choices]
            assert len(bare) == ("stream_options" in asked), name
            assert reply.chunks[0].choices[0].delta.role == "assistant"


async def test_a_ping_before_the_message_is_no_harm(through: Through) -> None:
    said = MESSAGES["a stop sequence"]
    played = Recording(200, SSE, b": hello\n\n" + sse(PING, PING, *events_of(said), PING))
    for reply in await heard_everywhere(through, played, STREAMED):
        agree(reply, said)


OVERLOADED: Final = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
BEGUN: Final = events_of(message(text("")))[:1]


@pytest.mark.parametrize("chunking", ["whole", "events", 1])
@pytest.mark.parametrize(
    "before",
    [
        [],
        [PING],
        [*BEGUN],
        [*BEGUN, PING, {"type": "content_block_start", "index": 0, "content_block": text("")}],
        [*BEGUN, {"type": "content_block_start", "index": 0, "content_block": thinking("", "")}, PING],
    ],
    ids=["first", "after a ping", "after the start", "after an empty text", "after an empty thought"],
)
async def test_an_error_before_the_first_word_is_an_honest_status(
    through: Through, before: list[Event], chunking: Any
) -> None:
    played = Recording(200, SSE, sse(*before, OVERLOADED))
    reply = await through.play(played, STREAMED, key=through.fresh_key(), chunking=chunking)
    assert isinstance(reply.error, APIStatusError)
    assert (reply.status, reply.error.type, reply.error.code) == (529, "server_error", "overloaded_error")


@pytest.mark.parametrize("chunking", ["whole", "events", 1])
async def test_an_error_after_the_first_word_is_told_in_the_stream_pitfall_19(through: Through, chunking: Any) -> None:
    events = events_of(MESSAGES["interleaved thinking and parallel tools"])[:6]
    key = through.fresh_key()
    played = Recording(200, SSE, sse(*events, OVERLOADED))
    reply = await through.play(played, STREAMED, key=key, chunking=chunking)
    assert reply.status == 200
    assert isinstance(reply.error, APIError)
    assert (reply.error.code, reply.error.message) == ("overloaded_error", "Overloaded")
    assert reply.heard["choices"][0]["reasoning"].startswith("First,")
    assert reply.chunks[-1].choices[0].finish_reason is None
    again = await through.play(Recording(500, (), b""), STREAMED, key=key)
    assert again.status == 500


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, "invalid_request_error", None),
        (401, "authentication_error", "invalid_api_key"),
        (402, "insufficient_quota", "insufficient_quota"),
        (403, "permission_error", "permission_error"),
        (404, "invalid_request_error", "not_found_error"),
        (413, "invalid_request_error", "request_too_large"),
        (429, "rate_limit_error", "rate_limit_exceeded"),
        (500, "server_error", "api_error"),
        (529, "server_error", "overloaded_error"),
    ],
)
@pytest.mark.parametrize("asked", [ASKED, STREAMED], ids=["whole", "stream"])
async def test_a_refusal_has_its_status_and_openais_words(
    through: Through, asked: dict[str, Any], status: int, kind: str, code: str | None
) -> None:
    own = {
        400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
        404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error", 500: "api_error",
        529: "overloaded_error",
    }[status]  # fmt: skip
    body = json.dumps({"type": "error", "error": {"type": own, "message": "why"}, "request_id": "req_1"}).encode()
    played = Recording(status, (*JSON, ("retry-after", "16")), body)
    reply = await through.play(played, asked, key=through.fresh_key())
    assert isinstance(reply.error, APIStatusError)
    assert (reply.status, reply.error.type, reply.error.code) == (status, kind, code)
    assert reply.error.body["message"] == "why"  # type: ignore[index]
    assert reply.error.response.headers["retry-after"] == "16"


async def test_arguments_that_are_cut_off_are_passed_on_as_they_are(through: Through) -> None:
    """Fine-grained tool streaming sends them unchecked."""
    start: Event = {"type": "content_block_start", "index": 0, "content_block": tool("get", "t1")}
    piece = {"type": "input_json_delta", "partial_json": '{"city": "Os'}
    end = {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 9}}
    events = [
        *BEGUN, start, {"type": "content_block_delta", "index": 0, "delta": piece},
        {"type": "content_block_stop", "index": 0}, end, {"type": "message_stop"},
    ]  # fmt: skip
    for reply in await heard_everywhere(through, Recording(200, SSE, sse(*events)), STREAMED, stored=False):
        (call,) = reply.heard["choices"][0]["tools"]
        assert call["arguments"] == '{"city": "Os'
        assert reply.heard["choices"][0]["finish_reason"] == "length"


async def test_usage_of_the_last_delta_holds_and_is_not_added_up_pitfall_17(through: Through) -> None:
    first = {**BEGUN[0]["message"], "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 1}}
    block = [
        {"type": "content_block_start", "index": 0, "content_block": text("Hi")},
        {"type": "content_block_stop", "index": 0},
    ]
    counts = [{"output_tokens": 5}, {"input_tokens": 30, "cache_read_input_tokens": None, "output_tokens": 7}]
    deltas = [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": count} for count in counts]
    events: list[Event] = [{"type": "message_start", "message": first}, *block, *deltas, {"type": "message_stop"}]
    for reply in await heard_everywhere(through, Recording(200, SSE, sse(*events)), STREAMED):
        usage = reply.heard["usage"]
        assert (usage["prompt_tokens"], usage["completion_tokens"]) == (34, 7)
        assert usage["prompt_tokens_details"] == {"cached_tokens": 4}
