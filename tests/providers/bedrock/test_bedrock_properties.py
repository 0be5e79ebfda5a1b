"""What holds of every stream and answer, not only of those that somebody thought of."""

import base64
import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from providers.bedrock import PROVIDER
from providers.completion import Completion, fold
from providers.errors import UpstreamError

Wire = Callable[..., bytes]
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

# -- messages and streams ---------------------------------------------------------------------------------------------

blobs = st.binary(min_size=1, max_size=9).map(lambda data: base64.b64encode(data).decode())
citations = st.fixed_dictionaries(
    {"title": texts, "sourceContent": st.lists(st.builds(lambda said: {"text": said}, texts), max_size=2)},
    optional={"location": st.builds(lambda url: {"web": {"url": url}}, texts)},
)
blocks = st.one_of(
    st.builds(lambda said: {"text": said}, texts),
    st.builds(
        lambda said, cited: {"citationsContent": {"content": [{"text": said}], "citations": cited}},
        texts,
        st.lists(citations, min_size=1, max_size=2),
    ),
    st.builds(
        lambda said, signature: {"reasoningContent": {"reasoningText": {"text": said, "signature": signature}}},
        texts,
        texts,
    ),
    st.builds(lambda blob: {"reasoningContent": {"redactedContent": blob}}, blobs),
    st.builds(
        lambda name, written, kind: {"toolUse": {"toolUseId": "t", "name": name, "input": written, **kind}},
        texts,
        objects,
        st.sampled_from([{}, {"type": "tool_use"}, {"type": "server_tool_use"}, {"new": 1}]),
    ),
    st.builds(lambda said: {"toolResult": {"toolUseId": "t", "content": [{"text": said}, {"json": {}}]}}, texts),
    st.builds(lambda value: {"tomorrow": value}, st.integers() | texts.filter(bool)),
)
bodies = st.builds(
    lambda content, stop, counts, around: {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop,
        "usage": counts,
        **around,
    },
    st.lists(blocks, max_size=4),
    st.sampled_from(["end_turn", "tool_use", "malformed_tool_use", "new"]),
    st.dictionaries(st.sampled_from(["inputTokens", "outputTokens", "cacheReadInputTokens", "x"]), st.integers(0, 99)),
    st.fixed_dictionaries(
        {}, optional={"metrics": objects, "trace": objects, "additionalModelResponseFields": objects}
    ),
)


@st.composite
def streams(draw: st.DrawFn) -> tuple[Json, list[Json]]:
    """A whole answer, and the events of a stream of it: text in pieces, padded."""
    body: Json = draw(bodies)
    events: list[Json] = [{"messageStart": {"role": "assistant"}}]
    for index, block in enumerate(body["output"]["message"]["content"]):
        start, deltas = in_pieces(draw, block)
        if start is not None:
            events.append({"contentBlockStart": {"contentBlockIndex": index, "start": start}})
        events += [{"contentBlockDelta": {"contentBlockIndex": index, "delta": delta}} for delta in deltas]
        events.append({"contentBlockStop": {"contentBlockIndex": index}})
    stop = {name: body[name] for name in ("stopReason", "additionalModelResponseFields") if name in body}
    rest = {name: body[name] for name in ("usage", "metrics", "trace") if name in body}
    events += [{"messageStop": stop}, {"metadata": rest}]
    for event in events:
        for value in event.values():
            value["p"] = draw(st.sampled_from(["", "abc"]))
    return body, events


def in_pieces(draw: st.DrawFn, block: Json) -> tuple[Json | None, list[Json]]:
    ((kind, value),) = block.items()
    match kind, value:
        case "text", said:
            return None, [{"text": piece} for piece in cut(draw, said)]
        case "citationsContent", {"content": [{"text": said}], "citations": cited}:
            pieces = [{"text": piece} for piece in cut(draw, said)]
            if said:
                return None, [*pieces, *({"citation": one} for one in cited)]
            # Pieces of nothing may stand anywhere; the citations keep their order.
            in_order = iter(cited)
            places = draw(st.permutations([*pieces, *({} for _ in cited)]))
            return None, [piece or {"citation": next(in_order)} for piece in places]
        case "reasoningContent", {"reasoningText": {"text": said, "signature": signature}}:
            pieces = [{"text": piece} for piece in cut(draw, said)] + [{"signature": signature}]
            return None, [{"reasoningContent": piece} for piece in pieces]
        case "toolUse", {"input": arguments}:
            written = json.dumps(arguments) if arguments else "{}"
            pieces = [{"input": piece} for piece in cut(draw, written)]
            start = {name: member for name, member in value.items() if name != "input"}
            return {"toolUse": start}, [{"toolUse": piece} for piece in pieces]
        case "toolResult", {"content": content}:
            return {"toolResult": {"toolUseId": "t"}}, [{"toolResult": [piece]} for piece in content]
        case _:
            return None, [block]


