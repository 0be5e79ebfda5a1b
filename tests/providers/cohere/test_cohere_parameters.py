"""Parameters on the way to Cohere: renamed, refused, or dropped and named."""

from collections.abc import Callable
from typing import Any

import pytest

from providers.errors import Unsupported

Ask = Callable[..., Any]


def test_a_request_of_nothing_but_a_message(ask: Ask) -> None:
    asked = ask(base_url="http://127.0.0.1:9/x")
    assert asked.body == {
        "model": "command-a-03-2025",
        "stream": False,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }
    request = asked.request
    assert (request.method, request.url, request.streaming) == ("POST", "http://127.0.0.1:9/x/v2/chat", False)
    assert request.headers == {"content-type": "application/json"}
    assert (request.auth.header, request.auth.prefix) == ("authorization", "Bearer ")
    assert request.auth.secret.reveal() == "co-key"
    assert "co-key" not in repr(request)


def test_a_stream_is_asked_for_uncompressed_with_the_clients_headers(ask: Ask) -> None:
    request = ask(stream=True, headers={"X-Client-Name": "us"}).request
    assert request.streaming
    assert request.headers == {
        "x-client-name": "us",
        "content-type": "application/json",
        "accept": "text/event-stream",
        "accept-encoding": "identity",
    }


def test_pitfall_23_falsy_values_are_said(ask: Ask) -> None:
    asked = ask(
        temperature=0.0,
        top_k=0,
        frequency_penalty=0.0,
        presence_penalty=0.0,
        seed=0,
        stop=(),
        max_tokens=0,
        logprobs=False,
        top_logprobs=0,
        n=1,
    )
    members = {name: value for name, value in asked.body.items() if name not in {"model", "messages", "stream"}}
    assert members == {
        "temperature": 0.0,
        "k": 0,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
        "seed": 0,
        "stop_sequences": [],
        "max_tokens": 0,
        "logprobs": False,
    }
    assert asked.dropped == ()


def test_parameters_get_coheres_names(ask: Ask) -> None:
    body = ask(top_p=0.9, top_k=40, stop=("a", "b"), logprobs=True, max_tokens=7).body
    assert (body["p"], body["k"], body["stop_sequences"]) == (0.9, 40, ["a", "b"])
    assert (body["logprobs"], body["max_tokens"]) == (True, 7)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 1.01),
        ("temperature", -0.1),
        ("top_p", 0.0),
        ("top_p", 1.0),
        ("top_k", 501),
        ("frequency_penalty", -0.5),
        ("presence_penalty", 1.5),
        ("seed", -1),
        ("seed", 2**64),
        ("stop", tuple("abcdef")),
        ("n", 2),
        ("n", 0),
        ("top_logprobs", 3),
    ],
)
def test_a_value_that_cohere_does_not_take_is_refused_and_never_bent(ask: Ask, name: str, value: Any) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(**{name: value})
    assert (refused.value.status, refused.value.param, refused.value.code) == (400, name, "unsupported_parameter")


def test_the_ends_of_the_ranges_are_taken(ask: Ask) -> None:
    body = ask(temperature=1, top_p=0.01, top_k=500, presence_penalty=1.0, seed=2**64 - 1, stop=tuple("abcde")).body
    assert (body["temperature"], body["p"], body["k"], body["seed"]) == (1, 0.01, 500, 2**64 - 1)


def test_pitfall_25_knobs_without_an_equal_are_dropped_and_named(ask: Ask) -> None:
    asked = ask(
        user="u",
        metadata={"a": "b"},
        parallel_tool_calls=False,
        tool_choice="none",
        extra={
            "logit_bias": {"1": 2},
            "store": True,
            "service_tier": "auto",
            "modalities": ["text"],
            "prediction": None,
        },
    )
    assert asked.dropped == (
        "user",
        "metadata",
        "tool_choice",
        "parallel_tool_calls",
        "logit_bias",
        "store",
        "service_tier",
    )
    assert asked.body.keys() == {"model", "stream", "messages"}


def test_coheres_own_members_go_as_they_are(ask: Ask) -> None:
    own = {
        "documents": [{"id": "d", "data": {"text": "t"}}],
        "citation_options": {"mode": "OFF"},
        "safety_mode": "STRICT",
        "priority": 0,
        "strict_tools": False,
        "p": 0.5,
        "k": 1,
        "stop_sequences": ["x"],
    }
    asked = ask(extra=own)
    assert {name: asked.body[name] for name in own} == own
    assert asked.dropped == ()


def test_coheres_own_word_holds_before_openais(ask: Ask) -> None:
    asked = ask(top_p=0.3, top_k=3, stop=("a",), extra={"p": 0.5, "k": 1, "stop_sequences": []})
    assert (asked.body["p"], asked.body["k"], asked.body["stop_sequences"]) == (0.5, 1, [])
    assert asked.dropped == ("top_p", "top_k", "stop")


@pytest.mark.parametrize("name", ["audio", "web_search_options", "connectors", "preamble", "chat_history"])
def test_members_whose_loss_would_change_the_answer_are_refused(ask: Ask, name: str) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(extra={name: {}})
    assert refused.value.param == name


def test_an_answer_in_audio_is_refused(ask: Ask) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(extra={"modalities": ["text", "audio"]})
    assert refused.value.param == "modalities"
