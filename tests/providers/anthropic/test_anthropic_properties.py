"""What holds of every stream, answer and request, not only of those that somebody thought of."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from providers.anthropic import PROVIDER
from providers.completion import Completion, fold
from providers.errors import UpstreamError

ReadAll = Callable[..., Any]
Meaning = Callable[[Completion], Any]
Json = dict[str, Any]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
words = texts.filter(str.strip)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, values, max_size=3)

# -- messages and streams -------------------------------------------------------------------------------------------

citations = st.fixed_dictionaries({"type": st.just("char_location"), "cited_text": texts}, optional={"url": texts})
blocks = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": texts, "citations": st.lists(citations, max_size=2)}),
    st.fixed_dictionaries({"type": st.just("thinking"), "thinking": texts, "signature": texts}),
    st.fixed_dictionaries({"type": st.just("redacted_thinking"), "data": texts}),
    st.fixed_dictionaries({"type": st.just("tool_use"), "id": texts, "name": texts, "input": objects}),
    st.fixed_dictionaries({"type": st.just("server_tool_use"), "id": texts, "input": objects}),
    st.fixed_dictionaries({"type": st.just("web_search_tool_result"), "content": st.lists(objects, max_size=2)}),
)
messages = st.fixed_dictionaries(
    {
        "id": texts,
        "type": st.just("message"),
        "model": texts,
        "content": st.lists(blocks, max_size=4),
        "stop_reason": st.sampled_from(["end_turn", "tool_use", "pause_turn", "new", None]),
        "usage": st.dictionaries(st.sampled_from(["input_tokens", "output_tokens", "x"]), st.integers(0, 99)),
    },
    optional={"stop_sequence": words, "container": st.just({"id": "c"})},
)


@st.composite
def streams(draw: st.DrawFn) -> tuple[Json, bytes]:
    """A message, and a stream of it: text in pieces, pings between, any line ends."""
    message: Json = draw(messages)
    frames: list[Json] = [{"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}]
    for index, block in enumerate(message["content"]):
        start, deltas = in_pieces(draw, block)
        frames.append({"type": "content_block_start", "index": index, "content_block": start})
        for delta in deltas:
            frames.append({"type": "content_block_delta", "index": index, "delta": delta})
            frames += [{"type": "ping"}] * draw(st.integers(0, 1))
        frames.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": message["stop_reason"], "container": message.get("container")}
    frames.append({"type": "message_delta", "delta": delta, "usage": message["usage"]})
    frames.append({"type": "message_stop"})
    newline = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    escaped = draw(st.booleans())
    data = "".join(f"data: {json.dumps(frame, ensure_ascii=escaped)}{newline * 2}" for frame in frames)
    return message, data.encode()


def in_pieces(draw: st.DrawFn, block: Json) -> tuple[Json, list[Json]]:
    match block["type"]:
        case "text":
            deltas = [{"type": "text_delta", "text": piece} for piece in cut(draw, block["text"])]
            cited = [{"type": "citations_delta", "citation": citation} for citation in block["citations"]]
            return {**block, "text": "", "citations": []}, deltas + cited
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in cut(draw, block["thinking"])]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {**block, "thinking": "", "signature": ""}, [*deltas, signed]
        case "tool_use" | "server_tool_use":
            written = json.dumps(block["input"]) if block["input"] else draw(st.sampled_from(["", "{}"]))
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in cut(draw, written)]
            return {**block, "input": {}}, deltas
        case _:
            return block, []


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
    message, body = stream
    assert meaning(fold(read_all([body]).events)) == meaning(PROVIDER.response(json.dumps(message).encode()))


# -- anything at all ------------------------------------------------------------------------------------------------

event_types = st.sampled_from(
    [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "error",
        "ping",
        "text",
        "thinking",
        "tool_use",
        "text_delta",
        "input_json_delta",
        "citations_delta",
        "new",
    ]
)
members = st.sampled_from(
    [
        "message",
        "content_block",
        "delta",
        "error",
        "usage",
        "content",
        "index",
        "text",
        "input",
        "citations",
        "citation",
        "partial_json",
        "thinking",
        "signature",
        "stop_reason",
        "output_tokens",
        "output_tokens_details",
        "message",
    ]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats(allow_nan=False) | st.text(max_size=4) | event_types,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(members | st.just("type"), inner, max_size=5),
    max_leaves=12,
)
odd_frames = st.tuples(event_types | st.none(), st.dictionaries(members, anything, max_size=5)).map(
    lambda pair: b"data: " + json.dumps({"type": pair[0], **pair[1]}).encode() + b"\n\n"
)
odd_streams = st.lists(odd_frames | st.binary(max_size=8) | st.just(b"\n\n"), max_size=8).map(b"".join)
started = b'data: {"type":"message_start","message":{}}\n\n'


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
    | st.dictionaries(members, anything, max_size=6).map(
        lambda value: json.dumps({"type": "message", "content": [], **value}).encode()
    )
)
def test_any_body_is_an_answer_or_an_error_of_ours(body: bytes) -> None:
    try:
        assert isinstance(PROVIDER.response(body), Completion)
    except UpstreamError as raised:
        assert raised.provider == "anthropic"


@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["retry-after", "x"]), st.text(max_size=5)),
    st.binary(max_size=40) | anything.map(lambda value: json.dumps({"type": "error", "error": value}).encode()),
)
def test_any_refusal_is_an_error_with_its_status(status: int, headers: dict[str, str], body: bytes) -> None:
    told = PROVIDER.error(status, headers, body)
    assert told.status == (status if status >= 400 else 502)
    assert 0 < len(told.message) <= 2_001
