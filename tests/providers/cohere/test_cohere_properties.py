"""What holds of every stream and answer, not only of those that somebody thought of."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from providers.cohere import PROVIDER
from providers.completion import Completion, fold
from providers.errors import UpstreamError

ReadAll = Callable[..., Any]
Meaning = Callable[[Completion], Any]
Json = dict[str, Any]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, values, max_size=3)

# -- answers and their streams --------------------------------------------------------------------------------------

citations = st.fixed_dictionaries(
    {"start": st.integers(0, 9), "end": st.integers(0, 9), "text": texts},
    optional={
        "sources": st.lists(st.fixed_dictionaries({"type": st.just("document"), "document": objects}), max_size=2),
        "content_index": st.integers(0, 3),
        "type": st.sampled_from(["TEXT_CONTENT", "PLAN", "THINKING_CONTENT"]),
    },
)
blocks = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": texts}),
    st.fixed_dictionaries({"type": st.just("thinking"), "thinking": texts}),
    st.fixed_dictionaries({"type": st.just("picture"), "data": texts, "more": values}),
)
calls = st.fixed_dictionaries(
    {
        "id": texts,
        "type": st.just("function"),
        "function": st.fixed_dictionaries({"name": texts, "arguments": objects.map(json.dumps)}),
    }
)
counts = st.dictionaries(st.sampled_from(["input_tokens", "output_tokens", "x"]), st.integers(0, 99))
answers = st.fixed_dictionaries(
    {
        "id": texts,
        "message": st.fixed_dictionaries(
            {
                "role": st.just("assistant"),
                "tool_plan": texts,
                "content": st.lists(blocks, max_size=4),
                "tool_calls": st.lists(calls, max_size=3),
                "citations": st.lists(citations, max_size=2),
            },
            optional={"mood": texts},
        ),
        "finish_reason": st.sampled_from(["COMPLETE", "STOP_SEQUENCE", "MAX_TOKENS", "TOOL_CALL", "NEW", None]),
    },
    optional={
        "usage": st.fixed_dictionaries(
            {}, optional={"tokens": counts, "billed_units": counts, "cached_tokens": st.integers(0, 99)}
        ),
        "trace": texts,
    },
)


def event(kind: str, message: Json, **more: Any) -> Json:
    return {"type": kind, "delta": {"message": message}, **more}


@st.composite
def streams(draw: st.DrawFn) -> tuple[Json, bytes]:
    """An answer, and a stream of it: text in pieces, unknown events between, any line ends."""
    answer: Json = draw(answers)
    message = answer["message"]
    empty = {"content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    frames = [event("message-start", {**message, **empty}, id=answer["id"])]
    frames += [event("tool-plan-delta", {"tool_plan": piece}) for piece in cut(draw, message["tool_plan"])]
    for index, block in enumerate(message["content"]):
        name = next(name for name in ("text", "thinking", "data") if name in block)
        frames.append(event("content-start", {"content": {**block, name: ""}}, index=index))
        for piece in cut(draw, block[name]):
            frames.append(event("content-delta", {"content": {name: piece}}, index=index))
            frames += [{"type": "debug", "prompt": "p"}] * draw(st.integers(0, 1))
        frames.append({"type": "content-end", "index": index})
    for index, call in enumerate(message["tool_calls"]):
        start = {**call, "function": {"name": call["function"]["name"], "arguments": ""}}
        frames.append(event("tool-call-start", {"tool_calls": start}, index=index))
        for piece in cut(draw, call["function"]["arguments"]):
            frames.append(event("tool-call-delta", {"tool_calls": {"function": {"arguments": piece}}}, index=index))
        frames.append({"type": "tool-call-end", "index": index})
    for index, citation in enumerate(message["citations"]):
        frames.append(event("citation-start", {"citations": citation}, index=index))
        frames.append({"type": "citation-end", "index": index})
    delta = {name: value for name, value in answer.items() if name not in {"id", "message"}}
    frames.append({"type": "message-end", "delta": delta})
    newline = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    escaped = draw(st.booleans())
    data = "".join(f"data: {json.dumps(frame, ensure_ascii=escaped)}{newline * 2}" for frame in frames)
    return answer, data.encode()


def cut(draw: st.DrawFn, text: str) -> list[str]:
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


@given(streams(), st.data())
def test_pitfall_18_any_split_of_a_stream_gives_the_same_events(
    read_all: ReadAll, stream: tuple[Json, bytes], data: st.DataObject
) -> None:
    _, body = stream
    places = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=8)))
    pieces = [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]
    whole = read_all([body])
    assert whole.raised is None
    assert read_all(pieces) == whole
    assert read_all([body[place : place + 1] for place in range(len(body))]) == whole


@given(streams())
def test_a_stream_put_together_is_the_whole_answer(
    read_all: ReadAll, meaning: Meaning, stream: tuple[Json, bytes]
) -> None:
    answer, body = stream
    assert meaning(fold(read_all([body]).events)) == meaning(PROVIDER.response(json.dumps(answer).encode()))


# -- anything at all ------------------------------------------------------------------------------------------------

event_types = st.sampled_from(
    [
        "message-start",
        "content-start",
        "content-delta",
        "content-end",
        "tool-plan-delta",
        "tool-call-start",
        "tool-call-delta",
        "tool-call-end",
        "citation-start",
        "message-end",
        "debug",
        "error",
        "text",
        "thinking",
        "PLAN",
        "ERROR",
        "COMPLETE",
    ]
)
members = st.sampled_from(
    [
        "type",
        "index",
        "delta",
        "message",
        "content",
        "text",
        "thinking",
        "tool_plan",
        "tool_calls",
        "function",
        "arguments",
        "citations",
        "sources",
        "document",
        "start",
        "content_index",
        "logprobs",
        "finish_reason",
        "usage",
        "tokens",
        "billed_units",
        "input_tokens",
        "cached_tokens",
        "error",
        "error_type",
    ]
)
numbers = st.integers() | st.floats(allow_nan=False) | st.just(10**400)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | numbers | st.text(max_size=4) | event_types,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(members, inner, max_size=5),
    max_leaves=12,
)
messages = st.dictionaries(members, anything, max_size=5)
odd_frames = st.tuples(event_types | st.none(), messages, messages).map(
    lambda told: b"data: " + json.dumps({**told[1], "type": told[0], "delta": {"message": told[2]}}).encode() + b"\n\n"
)
odd_streams = st.lists(odd_frames | st.binary(max_size=8) | st.just(b"\n\n"), max_size=8).map(b"".join)
started = b'data: {"type":"message-start","delta":{}}\n\n'


@given(odd_streams | st.binary(max_size=60), st.booleans(), st.data())
def test_any_bytes_give_events_or_an_error_of_ours_however_they_are_split(
    read_all: ReadAll, body: bytes, begun: bool, data: st.DataObject
) -> None:
    body = started + body if begun else body
    whole = read_all([body])
    assert whole.raised is None or isinstance(whole.raised, UpstreamError)
    place = data.draw(st.integers(0, len(body)))
    split = read_all([body[:place], body[place:]])
    # By their text: two errors are never equal.
    assert (repr(split.events), type(split.raised)) == (repr(whole.events), type(whole.raised))


@given(
    st.binary(max_size=60)
    | anything.map(lambda value: json.dumps(value).encode())
    | st.tuples(messages, messages).map(lambda told: json.dumps({**told[0], "message": told[1]}).encode())
)
def test_any_body_is_an_answer_or_an_error_of_ours(body: bytes) -> None:
    try:
        assert isinstance(PROVIDER.response(body), Completion)
    except UpstreamError as raised:
        assert raised.provider == "cohere"


@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["retry-after", "x"]), st.text(max_size=5)),
    st.binary(max_size=40) | anything.map(lambda value: json.dumps({"message": value}).encode()),
)
def test_any_refusal_is_an_error_with_its_status(status: int, headers: dict[str, str], body: bytes) -> None:
    told = PROVIDER.error(status, headers, body)
    assert told.status == (status if status >= 400 else 502)
    assert 0 < len(told.message) <= 2_001
