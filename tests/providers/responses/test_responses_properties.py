"""Any answer, streamed in any way that the API allows and cut anywhere, is the answer that it is in one piece."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.codec import decode_events, encode_events
from providers.completion import fold, unfold
from providers.registry import speaking
from tests.providers.reading import read_cut

Json = dict[str, Any]
OPENAI = speaking("openai", "responses")
quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)

words = st.text(st.sampled_from('ab \n\u2028\N{SNOWMAN}é"\\{}'), min_size=1, max_size=12)
page = st.fixed_dictionaries(
    {"type": st.just("url_citation"), "url": words, "start_index": st.just(0), "end_index": st.just(1)}
)
text = st.fixed_dictionaries({"type": st.just("output_text"), "text": words, "annotations": st.lists(page, max_size=2)})
refusal = st.fixed_dictionaries({"type": st.just("refusal"), "refusal": words})
message = st.fixed_dictionaries(
    {"type": st.just("message"), "content": st.lists(text | refusal, max_size=2)},
    optional={"phase": st.sampled_from(["commentary", "final_answer"])},
)
thinking = st.fixed_dictionaries(
    {
        "type": st.just("reasoning"),
        "id": st.just("rs_1"),
        "summary": st.lists(st.fixed_dictionaries({"type": st.just("summary_text"), "text": words}), max_size=2),
    },
    optional={"encrypted_content": st.just("sealed")},
)
call = st.fixed_dictionaries(
    {
        "type": st.just("function_call"),
        "id": st.just("fc_1"),
        "call_id": words,
        "name": st.just("f"),
        "arguments": st.sampled_from(['{"a":1}', "{}", ""]),
    },
    optional={"namespace": words},
)
custom = st.fixed_dictionaries(
    {"type": st.just("custom_tool_call"), "call_id": words, "name": st.just("sh"), "input": words | st.just("")}
)
search = st.fixed_dictionaries({"type": st.just("web_search_call"), "action": st.just({"type": "search"})})
answers = st.fixed_dictionaries(
    {
        "id": st.just("resp_1"),
        "model": st.just("m"),
        "created_at": st.just(1),
        "status": st.sampled_from(["completed", "incomplete"]),
        "output": st.lists(message | thinking | call | custom | search, max_size=4),
        "usage": st.just({"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}),
    }
)

# Where a kind of item has its text, and which events tell it piece by piece.
PIECES = {
    "output_text": ("text", "response.output_text.delta"),
    "refusal": ("refusal", "response.refusal.delta"),
    "summary_text": ("text", "response.reasoning_summary_text.delta"),
    "function_call": ("arguments", "response.function_call_arguments.delta"),
    "custom_tool_call": ("input", "response.custom_tool_call_input.delta"),
}


def pieces(draw: st.DrawFn, told: Json, place: Json) -> list[Json]:
    member, kind = PIECES[told["type"]]
    cut = draw(st.integers(0, len(told[member])))
    return [{"type": kind, **place, "delta": delta} for delta in (told[member][:cut], told[member][cut:])]


def streamed(draw: st.DrawFn, index: int, item: Json) -> list[Json]:
    """An item's pieces, all of them or as far as a host cares to send them: its end has the whole."""
    place = {"output_index": index}
    events = pieces(draw, item, place) if item["type"] in PIECES else []
    for number, part in enumerate(item.get("content", [])):
        events += pieces(draw, part, {**place, "content_index": number})
        for note in part.get("annotations", []):
            kind = "response.output_text.annotation.added"
            events.append({"type": kind, **place, "content_index": number, "annotation": note})
    for number, part in enumerate(item.get("summary", [])):
        events += pieces(draw, part, {**place, "summary_index": number})
    begun = {name: value for name, value in item.items() if name in ("type", "id", "call_id", "name")}
    return [
        {"type": "response.output_item.added", **place, "item": begun},
        *events[: draw(st.integers(0, len(events)))],
        {"type": "response.output_item.done", **place, "item": item},
    ]


@st.composite
def streams(draw: st.DrawFn) -> tuple[Json, bytes]:
    answer: Json = draw(answers)
    events: list[Json] = [{"type": "response.created", "response": {**answer, "output": [], "status": "in_progress"}}]
    for index, item in enumerate(answer["output"]):
        events += streamed(draw, index, item)
    events.append({"type": f"response.{answer['status']}", "response": answer})
    return answer, b"".join(f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode() for event in events)


@quick
@given(streams())
def test_a_stream_put_together_is_the_whole_answer(stream: tuple[Json, bytes]) -> None:
    answer, body = stream
    cut = read_cut(OPENAI, [body])
    assert cut.raised is None
    assert fold(cut.events) == OPENAI.response(json.dumps(answer).encode())


@quick
@given(streams(), st.lists(st.integers(0, 2**16), max_size=6))
def test_any_split_of_the_bytes_gives_the_same_events(stream: tuple[Json, bytes], places: list[int]) -> None:
    _, body = stream
    whole = read_cut(OPENAI, [body])
    ends = sorted({place % (len(body) + 1) for place in places})
    split = [body[start:end] for start, end in zip([0, *ends], [*ends, len(body)], strict=True)]
    assert repr(read_cut(OPENAI, split)) == repr(whole)
    assert repr(read_cut(OPENAI, [body[place : place + 1] for place in range(len(body))])) == repr(whole)


@quick
@given(streams())
def test_a_hit_says_what_was_live(stream: tuple[Json, bytes]) -> None:
    _, body = stream
    events = read_cut(OPENAI, [body]).events
    assert decode_events(encode_events(events)) == events
    assert fold(unfold(fold(events))) == fold(events)
