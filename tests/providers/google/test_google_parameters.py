"""URL, headers, `generationConfig`, and members of Google's own."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from providers.chat import NativeFormat
from providers.errors import InvalidRequest, Unsupported

Ask = Callable[..., Any]


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("tunedModels/my-model-1", "tunedModels/my-model-1"),
    ],
)
def test_the_model_is_named_in_the_path_and_the_key_in_a_header(ask: Ask, model: str, path: str) -> None:
    asked = ask(model=model, headers={"X-Goog-User-Project": "p"}, base_url="http://127.0.0.1:1")
    assert asked.request.url == f"http://127.0.0.1:1/v1beta/{path}:generateContent"
    assert asked.request.headers == {"x-goog-user-project": "p", "content-type": "application/json"}
    assert (asked.request.auth.header, asked.request.auth.prefix) == ("x-goog-api-key", "")
    assert "AIzaSy" not in asked.request.url + repr(asked.request)


def test_a_stream_is_asked_for_by_url_as_events(ask: Ask) -> None:
    request = ask(stream=True).request
    assert request.url.endswith("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse")
    assert request.streaming
    assert request.headers["accept"] == "text/event-stream"
    assert request.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "model",
    ["", "a/b", "..", "a..b", ".a", "a.", "models/", "models/a/b", "models/../x", "a:b", "a?b", "a#b", "a%2fb", "a@b",
     "a b", "a\n", "a\x00", "a\\b", "é", "//evil.example/a", "tunedModels/..", "publishers/google/models/a"],
)  # fmt: skip
def test_no_model_name_reaches_another_path_or_host(ask: Ask, model: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(model=model)
    assert refused.value.param == "model"


def test_pitfall_23_every_knob_is_sent_zero_and_empty_ones_too(ask: Ask) -> None:
    asked = ask(
        temperature=0, top_p=0.0, top_k=0, seed=0, stop=(), n=0, presence_penalty=0, frequency_penalty=-1.5,
        max_tokens=0, logprobs=True, top_logprobs=0, response_format="json_object",
    )  # fmt: skip
    assert asked.body["generationConfig"] == {
        "temperature": 0, "topP": 0.0, "topK": 0, "seed": 0, "stopSequences": [], "candidateCount": 0,
        "presencePenalty": 0, "frequencyPenalty": -1.5, "maxOutputTokens": 0, "responseLogprobs": True, "logprobs": 0,
        "responseMimeType": "application/json",
    }  # fmt: skip
    assert asked.dropped == ()


def test_what_nobody_asked_for_is_not_sent(ask: Ask) -> None:
    assert ask().body == {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


def test_text_is_a_format_too_and_others_are_refused(ask: Ask) -> None:
    assert ask(response_format="text").body["generationConfig"] == {"responseMimeType": "text/plain"}
    with pytest.raises(Unsupported):
        ask(response_format=NativeFormat("grammar"))


def test_members_of_googles_own_pass_in_either_spelling(ask: Ask) -> None:
    settings = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    asked = ask(
        temperature=1,
        extra={
            "safety_settings": settings,
            "cachedContent": "cachedContents/1",
            "service_tier": "flex",
            "speech_config": {"a": 1},
            "thinking_config": {"thinkingBudget": 7},
            "generation_config": {"temperature": 0.5, "top_p": 0.1, "thinkingConfig": {"thinkingBudget": 8}},
            "media_resolution": None,
        },
    )
    assert asked.dropped == ()
    assert asked.body["generationConfig"] == {
        "temperature": 0.5,
        "topP": 0.1,
        "speechConfig": {"a": 1},
        "thinkingConfig": {"thinkingBudget": 8},
    }
    del asked.body["generationConfig"], asked.body["contents"]
    assert asked.body == {"safetySettings": settings, "cachedContent": "cachedContents/1", "serviceTier": "flex"}


def test_pitfall_25_knobs_without_an_equal_are_dropped_and_named(ask: Ask) -> None:
    extra = {"logit_bias": {}, "store": True, "service_tier": "auto", "verbosity": "low", "modalities": ["text"]}
    asked = ask(extra=extra, user="u", metadata={"a": "b"}, top_logprobs=3, logprobs=False)
    assert asked.dropped == ("logit_bias", "store", "service_tier", "verbosity", "user", "metadata", "top_logprobs")
    assert asked.body["generationConfig"] == {"responseModalities": ["TEXT"]}


@pytest.mark.parametrize(
    ("extra", "param"),
    [
        ({"generation_config": 1}, "generation_config"),
        ({"toolConfig": []}, "toolConfig"),
        ({"thinking_config": 1}, "thinking_config"),
        ({"modalities": "text"}, "modalities"),
        ({"modalities": ["smell"]}, "modalities"),
        ({"audio": {}}, "audio"),
        ({"contents": []}, "contents"),
        ({"system_instruction": "x"}, "system_instruction"),
        ({"web_search_options": {}}, "web_search_options"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(ask: Ask, extra: Any, param: str) -> None:
    with pytest.raises((InvalidRequest, Unsupported)) as refused:
        ask(extra=extra)
    assert refused.value.param == param


def test_the_messages_come_last(ask: Ask) -> None:
    request = ask(temperature=1, extra={"safety_settings": []}).request
    assert [*json.loads(request.body)] == ["safetySettings", "generationConfig", "contents"]
