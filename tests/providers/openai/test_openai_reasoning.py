from __future__ import annotations

from typing import Any

import pytest

from providers.completion import ReasoningPart, TextPart
from tests.providers.openai.chunks import chunk, streamed, whole


def thought(text: str | None = None, **members: Any) -> dict[str, Any]:
    return {"reasoning_details": [{"type": "reasoning.text", "text": text, "index": 0, **members}]}


@pytest.mark.parametrize(("name", "member"), [("reasoning_content", ""), ("reasoning", "reasoning")])
def test_plain_thought_comes_under_either_name_and_keeps_it(name: str, member: str) -> None:
    done = streamed(chunk({name: "I "}), chunk({name: "think"}), chunk({"content": "so", name: None}))
    expected = (ReasoningPart("I think", member=member), TextPart("so"))
    assert done.choices[0].parts == expected
    assert whole({name: "I think", "content": "so"}).choices[0].parts == expected


def test_the_same_thought_in_two_places_counts_once() -> None:
    both = {"reasoning": "why", "reasoning_content": "why", **thought("why", format="x")}
    part = ReasoningPart("why", format="x", member="reasoning")
    assert whole(both).choices[0].parts == (part,)
    assert streamed(chunk(both)).choices[0].parts == (part,)
    plain = {"reasoning": "why", "reasoning_content": "why"}
    assert whole(plain).choices[0].parts == (ReasoningPart("why", member="reasoning"),)
    assert whole({**plain, "reasoning": "because"}).choices[0].parts == (ReasoningPart("why"),)


def test_a_block_that_repeats_the_plain_text_before_it_signs_it() -> None:
    """LiteLLM and this proxy stream the text plain and send the signed block when it is complete."""
    done = streamed(
        chunk({"reasoning_content": "I "}),
        chunk({"reasoning_content": "think"}),
        chunk(thought("I think", signature="sig", format="f")),
        chunk({"reasoning_content": "more"}),
        chunk({"content": "so"}),
    )
    assert done.choices[0].parts == (ReasoningPart("I think", "sig", "", "f"), ReasoningPart("more"), TextPart("so"))
    unsigned = streamed(chunk({"reasoning_content": "why"}), chunk(thought("why", format="f")))
    assert unsigned.choices[0].parts == (ReasoningPart("why", format="f"),)


def test_plain_text_beyond_that_of_the_blocks_is_not_lost() -> None:
    blocks = [
        *thought("two", signature="s2")["reasoning_details"],
        *thought("four", signature="s4")["reasoning_details"],
    ]
    done = whole({"reasoning_content": "onetwothreefour", "reasoning_details": blocks})
    expected = (ReasoningPart("onethree"), ReasoningPart("two", "s2"), ReasoningPart("four", "s4"))
    assert done.choices[0].parts == expected
    other = whole({"reasoning_content": "in other words", "reasoning_details": blocks})
    assert other.choices[0].parts == expected[1:]


def test_text_beside_an_encrypted_block_is_not_lost() -> None:
    hidden = {"type": "reasoning.encrypted", "data": "enc", "format": "openai-responses-v1", "id": "rs", "index": 0}
    done = whole({"reasoning": "in short", "reasoning_details": [hidden]})
    assert done.choices[0].parts == (
        ReasoningPart("in short", member="reasoning"),
        ReasoningPart(data="enc", format="openai-responses-v1", id="rs", member="reasoning"),
    )


def test_a_streamed_block_is_one_part_with_its_late_signature_pitfall_07() -> None:
    done = streamed(
        chunk(thought("I ", format="anthropic-claude-v1", id="t")),
        chunk(thought("think", format="anthropic-claude-v1")),
        chunk(thought("", signature="sig")),
        chunk({"content": "so"}),
    )
    assert done.choices[0].parts == (ReasoningPart("I think", "sig", "", "anthropic-claude-v1", "t"), TextPart("so"))


