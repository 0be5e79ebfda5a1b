"""Whole answers."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from providers.completion import ReasoningPart, TextPart, ToolCallPart
from providers.errors import UpstreamAuth, UpstreamDown, UpstreamProtocolError, UpstreamThrottled
from providers.events import Citation, Finished
from providers.google import PROVIDER

Answered = Callable[..., Any]
Json = dict[str, Any]


def test_pitfall_02_all_calls_of_an_answer_are_kept_and_end_it_as_tool_calls(answered: Answered) -> None:
    parts = [{"functionCall": {"name": "f", "args": {"a": 1}, "id": "1"}}, {"functionCall": {"name": "g"}}]
    (choice,) = answered({"text": "so"}, *parts).choices
    text, first, second = choice.parts
    assert (text, first) == (TextPart("so"), ToolCallPart("1", "f", '{"a":1}'))
    assert (second.name, second.arguments) == ("g", "{}")
    assert choice.finish == Finished("tool_calls")


def test_pitfall_11_an_id_that_the_model_did_not_give_is_made_once_and_is_its_own(answered: Answered) -> None:
    parts = [{"functionCall": {"name": "f"}}] * 2
    first, again = answered(*parts), answered(*parts)
    assert first == again
    ids = [part.id for part in first.choices[0].parts]
    assert len({*ids}) == 2
    assert all(call_id.startswith("call_") for call_id in ids)
    other = {"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}], "responseId": "r2"}
    later = PROVIDER.response(json.dumps(other).encode()).choices[0].parts
    assert not {*ids} & {part.id for part in later if isinstance(part, ToolCallPart)}


def test_thoughts_and_text_that_neighbour_are_one_part_each(answered: Answered) -> None:
    thought = {"thought": True}
    (choice,) = answered(
        {"text": "a", **thought}, {"text": "b", **thought}, {"text": "c"}, {"text": "d"}, thought, {}
    ).choices
    assert choice.parts == (ReasoningPart("ab", format="google-gemini-v1"), TextPart("cd"))


@pytest.mark.parametrize(
    ("native", "reason", "said"),
    [
        ("STOP", "stop", None),
        ("MAX_TOKENS", "length", None),
        *(
            (name, "content_filter", name)
            for name in (
                "SAFETY",
                "RECITATION",
                "LANGUAGE",
                "BLOCKLIST",
                "PROHIBITED_CONTENT",
                "SPII",
                "IMAGE_SAFETY",
                "MODEL_ARMOR",
            )
        ),
        *(
            (name, "length", name)
            for name in (
                "MALFORMED_FUNCTION_CALL",
                "UNEXPECTED_TOOL_CALL",
                "MISSING_THOUGHT_SIGNATURE",
                "OTHER",
                "NO_IMAGE",
                "TOO_MANY_TOOL_CALLS",
            )
        ),
        ("TOMORROW", "stop", "TOMORROW"),
    ],
)
def test_pitfall_08_each_finish_reason_has_its_word(
    answered: Answered, native: str, reason: Any, said: str | None
) -> None:
    (choice,) = answered({"text": "a"}, finishReason=native).choices
    assert choice.finish == Finished(reason, said, known=native != "TOMORROW")


def test_a_call_that_was_broken_off_is_no_tool_call(answered: Answered) -> None:
    (choice,) = answered({"functionCall": {"name": "f"}}, finishReason="MAX_TOKENS").choices
    assert choice.finish.reason == "length"


def test_a_refused_prompt_is_filtered_content() -> None:
    body = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 3}}
    done = PROVIDER.response(json.dumps(body).encode())
    (choice,) = done.choices
    assert choice.finish == Finished("content_filter", "PROHIBITED_CONTENT")
    assert choice.parts == ()
    assert done.fields == {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
    assert done.usage is not None
    assert done.usage.input == 3


def test_pitfall_09_parts_without_a_word_are_kept_in_order(answered: Answered) -> None:
    kept = [
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"inlineData": {"mimeType": "image/png", "data": "AA"}, "thoughtSignature": "s"},
        {"tomorrow": {}},
    ]
    (choice,) = answered(kept[0], kept[1], {"text": "a"}, kept[2], {"text": "b"}, kept[3]).choices
    assert choice.message_fields == {"google_parts": kept}
    assert choice.parts == (TextPart("a"), TextPart("b"))


def test_pitfall_09_text_with_something_new_beside_it_is_still_text(answered: Answered) -> None:
    (choice,) = answered({"text": "a"}, {"text": "b", "tomorrow": {"c": 1}}).choices
    assert choice.parts == (TextPart("ab"),)
    assert choice.message_fields == {"google_parts": [{"tomorrow": {"c": 1}}]}


def test_several_candidates_are_several_choices(answered: Answered) -> None:
    def candidate(text: str, **members: Any) -> Json:
        return {"content": {"parts": [{"text": text}]}, "finishReason": "STOP", **members}

    done = answered(candidates=[candidate("a"), candidate("c", index=2), candidate("b", index=1, avgLogprobs=-1.5)])
    assert [(choice.index, choice.parts[0].text) for choice in done.choices] == [(0, "a"), (1, "b"), (2, "c")]
    assert done.choices[1].fields == {"avgLogprobs": -1.5}


def test_log_probabilities_have_openais_form(answered: Answered) -> None:
    chosen = [{"token": "é", "logProbability": -0.5, "tokenId": 7}, {"token": "b"}]
    top = [{"candidates": [chosen[0], {"token": "a", "logProbability": -2}]}, {}, {"candidates": []}]
    (choice,) = answered({"text": "éb"}, logprobsResult={"chosenCandidates": chosen, "topCandidates": top}).choices
    first = {"token": "é", "logprob": -0.5, "bytes": [195, 169]}
    assert choice.fields["logprobs"] == {
        "content": [
            {**first, "top_logprobs": [first, {"token": "a", "logprob": -2, "bytes": [97]}]},
            {"token": "b", "logprob": 0.0, "bytes": [98], "top_logprobs": []},
        ]
    }


WEB = {"web": {"uri": "https://a", "title": "A", "domain": "a"}}
FILE = {"retrievedContext": {"text": "t", "title": "F"}}


def grounded(*segments: tuple[Json, Any], chunks: list[Json] | None = None) -> Json:
    supports = [{"segment": segment, "groundingChunkIndices": numbers} for segment, numbers in segments]
    return {"groundingMetadata": {"groundingChunks": chunks or [WEB], "groundingSupports": supports}}


def test_grounding_becomes_citations_counted_in_characters_and_is_kept(answered: Answered) -> None:
    segment = {"startIndex": 5, "endIndex": 10, "text": "über"}
    around = grounded((segment, [0, 1, 7, "x"]), chunks=[WEB, FILE, {"tomorrow": {}}])
    (choice,) = answered({"text": "👍 "}, {"text": "über x"}, **around).choices
    assert choice.citations == (
        Citation("https://a", "A", "über", 2, 6, {"domain": "a"}),
        Citation(None, "F", "über", 2, 6, {"text": "t"}),
        Citation(),
    )
    assert choice.fields == around


@pytest.mark.parametrize(
    ("segment", "place"),
    [
        ({"endIndex": 2, "text": "ab"}, (0, 2)),
        ({"startIndex": 1, "endIndex": 2, "text": "ab", "partIndex": 1}, (0, 2)),
        ({"endIndex": 99, "text": "cd"}, (3, 5)),
        ({"endIndex": 2}, (0, 2)),
        ({"text": "zz"}, (None, None)),
        ({"startIndex": 3, "endIndex": 1}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_a_segment_is_placed_where_its_quote_stands(answered: Answered, segment: Json, place: Any) -> None:
    (choice,) = answered({"text": "ab cd"}, **grounded((segment, [0]))).choices
    (citation,) = choice.citations
    assert (citation.start, citation.end) == place


def test_a_source_of_no_segment_stands_for_the_whole(answered: Answered) -> None:
    (choice,) = answered({"text": "a"}, **grounded(({}, None))).choices
    assert choice.citations == (Citation("https://a", "A", extra={"domain": "a"}),)


@pytest.mark.parametrize("name", ["citationSources", "citations"])
def test_recited_sources_become_citations(answered: Answered, name: str) -> None:
    source = {"startIndex": 1, "endIndex": 3, "uri": "https://a", "license": "mit"}
    (choice,) = answered({"text": "abcd"}, citationMetadata={name: [source, {"uri": "https://b"}]}).choices
    assert choice.citations == (
        Citation("https://a", None, "bc", 1, 3, {"license": "mit"}),
        Citation("https://b"),
    )


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b"<html>", b'{"candidates":[]}', b'{"candidates":[{"content":{}}]}',
        b'{"candidates":[{"index":-1,"finishReason":"STOP"}]}', b'{"candidates":[{"index":128,"finishReason":"STOP"}]}',
    ],
)  # fmt: skip
def test_a_body_that_is_no_ended_answer_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError) as raised:
        PROVIDER.response(body)
    assert raised.value.provider == "google"


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        ({"code": 429, "status": "RESOURCE_EXHAUSTED"}, UpstreamThrottled, 429),
        ({"status": "UNAUTHENTICATED"}, UpstreamAuth, 401),
        ({"code": 13}, UpstreamDown, 502),
    ],
)
def test_an_error_in_spite_of_its_status_is_that_error(error: Json, kind: Any, status: int) -> None:
    with pytest.raises(kind) as raised:
        PROVIDER.response(json.dumps({"error": error}).encode())
    assert raised.value.status == status