def cut(draw: st.DrawFn, text: str) -> list[str]:
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


@given(streams(), st.data())
def test_pitfall_18_any_split_of_a_stream_gives_the_same_events(
    read_all: ReadAll, wire: Wire, stream: tuple[Json, list[Json]], data: st.DataObject
) -> None:
    body = wire(*stream[1])
    places = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=8)))
    pieces = [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]
    whole = read_all([body])
    assert whole.raised is None
    assert read_all(pieces) == whole
    assert read_all([body[place : place + 1] for place in range(len(body))]) == whole


@given(streams())
def test_a_stream_put_together_is_the_whole_answer(
    read_all: ReadAll, wire: Wire, meaning: Meaning, stream: tuple[Json, list[Json]]
) -> None:
    body, events = stream
    assert meaning(fold(read_all([wire(*events)]).events)) == meaning(PROVIDER.response(json.dumps(body).encode()))


@given(streams(), st.data())
def test_a_flipped_bit_gives_an_error_of_ours_and_nothing_that_was_not_said(
    read_all: ReadAll, wire: Wire, stream: tuple[Json, list[Json]], data: st.DataObject
) -> None:
    body = wire(*stream[1])
    bit = data.draw(st.integers(0, len(body) * 8 - 1))
    spoilt = bytearray(body)
    spoilt[bit // 8] ^= 1 << bit % 8
    cut_off = read_all([bytes(spoilt)])
    assert isinstance(cut_off.raised, UpstreamError)
    said = read_all([body]).events
    assert cut_off.events == said[: len(cut_off.events)]


# -- anything at all --------------------------------------------------------------------------------------------------

kinds = st.sampled_from(
    [
        "messageStart",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
        "throttlingException",
        "newException",
        "new",
    ]
)
members = st.sampled_from(
    [
        "role",
        "start",
        "delta",
        "contentBlockIndex",
        "text",
        "toolUse",
        "toolUseId",
        "name",
        "input",
        "type",
        "toolResult",
        "reasoningContent",
        "reasoningText",
        "redactedContent",
        "signature",
        "citation",
        "citations",
        "citationsContent",
        "sourceContent",
        "location",
        "content",
        "stopReason",
        "usage",
        "inputTokens",
        "message",
        "p",
    ]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(members, inner, max_size=5),
    max_leaves=12,
)
odd_events = st.builds(lambda kind, value: {kind: value}, kinds, st.dictionaries(members, anything, max_size=5))


@given(
    st.lists(odd_events | anything.map(lambda value: {"contentBlockDelta": value}), max_size=6),
    st.binary(max_size=20),
    st.data(),
)
def test_any_frames_give_events_or_an_error_of_ours_however_they_are_split(
    read_all: ReadAll, wire: Wire, events: list[Json], rubbish: bytes, data: st.DataObject
) -> None:
    body = wire(*events) + rubbish
    whole = read_all([body])
    assert whole.raised is None or isinstance(whole.raised, UpstreamError)
    place = data.draw(st.integers(0, len(body)))
    split = read_all([body[:place], body[place:]])
    # By their text: two errors are never equal.
    assert (repr(split.events), type(split.raised)) == (repr(whole.events), type(whole.raised))


@given(
    st.binary(max_size=60)
    | anything.map(lambda value: json.dumps(value).encode())
    | st.lists(anything, max_size=4).map(
        lambda content: json.dumps({"output": {"message": {"content": content}}}).encode()
    )
)
def test_any_body_is_an_answer_or_an_error_of_ours(body: bytes) -> None:
    try:
        assert isinstance(PROVIDER.response(body), Completion)
    except UpstreamError as raised:
        assert raised.provider == "bedrock"


@given(
    st.integers(100, 699),
    st.dictionaries(st.sampled_from(["retry-after", "x-amzn-errortype"]), st.text(max_size=9)),
    st.binary(max_size=40) | anything.map(lambda value: json.dumps({"__type": "X", "message": value}).encode()),
)
def test_any_refusal_is_an_error_with_its_status(status: int, headers: dict[str, str], body: bytes) -> None:
    told = PROVIDER.error(status, headers, body)
    assert told.status == (status if 400 <= status < 600 else 502)
    assert 0 < len(told.message) <= 2_001