def test_a_signature_after_the_text_still_finds_its_block() -> None:
    done = streamed(chunk(thought("why")), chunk({"content": "so"}), chunk(thought(None, signature="sig")))
    assert done.choices[0].parts == (ReasoningPart("why", "sig"), TextPart("so"))


def test_a_signature_ends_a_block_although_the_number_stays() -> None:
    done = streamed(chunk(thought("one", signature="s1")), chunk(thought("two")), chunk(thought(None, signature="s2")))
    assert done.choices[0].parts == (ReasoningPart("one", "s1"), ReasoningPart("two", "s2"))


def test_a_block_of_nothing_but_a_signature_is_a_block_pitfall_07() -> None:
    assert streamed(chunk(thought(None, signature="sig"))).choices[0].parts == (ReasoningPart(signature="sig"),)
    assert whole(thought("", signature="sig")).choices[0].parts == (ReasoningPart(signature="sig"),)
    twice = streamed(chunk(thought(None, signature="s1")), chunk(thought(None, signature="s2")))
    assert twice.choices[0].parts == (ReasoningPart(signature="s1"), ReasoningPart(signature="s2"))


def test_thoughts_around_other_content_are_parts_of_their_own() -> None:
    done = streamed(chunk(thought("one")), chunk({"content": "so"}), chunk(thought("two")))
    assert done.choices[0].parts == (ReasoningPart("one"), TextPart("so"), ReasoningPart("two"))


def test_another_number_is_another_block() -> None:
    done = streamed(chunk(thought("one")), chunk(thought("two", index=1)))
    assert done.choices[0].parts == (ReasoningPart("one"), ReasoningPart("two"))


def test_encrypted_blocks_come_whole_and_are_never_joined_pitfall_07() -> None:
    hidden = {"type": "reasoning.encrypted", "index": 0}
    blocks = [{**hidden, "data": "A"}, {**hidden, "data": "B"}]
    expected = (ReasoningPart(data="A"), ReasoningPart(data="B"))
    assert streamed(*(chunk({"reasoning_details": [block]}) for block in blocks)).choices[0].parts == expected
    assert whole({"reasoning_details": blocks}).choices[0].parts == expected


def test_every_block_of_a_whole_answer_is_a_part_of_its_own() -> None:
    one = thought("one")["reasoning_details"]
    assert whole({"reasoning_details": [*one, *one]}).choices[0].parts == (ReasoningPart("one"), ReasoningPart("one"))


def test_a_summary_is_a_thought() -> None:
    summary = {"type": "reasoning.summary", "summary": "in short", "format": "openai-responses-v1", "id": None}
    done = whole({"reasoning_details": [summary], "reasoning": "in short"})
    assert done.choices[0].parts == (ReasoningPart("in short", format="openai-responses-v1", member="reasoning"),)


def test_an_empty_detail_is_nothing_and_an_unknown_one_is_kept_pitfall_09() -> None:
    unknown = {"type": "reasoning.server_tool_call", "x": 1}
    done = whole({"content": "so", "reasoning_details": [*thought("")["reasoning_details"], unknown, {"no": "type"}]})
    assert done.choices[0].parts == (TextPart("so"),)
    assert done.choices[0].message_fields == {"reasoning_details": [unknown, {"no": "type"}]}


def test_thought_in_content_parts_is_thought() -> None:
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "I "}, {"type": "text", "text": "think"}]},
        {"type": "text", "text": "so"},
    ]
    expected = (ReasoningPart("I think"), TextPart("so"))
    assert whole({"content": content}).choices[0].parts == expected
    assert streamed(*(chunk({"content": [part]}) for part in content)).choices[0].parts == expected
    assert whole({"content": [{"type": "thinking", "thinking": "I think"}]}).choices[0].parts == expected[:1]
    assert whole({"content": [{"type": "thinking"}]}).choices[0].parts == ()
