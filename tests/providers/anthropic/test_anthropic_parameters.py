"""Parameters of a request to Anthropic: sent, refused by name, or dropped and named."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from providers.anthropic import PROVIDER
from providers.errors import InvalidRequest, Unsupported

if TYPE_CHECKING:
    from providers.base import Provider

Ask = Callable[..., Any]
FREE = "claude-sonnet-4-0"
ONE = "claude-sonnet-4-5"
NO_SAMPLING = "claude-opus-5"


def refusal(ask: Ask, *, model: str = FREE, **members: Any) -> str | None:
    with pytest.raises(Unsupported) as refused:
        ask(model=model, **members)
    assert refused.value.status == 400
    return refused.value.param


def test_the_provider_keeps_its_contract() -> None:
    provider: Provider = PROVIDER
    assert (provider.name, provider.wire, provider.base_url) == (
        "anthropic",
        "anthropic-messages",
        "https://api.anthropic.com",
    )


# -- the envelope ---------------------------------------------------------------------------------------------------


def test_a_plain_request_says_no_more_than_it_must(ask: Ask) -> None:
    asked = ask(model="claude-haiku-4-5", max_tokens=5)
    assert asked.body == {
        "model": "claude-haiku-4-5",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }
    assert asked.dropped == ()
    assert (asked.request.method, asked.request.url) == ("POST", "https://api.anthropic.com/v1/messages")
    assert asked.request.headers == {"anthropic-version": "2023-06-01", "content-type": "application/json"}
    assert not asked.request.streaming


def test_pitfall_20_a_stream_is_asked_for_uncompressed(ask: Ask) -> None:
    asked = ask(stream=True, include_usage=True)
    assert asked.body["stream"] is True
    assert asked.request.streaming
    assert asked.request.headers["accept-encoding"] == "identity"
    assert asked.request.headers["accept"] == "text/event-stream"


def test_another_base_url_is_honoured(ask: Ask) -> None:
    assert ask(base_url="http://127.0.0.1:9/a").request.url == "http://127.0.0.1:9/a/v1/messages"


def test_a_key_goes_under_x_api_key_and_into_no_header(ask: Ask) -> None:
    request = ask(key="sk-ant-api03-k").request
    assert (request.auth.header, request.auth.prefix, request.auth.secret.reveal()) == (
        "x-api-key",
        "",
        "sk-ant-api03-k",
    )
    assert "sk-ant" not in repr(request)


def test_an_oauth_token_is_a_bearer_with_the_beta_that_it_needs(ask: Ask) -> None:
    request = ask(key="sk-ant-oat01-t", headers={"anthropic-beta": "a-2025-01-01"}).request
    assert (request.auth.header, request.auth.prefix) == ("authorization", "Bearer ")
    assert request.headers["anthropic-beta"] == "a-2025-01-01,oauth-2025-04-20"


def test_pitfall_33_the_clients_betas_and_version_reach_anthropic(ask: Ask) -> None:
    headers = {"Anthropic-Beta": "a, b", "anthropic-version": "2024-01-01"}
    request = ask(headers=headers, extra={"betas": ["b", "c-2025-08-07"]}).request
    assert request.headers["anthropic-beta"] == "a,b,c-2025-08-07"
    assert request.headers["anthropic-version"] == "2024-01-01"
    assert "betas" not in request.body.decode()


@pytest.mark.parametrize("betas", ["a", [1], ["a\r\nx: y"], ["a,b"], {}])
def test_betas_that_are_no_list_of_names_are_a_clear_400(ask: Ask, betas: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(extra={"betas": betas})
    assert refused.value.param == "betas"


# -- tokens, sampling, stops ----------------------------------------------------------------------------------------


def test_pitfall_23_falsy_values_are_sent(ask: Ask) -> None:
    body = ask(model=FREE, temperature=0, top_p=0.0, top_k=0, stop=()).body
    assert (body["temperature"], body["top_p"], body["top_k"], body["stop_sequences"]) == (0, 0, 0, [])


def test_pitfall_23_stop_becomes_stop_sequences(ask: Ask) -> None:
    assert ask(stop=("END", "\n\nHuman:")).body["stop_sequences"] == ["END", "\n\nHuman:"]


@pytest.mark.parametrize("stop", [("",), ("END", " \n")])
def test_a_stop_sequence_of_white_space_is_a_clear_400(ask: Ask, stop: tuple[str, ...]) -> None:
    assert refusal(ask, stop=stop) == "stop"


@pytest.mark.parametrize("temperature", [1.01, 2, -0.1])
def test_a_temperature_out_of_range_is_refused_and_not_clamped(ask: Ask, temperature: float) -> None:
    assert refusal(ask, temperature=temperature) == "temperature"


def test_temperature_and_top_p_together_are_refused_where_the_model_takes_one(ask: Ask) -> None:
    assert refusal(ask, model=ONE, temperature=0, top_p=0.9) == "top_p"


@pytest.mark.parametrize(
    ("given", "sent", "dropped"),
    [
        ({"temperature": 0, "top_p": 1}, {"temperature": 0}, ("top_p",)),
        ({"temperature": 1, "top_p": 0.5}, {"top_p": 0.5}, ("temperature",)),
        ({"temperature": 1, "top_p": 1}, {"temperature": 1}, ("top_p",)),
        ({"top_p": 0.5, "top_k": 3}, {"top_p": 0.5, "top_k": 3}, ()),
    ],
)
def test_of_two_samplings_the_one_that_says_nothing_gives_way(
    ask: Ask, given: dict[str, Any], sent: dict[str, Any], dropped: tuple[str, ...]
) -> None:
    asked = ask(model=ONE, **given)
    assert {name: asked.body[name] for name in ("temperature", "top_p", "top_k") if name in asked.body} == sent
    assert asked.dropped == dropped


@pytest.mark.parametrize(
    ("given", "param"), [({"temperature": 0}, "temperature"), ({"top_p": 0.9}, "top_p"), ({"top_k": 1}, "top_k")]
)
def test_models_without_sampling_refuse_it(ask: Ask, given: dict[str, Any], param: str) -> None:
    assert refusal(ask, model=NO_SAMPLING, **given) == param


def test_models_without_sampling_leave_the_default_values_out_and_name_them(ask: Ask) -> None:
    asked = ask(model=NO_SAMPLING, temperature=1.0, top_p=1)
    assert asked.body.keys() == {"model", "max_tokens", "messages"}
    assert asked.dropped == ("temperature", "top_p")


# -- what there is no equal of --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"n": 2}, "n"),
        ({"n": 0}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"extra": {"modalities": ["text", "audio"]}}, "modalities"),
        ({"extra": {"audio": {"voice": "alloy"}}}, "audio"),
        ({"extra": {"web_search_options": {}}}, "web_search_options"),
        ({"extra": {"output_format": {}}}, "output_format"),
        ({"extra": {"system": "be kind"}}, "system"),
    ],
)
def test_what_would_change_the_answer_is_refused_by_name(ask: Ask, members: dict[str, Any], param: str) -> None:
    assert refusal(ask, **members) == param


@pytest.mark.parametrize(
    "members",
    [{"n": 1}, {"logprobs": False}, {"top_logprobs": 0}, {"extra": {"modalities": ["text"]}}, {"extra": {"x": None}}],
)
def test_what_asks_for_nothing_is_no_matter(ask: Ask, members: dict[str, Any]) -> None:
    assert ask(**members).dropped == ()


def test_pitfall_25_harmless_knobs_are_dropped_and_named(ask: Ask) -> None:
    extra = {
        "logit_bias": {"1": 2},
        "store": True,
        "prediction": {"type": "content", "content": "x"},
        "verbosity": "low",
        "prompt_cache_key": "k",
        "safety_identifier": "s",
        "service_tier": "flex",
        "invented_yesterday": 1,
    }
    asked = ask(seed=0, frequency_penalty=0.0, presence_penalty=1, metadata={"a": "b"}, extra=extra)
    assert asked.body.keys() == {"model", "max_tokens", "messages"}
    assert set(asked.dropped) == {"seed", "frequency_penalty", "presence_penalty", "metadata", *extra}


def test_anthropics_own_members_are_passed_on(ask: Ask) -> None:
    extra = {
        "mcp_servers": [{"type": "url", "url": "https://x", "name": "x"}],
        "container": "c1",
        "context_management": {"edits": []},
        "service_tier": "standard_only",
        "cache_control": {"type": "ephemeral"},
        "stop_sequences": ["END"],
    }
    asked = ask(extra=extra)
    assert {name: asked.body[name] for name in extra} == extra
    assert asked.dropped == ()


@pytest.mark.parametrize(
    ("members", "user_id", "dropped"),
    [
        ({"user": "u1"}, "u1", ()),
        ({"metadata": {"user_id": "u2"}}, "u2", ()),
        ({"user": "u2", "metadata": {"user_id": "u2"}}, "u2", ()),
        ({"user": "u1", "metadata": {"user_id": "u2", "team": "t"}}, "u2", ("metadata", "user")),
    ],
)
def test_the_user_is_anthropics_metadata(
    ask: Ask, members: dict[str, Any], user_id: str, dropped: tuple[str, ...]
) -> None:
    asked = ask(**members)
    assert (asked.body["metadata"], asked.dropped) == ({"user_id": user_id}, dropped)
