"""Reasoning in one place of a relayed answer, with every other byte as the host sent it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.jsonwalk import load_object
from providers.openai.gather import gathered
from providers.openai.provider import ChatProvider
from tests.providers.openai.chunks import DONE, HOST, chunk, sse

PROVIDER = ChatProvider(HOST)
THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "why"}]}
REFERENCE = {"type": "reference", "reference_ids": [1]}


def relayed(body: bytes) -> bytes:
    relay = PROVIDER.relay(hide_usage=False)
    return b"".join(frame.raw for frame in [*relay.feed(body), *relay.close()])


def deltas(*said: dict[str, Any]) -> list[dict[str, Any]]:
    raw = relayed(sse(*(chunk(delta) for delta in said)) + DONE)
    blocks = raw.decode().split("\n\n")[:-1]
    return [json.loads(block.removeprefix("data: "))["choices"][0]["delta"] for block in blocks]


def whole(*messages: Any, **choice: Any) -> dict[str, Any]:
    choices = [{"index": 0, "message": message, "finish_reason": "stop", **choice} for message in messages]
    body = json.dumps({"id": "c", "choices": choices}).encode()
    said: dict[str, Any] = json.loads(PROVIDER.relayed(body, PROVIDER.response(body)))
    return said


def test_reasoning_under_another_name_is_said_in_the_one_place_too() -> None:
    assert deltas({"reasoning": "why"}) == [{"reasoning": "why", "reasoning_content": "why"}]
    details = [{"type": "reasoning.text", "text": "why", "index": 0}]
    assert deltas({"reasoning_content": None, "reasoning_details": details}) == [
        {"reasoning_content": "why", "reasoning_details": details}
    ]


@pytest.mark.parametrize(
    "delta", [{"content": "so"}, {"reasoning_content": "why"}, {"reasoning_content": "why", "reasoning": "why"}]
)
def test_a_chunk_that_has_it_there_is_not_touched(delta: dict[str, Any]) -> None:
    body = sse(chunk(delta))
    assert relayed(body + DONE) == body


def test_every_other_byte_of_the_chunk_and_its_frame_stays() -> None:
    body = b'event: x\nid: 7\ndata: {"choices": [{"delta":{"reasoning":"\\u00e9"} ,"n":1e3}],\ndata: "big":1.50}\n\n'
    assert relayed(body + DONE) == body.replace(b'00e9"', '00e9","reasoning_content":"é"'.encode())


def test_content_in_parts_is_the_string_that_the_dialect_has() -> None:
    assert deltas(
        {"role": "assistant", "content": [THINKING]},
        {"content": [{"type": "text", "text": "so"}]},
        {"content": [REFERENCE, {"type": "text", "text": " it is"}]},
        {"content": [REFERENCE]},
    ) == [
        {"role": "assistant", "reasoning_content": "why"},
        {"content": "so"},
        {"content": " it is", "content_parts": [{"index": 0, **REFERENCE}]},
        {"content_parts": [{"index": 1, **REFERENCE}]},
    ]


def test_of_several_choices_each_has_its_own() -> None:
    both = chunk({"reasoning": "a"})
    both["choices"].append({"index": 1, "delta": {"reasoning": "b"}, "finish_reason": None})
    both["choices"] += [{"index": 2, "delta": None}, "odd"]
    said = json.loads(relayed(sse(both) + DONE).removeprefix(b"data: "))["choices"]
    assert [choice["delta"].get("reasoning_content") for choice in said[:2]] == ["a", "b"]
    assert said[2:] == [{"index": 2, "delta": None}, "odd"]


def test_a_whole_answer_is_treated_alike() -> None:
    said = whole({"role": "assistant", "content": [THINKING, {"type": "text", "text": "so"}, REFERENCE]})
    message = {"role": "assistant", "content": "so", "reasoning_content": "why", "content_parts": [REFERENCE]}
    assert said["choices"][0]["message"] == message
    assert whole({"content": [THINKING]})["choices"][0]["message"] == {"content": None, "reasoning_content": "why"}


def test_choices_that_are_all_numbered_0_are_told_apart() -> None:
    said = whole({"reasoning": "a"}, {"reasoning": "b"}, {"content": "so"})
    assert [choice["message"].get("reasoning_content") for choice in said["choices"]] == ["a", "b", None]


def test_a_whole_answer_without_reasoning_keeps_its_bytes() -> None:
    body = b'{"choices": [{"message": {"content": "so"} , "finish_reason":"stop"}, {"message": null}, 7]}'
    assert PROVIDER.relayed(body, PROVIDER.response(body)) == body


def test_an_answer_that_was_not_read_is_not_touched() -> None:
    body = b'{"choices": [{"index": 5, "message": {"reasoning": "why"}}]}'
    nothing = PROVIDER.response(b'{"choices": []}')
    assert gathered(body, load_object(body), nothing) == body
    assert gathered(b"{}", {}, nothing) == b"{}"


def test_json_that_can_be_read_and_not_patched_goes_as_it_is() -> None:
    body = b'data: {"choices":[{"delta":{"reasoning":"why","x":1,"x":2}}]}\n\n'
    assert relayed(body + DONE) == body


def test_a_part_that_is_no_object_is_left_out() -> None:
    assert deltas({"content": [7, {"type": "text", "text": "so"}]}) == [{"content": "so"}]
