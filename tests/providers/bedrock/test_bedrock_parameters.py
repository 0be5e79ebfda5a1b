"""Numbers, efforts and all other members."""

from collections.abc import Callable
from typing import Any

import pytest

from providers.bedrock.profile import UNKNOWN, model_profile
from providers.errors import InvalidRequest, Unsupported
from tests.providers.bedrock.model import faults

Ask = Callable[..., Any]
HAIKU, SONNET_4_5, OPUS_4_6, OPUS_4_7, OPUS_5, FABLE = (
    f"us.anthropic.claude-{name}"
    for name in (
        "3-haiku-20240307-v1:0",
        "sonnet-4-5-20250929-v1:0",
        "opus-4-6-v1",
        "opus-4-7-v1:0",
        "opus-5",
        "fable-5-1-v1:0",
    )
)
NOVA, NOVA_2 = "amazon.nova-pro-v1:0", "us.amazon.nova-2-lite-v1:0"
OSS, GPT_5_5, GPT_6 = "openai.gpt-oss-120b-1:0", "openai.gpt-5.5", "global.openai.gpt-6-sol"
ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"


def body(ask: Ask, **members: Any) -> Any:
    said = ask(**members).body
    assert faults("m.m", said) == ""
    return said


def test_pitfall_23_falsy_values_are_sent(ask: Ask) -> None:
    assert body(ask, temperature=0, top_p=0.0, stop=(), max_tokens=1)["inferenceConfig"] == {
        "maxTokens": 1,
        "temperature": 0,
        "topP": 0.0,
        "stopSequences": [],
    }
    assert body(ask, stop=("a", "\n"))["inferenceConfig"] == {"stopSequences": ["a", "\n"]}
    assert "inferenceConfig" not in body(ask)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_tokens", 0),
        ("temperature", 1.5),
        ("temperature", -0.1),
        ("temperature", float("inf")),
        ("top_p", 1.1),
        ("stop", ("",)),
        ("n", 2),
        ("logprobs", True),
        ("top_logprobs", 2),
    ],
)
def test_what_converse_has_no_place_for_is_refused_by_name(ask: Ask, name: str, value: Any) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(**{name: value})
    assert refused.value.param == name


def test_knobs_without_an_equal_are_dropped_and_named(ask: Ask) -> None:
    asked = ask(
        seed=0,
        frequency_penalty=0.1,
        presence_penalty=0.0,
        metadata={"a": "b"},
        user="u",
        n=1,
        logprobs=False,
        top_logprobs=0,
        extra={"store": True, "service_tier": "auto", "x": None, "modalities": ["text"]},
    )
    names = ("seed", "frequency_penalty", "presence_penalty", "metadata", "user", "store", "service_tier")
    assert asked.dropped == names
    assert asked.body.keys() == {"messages"}


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (HAIKU, {"top_k": 5}),
        (NOVA, {"inferenceConfig": {"topK": 5}}),
        ("cohere.command-r-v1:0", {"k": 5}),
        ("mistral.mistral-large-2402-v1:0", {"top_k": 5}),
    ],
)
def test_top_k_goes_where_the_model_has_it(ask: Ask, model: str, fields: dict[str, Any]) -> None:
    assert body(ask, model=model, top_k=5)["additionalModelRequestFields"] == fields


@pytest.mark.parametrize("model", ["meta.llama3-70b-instruct-v1:0", ARN])
def test_top_k_of_a_model_without_one_is_refused(ask: Ask, model: str) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(model=model, top_k=5)
    assert refused.value.param == "top_k"


def test_converses_own_members_are_passed_on(ask: Ask) -> None:
    own = {
        "guardrailConfig": {"guardrailIdentifier": "abc", "guardrailVersion": "1"},
        "performanceConfig": {"latency": "optimized"},
        "requestMetadata": {"team": "a"},
        "serviceTier": {"type": "flex"},
        "additionalModelResponseFieldPaths": ["/stop_sequence"],
    }
    asked = ask(extra={**own, "service_tier": "priority"})
    assert {name: value for name, value in asked.body.items() if name != "messages"} == own
    assert asked.dropped == ("service_tier",)


def test_tiers_of_the_same_name_are_the_same(ask: Ask) -> None:
    assert body(ask, extra={"service_tier": "priority"})["serviceTier"] == {"type": "priority"}


def test_the_clients_own_fields_hold_before_ours(ask: Ask) -> None:
    extra = {"additionalModelRequestFields": {"inferenceConfig": {"x": 1}, "y": 2}, "outputConfig": {"effort": "low"}}
    said = body(ask, model=NOVA, top_k=5, extra=extra)
    assert said["additionalModelRequestFields"] == {"inferenceConfig": {"topK": 5, "x": 1}, "y": 2}
    assert said["outputConfig"] == {"effort": "low"}


