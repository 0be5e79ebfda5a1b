"""What holds of every stream and answer, not only of those that somebody thought of."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from providers.codec import decode_events, encode_events
from providers.completion import Completion, fold, unfold
from providers.errors import UpstreamError
from providers.google import PROVIDER

ReadAll = Callable[..., Any]
Json = dict[str, Any]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, values, max_size=3)

# -- answers and streams --------------------------------------------------------------------------------------------

signed = {"thoughtSignature": texts}
parts = st.one_of(
    st.fixed_dictionaries({"text": texts}, optional=signed),
    st.fixed_dictionaries({"text": texts, "thought": st.just(True)}, optional=signed),
    st.fixed_dictionaries(
        {"functionCall": st.fixed_dictionaries({"name": texts}, optional={"id": texts, "args": objects})},
        optional=signed,
    ),
    st.fixed_dictionaries({"executableCode": objects}, optional=signed),
)
sources = st.fixed_dictionaries({"web": st.fixed_dictionaries({"uri": texts, "title": texts})})
supports = st.fixed_dictionaries(
    {
        "segment": st.fixed_dictionaries(
            {}, optional={"startIndex": st.integers(0, 9), "endIndex": st.integers(0, 30), "text": texts}
        ),
        "groundingChunkIndices": st.lists(st.integers(0, 2), max_size=2),
    }
)
grounding = st.fixed_dictionaries(
    {"groundingChunks": st.lists(sources, max_size=2), "groundingSupports": st.lists(supports, max_size=2)}
)
counts = st.dictionaries(
    st.sampled_from(["promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount", "x"]),
    st.integers(0, 99),
)


@st.composite
def streams(draw: st.DrawFn) -> tuple[Json, bytes]:
    """A whole body, and a stream of it: parts dealt to chunks, candidates mixed, any line ends."""
    numbers = range(draw(st.integers(1, 3)))
    candidates: list[Json] = []
    pieces: list[Json] = []
    for index in numbers:
        given_parts = draw(st.lists(parts, max_size=5))
        around = draw(
            st.fixed_dictionaries({}, optional={"groundingMetadata": grounding, "safetyRatings": st.just([])})
        )
        around["finishReason"] = draw(st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY", "NEW"]))
        candidates.append({"index": index, "content": {"parts": given_parts}, **around})
        place = draw(st.integers(0, len(given_parts)))
        pieces.append({"index": index, "content": {"parts": given_parts[:place]}})
        pieces.append({"index": index, "content": {"parts": given_parts[place:]}, **around})
    usage = draw(counts)
    name = draw(texts)
    chunks = [{"candidates": [piece], "responseId": name} for piece in pieces] + [{"usageMetadata": usage}]
    newline = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    escaped = draw(st.booleans())
    data = "".join(f"data: {json.dumps(chunk, ensure_ascii=escaped)}{newline * 2}" for chunk in chunks)
    return {"candidates": candidates, "responseId": name, "usageMetadata": usage}, data.encode()


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
def test_a_stream_put_together_is_the_whole_answer(read_all: ReadAll, stream: tuple[Json, bytes]) -> None:
    message, body = stream
    whole = PROVIDER.response(json.dumps(message).encode())
    assert fold(read_all([body]).events) == whole
    assert fold(unfold(whole)) == whole


@st.composite
def cut_streams(draw: st.DrawFn) -> tuple[int, bytes, int]:
    """The number of candidates, a stream, and where it is cut: before its last event at the latest, since the counts
    come after every candidate has ended."""
    message, body = draw(streams())
    last = body.rstrip(b"\r\n").rfind(b"data:")
    return len(message["candidates"]), body, draw(st.integers(0, max(0, last - 6)))


FIRST = b'data: {"candidates": [{"index": 0, "content": {"parts": [{"text": "one"}]}, "finishReason": "STOP"}]}\n\n'
SECOND = FIRST.replace(b"0", b"1").replace(b"one", b"two")


@given(cut_streams())
@example((2, FIRST + SECOND, len(FIRST))).via("one candidate has ended, and no other has begun")
def test_a_cut_stream_is_never_a_whole_one(read_all: ReadAll, stream: tuple[int, bytes, int]) -> None:
    candidates, body, place = stream
    whole = read_all([body], choices=candidates)
    assert whole.raised is None
    cut = read_all([body[:place]], choices=candidates)
    assert isinstance(cut.raised, UpstreamError)
    assert cut.events == whole.events[: len(cut.events)]


@given(streams())
def test_a_hit_replays_the_stream(read_all: ReadAll, stream: tuple[Json, bytes]) -> None:
    events = read_all([stream[1]]).events
    assert decode_events(encode_events(events)) == events


# -- anything at all ------------------------------------------------------------------------------------------------

members = st.sampled_from(
    ["candidates", "content", "parts", "text", "thought", "thoughtSignature", "functionCall", "name", "args", "id",
     "index", "finishReason", "usageMetadata", "promptTokenCount", "promptTokensDetails", "promptFeedback",
     "blockReason", "groundingMetadata", "groundingChunks", "groundingSupports", "segment", "startIndex", "endIndex",
     "groundingChunkIndices", "web", "citationMetadata", "citations", "logprobsResult", "chosenCandidates",
     "topCandidates", "token", "logProbability", "error", "code", "status", "details"]
)  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(members, inner, max_size=5),
    max_leaves=14,
)


@st.composite
def odd_chunks(draw: st.DrawFn) -> Json:
    """Of Google's shape down to the candidate, and of any shape below."""
    candidate = draw(st.dictionaries(members, anything, max_size=4))
    if draw(st.booleans()):
        candidate["content"] = {"parts": draw(st.lists(st.dictionaries(members, anything, max_size=4), max_size=3))}
    if draw(st.booleans()):
        candidate["finishReason"] = "STOP"
    chunk: Json = draw(st.dictionaries(members, anything, max_size=3))
    return {**chunk, "candidates": [candidate]} if draw(st.booleans()) else chunk


odd_frames = odd_chunks().map(lambda chunk: b"data: " + json.dumps(chunk).encode() + b"\n\n")
odd_streams = st.lists(odd_frames | st.binary(max_size=8) | st.just(b"\n\n"), max_size=6).map(b"".join)


@given(odd_streams | st.binary(max_size=60), st.data())
def test_any_bytes_give_events_or_an_error_of_ours_however_they_are_split(
    read_all: ReadAll, body: bytes, data: st.DataObject
) -> None:
    whole = read_all([body])
    assert whole.raised is None or isinstance(whole.raised, UpstreamError)
    place = data.draw(st.integers(0, len(body)))
    split = read_all([body[:place], body[place:]])
    # By their text: two errors are never equal.
    assert (repr(split.events), type(split.raised)) == (repr(whole.events), type(whole.raised))


@given(st.binary(max_size=60) | (anything | odd_chunks()).map(lambda value: json.dumps(value).encode()))
def test_any_body_is_an_answer_or_an_error_of_ours(body: bytes) -> None:
    try:
        assert isinstance(PROVIDER.response(body), Completion)
    except UpstreamError as raised:
        assert raised.provider == "google"


@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["retry-after", "x"]), st.text(max_size=5)),
    st.binary(max_size=40) | anything.map(lambda value: json.dumps({"error": value}).encode()),
)
def test_any_refusal_is_an_error_with_its_status(status: int, headers: dict[str, str], body: bytes) -> None:
    told = PROVIDER.error(status, headers, body)
    assert told.status == (status if status >= 400 else 502)
    assert 0 < len(told.message) <= 2_001