@pytest.mark.parametrize("name", ["additionalModelRequestFields", "outputConfig"])
def test_own_fields_that_are_no_object_are_refused(ask: Ask, name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(extra={name: [1]})
    assert refused.value.param == name


@pytest.mark.parametrize("name", ["audio", "output_format", "web_search_options", "system", "modalities"])
def test_members_whose_loss_would_change_the_answer_are_refused(ask: Ask, name: str) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(extra={name: ["audio"]})
    assert refused.value.param == name


def test_betas_are_claudes(ask: Ask) -> None:
    assert body(ask, extra={"betas": ["b"]})["additionalModelRequestFields"] == {"anthropic_beta": ["b"]}
    assert ask(extra={"betas": ["b"]}, model=NOVA).dropped == ("betas",)


# -- reasoning --------------------------------------------------------------------------------------------------------


def thought(ask: Ask, **members: Any) -> tuple[Any, Any, Any]:
    said = body(ask, **members)
    return (
        said.get("additionalModelRequestFields"),
        said.get("outputConfig", {}).get("effort"),
        said.get("inferenceConfig", {}).get("maxTokens"),
    )


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        (SONNET_4_5, "minimal", ({"thinking": {"type": "enabled", "budget_tokens": 1_024}}, None, 64_000)),
        (SONNET_4_5, "high", ({"thinking": {"type": "enabled", "budget_tokens": 24_576}}, None, 64_000)),
        (SONNET_4_5, "none", (None, None, None)),
        (HAIKU, "none", (None, None, None)),
        (OPUS_4_6, "max", ({"thinking": {"type": "adaptive"}}, "max", None)),
        (OPUS_4_7, "minimal", ({"thinking": {"type": "adaptive"}}, "low", None)),
        (OPUS_5, "none", ({"thinking": {"type": "disabled"}}, None, None)),
        (NOVA_2, "medium", ({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}}, None, None)),
        (NOVA_2, "none", ({"reasoningConfig": {"type": "disabled"}}, None, None)),
        (OSS, "high", ({"reasoning_effort": "high"}, None, None)),
        ("deepseek.v3.2", "high", ({"reasoning_effort": "high"}, None, None)),
        ("global.moonshotai.kimi-k3", "max", ({"reasoning_effort": "max"}, None, None)),
        (GPT_5_5, "none", ({"reasoning_effort": "none"}, None, None)),
        (GPT_6, "xhigh", ({"reasoning": {"effort": "xhigh"}}, None, None)),
    ],
)
def test_an_effort_goes_where_the_model_has_it(ask: Ask, model: str, effort: str, expected: Any) -> None:
    assert thought(ask, model=model, reasoning_effort=effort) == expected


def test_an_effort_is_a_share_of_the_limit(ask: Ask) -> None:
    expected = ({"thinking": {"type": "enabled", "budget_tokens": 2_000}}, None, 4_000)
    assert thought(ask, model=SONNET_4_5, reasoning_effort="medium", max_tokens=4_000) == expected


@pytest.mark.parametrize(
    "members",
    [
        {"model": HAIKU, "reasoning_effort": "low"},
        {"model": ARN, "reasoning_effort": "low"},
        {"model": "us.deepseek.r1-v1:0", "reasoning_effort": "none"},
        {"model": OPUS_4_6, "reasoning_effort": "xhigh"},
        {"model": FABLE, "reasoning_effort": "none"},
        {"model": "global.anthropic.claude-opus-5-5", "reasoning_budget": 0},
        {"model": NOVA_2, "reasoning_effort": "max"},
        {"model": OSS, "reasoning_effort": "none"},
        {"model": SONNET_4_5, "reasoning_effort": "low", "max_tokens": 1_024},
        {"model": SONNET_4_5, "reasoning_budget": 1_023},
        {"model": SONNET_4_5, "reasoning_budget": 2_000, "max_tokens": 2_000},
        {"model": OPUS_4_7, "reasoning_budget": 2_000},
        {"model": NOVA_2, "reasoning_budget": 2_000},
        {"model": NOVA, "extra": {"thinking": {"type": "enabled"}}},
    ],
)
def test_reasoning_that_the_model_does_not_do_is_refused(ask: Ask, members: dict[str, Any]) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(**members)
    assert refused.value.param in {"reasoning_effort", "reasoning.max_tokens", "thinking"}


def test_a_budget_is_sent_as_it_is(ask: Ask) -> None:
    config = {"thinking": {"type": "enabled", "budget_tokens": 2_000}}
    assert thought(ask, model=OPUS_4_6, reasoning_budget=2_000, reasoning_effort="low") == (config, "low", 128_000)
    asked = ask(model=SONNET_4_5, reasoning_budget=2_000, reasoning_effort="low", max_tokens=3_000)
    assert asked.dropped == ("reasoning_effort",)
    assert thought(ask, model=OPUS_5, reasoning_budget=0) == ({"thinking": {"type": "disabled"}}, None, None)


@pytest.mark.parametrize("model", [SONNET_4_5, ARN])
def test_thinking_in_claudes_own_words_holds_before_a_budget(ask: Ask, model: str) -> None:
    native = {"type": "enabled", "budget_tokens": 1_500}
    asked = ask(model=model, reasoning_budget=2_000, extra={"thinking": native})
    assert asked.body["additionalModelRequestFields"] == {"thinking": native}
    assert asked.dropped == ("reasoning.max_tokens",)
    assert ask(model=model, extra={"thinking": native}).dropped == ()


# -- models -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "control", "structured"),
    [
        ("anthropic.claude-v2:1", "none", False),
        ("anthropic.claude-instant-v1", "none", False),
        ("us.anthropic.claude-3-5-sonnet-20241022-v2:0", "none", False),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", "budget", False),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "budget", False),
        ("us.anthropic.claude-opus-4-1-20250805-v1:0", "budget", False),
        ("global.anthropic.claude-haiku-4-5-20251001-v1:0", "budget", True),
        ("eu.anthropic.claude-sonnet-4-6", "both", True),
        ("anthropic.claude-mythos-preview", "adaptive", True),
        ("global.anthropic.claude-haiku-5-5", "adaptive", True),
        ("anthropic.claude-next", "both", True),
        ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-4-5-20251101-v1:0", "budget", True),
        ("us.meta.llama4-scout-17b-instruct-v1:0", "none", False),
        ("mistral.mistral-large-3-675b-instruct", "none", True),
    ],
)
def test_a_model_is_known_under_all_its_names(name: str, control: str, structured: bool) -> None:
    model = model_profile(name)
    assert (model.control, model.structured) == (control, structured)


def test_a_name_that_says_nothing_is_left_to_bedrock() -> None:
    assert model_profile(ARN) is UNKNOWN
