"""Efforts and budgets by model, and the table of models."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from providers.anthropic.profile import UNKNOWN, model_profile
from providers.chat import Assistant, Reasoning, Text, ToolCall, ToolResult, User
from providers.errors import Unsupported

Ask = Callable[..., Any]


def refusal(ask: Ask, **members: Any) -> str | None:
    with pytest.raises(Unsupported) as refused:
        ask(**members)
    return refused.value.param


@pytest.mark.parametrize(
    ("effort", "max_tokens", "budget"),
    [
        ("minimal", None, 1_024),
        ("low", None, 4_096),
        ("medium", None, 12_288),
        ("high", None, 24_576),
        ("xhigh", None, 32_768),
        ("max", None, 57_344),
        ("low", 8_000, 2_000),
        ("medium", 8_000, 4_000),
        ("high", 8_000, 6_000),
        ("max", 8_000, 7_600),
        ("low", 1_025, 1_024),
        ("high", 1_200, 1_024),
    ],
)
def test_an_effort_is_a_budget_under_max_tokens(ask: Ask, effort: str, max_tokens: int | None, budget: int) -> None:
    body = ask(model="claude-haiku-4-5", reasoning_effort=effort, max_tokens=max_tokens).body
    assert body["thinking"] == {"type": "enabled", "budget_tokens": budget}
    assert budget < body["max_tokens"]
    assert "output_config" not in body


def test_an_effort_with_no_room_to_think_is_a_clear_400(ask: Ask) -> None:
    assert refusal(ask, reasoning_effort="low", max_tokens=1_024) == "reasoning_effort"


@pytest.mark.parametrize(
    ("model", "effort", "level"),
    [
        ("claude-opus-4-6", "minimal", "low"),
        ("claude-sonnet-4-6", "max", "max"),
        ("claude-opus-4-7", "xhigh", "xhigh"),
        ("claude-haiku-5-5", "medium", "medium"),
        ("some-other-model", "high", "high"),
    ],
)
def test_an_effort_is_adaptive_thinking_with_that_effort(ask: Ask, model: str, effort: str, level: str) -> None:
    body = ask(model=model, reasoning_effort=effort, max_tokens=10).body
    assert (body["thinking"], body["output_config"]) == ({"type": "adaptive"}, {"effort": level})


@pytest.mark.parametrize(("model", "effort"), [("claude-opus-4-6", "xhigh"), ("claude-3-5-haiku-latest", "low")])
def test_an_effort_that_the_model_does_not_have_is_unsupported(ask: Ask, model: str, effort: str) -> None:
    assert refusal(ask, model=model, reasoning_effort=effort) == "reasoning_effort"


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        ("claude-3-haiku-20240307", None),
        ("claude-sonnet-4-5", None),
        ("claude-opus-4-8", None),
        ("claude-sonnet-5", {"type": "disabled"}),
        ("claude-opus-5", {"type": "disabled"}),
        ("claude-haiku-5-5", {"type": "disabled"}),
        ("claude-sonnet-5-5", {"type": "between_tools"}),
    ],
)
@pytest.mark.parametrize("members", [{"reasoning_effort": "none"}, {"reasoning_budget": 0}])
def test_thinking_is_turned_off_the_models_own_way(ask: Ask, model: str, sent: Any, members: dict[str, Any]) -> None:
    assert ask(model=model, **members).body.get("thinking") == sent


@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-fable-5", "claude-mythos-5-1"])
def test_a_model_that_always_thinks_cannot_be_told_not_to(ask: Ask, model: str) -> None:
    assert refusal(ask, model=model, reasoning_effort="none") == "reasoning_effort"
    assert refusal(ask, model=model, reasoning_budget=0) == "reasoning.max_tokens"


def test_a_budget_is_sent_as_it_is(ask: Ask) -> None:
    body = ask(model="claude-opus-4-6", reasoning_budget=2_000, max_tokens=2_001).body
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2_000}


@pytest.mark.parametrize(("model", "effort_sent"), [("claude-opus-4-6", {"effort": "low"}), ("claude-opus-4-5", None)])
def test_a_budget_goes_before_an_effort_which_still_says_how_much_to_write(
    ask: Ask, model: str, effort_sent: Any
) -> None:
    asked = ask(model=model, reasoning_budget=2_000, reasoning_effort="low")
    assert asked.body["thinking"]["budget_tokens"] == 2_000
    assert asked.body.get("output_config") == effort_sent
    assert asked.dropped == (() if effort_sent else ("reasoning_effort",))


@pytest.mark.parametrize(
    ("model", "budget", "max_tokens"),
    [
        ("claude-opus-4-5", 1_023, None),
        ("claude-opus-4-5", 2_000, 2_000),
        ("claude-opus-4-5", 64_000, None),
        ("claude-opus-4-7", 2_000, None),
        ("claude-3-opus-20240229", 2_000, None),
    ],
)
def test_a_budget_that_anthropic_would_refuse_is_a_clear_400(
    ask: Ask, model: str, budget: int, max_tokens: int | None
) -> None:
    assert refusal(ask, model=model, reasoning_budget=budget, max_tokens=max_tokens) == "reasoning.max_tokens"


CALL = Assistant(tool_calls=(ToolCall("c", "f", "{}"),))
RESULT = ToolResult("c", (Text("so"),))
SIGNED = Reasoning("why", "sig", format="anthropic-claude-v1")
FOREIGN = Reasoning("why", "sig", format="openai-responses-v1")


@pytest.mark.parametrize(
    ("asked", "name"),
    [({"reasoning_effort": "low"}, "reasoning_effort"), ({"reasoning_budget": 2_000}, "reasoning.max_tokens")],
)
def test_a_turn_that_began_without_thinking_goes_on_without_it(ask: Ask, asked: dict[str, Any], name: str) -> None:
    """Anthropic refuses a budget there. It began with another model, or before the client asked for thinking."""
    for begun in (CALL, replace(CALL, reasoning=(FOREIGN,))):
        sent = ask(User((Text("Hi"),)), begun, RESULT, model="claude-haiku-4-5", **asked)
        assert "thinking" not in sent.body
        assert name in sent.dropped


@pytest.mark.parametrize("asked", [{"reasoning_effort": "low"}, {"reasoning_budget": 2_000}])
def test_a_turn_that_began_with_thinking_or_is_over_thinks(ask: Ask, asked: dict[str, Any]) -> None:
    over = (CALL, RESULT, Assistant((Text("Done."),)), User((Text("And now?"),)))
    for said in ((replace(CALL, reasoning=(SIGNED,)), RESULT), over):
        assert ask(User((Text("Hi"),)), *said, model="claude-haiku-4-5", **asked).body["thinking"]


def test_adaptive_thinking_needs_no_thinking_before(ask: Ask) -> None:
    sent = ask(User((Text("Hi"),)), CALL, RESULT, model="claude-opus-4-8", reasoning_effort="low")
    assert sent.body["thinking"] == {"type": "adaptive"}


def test_thinking_in_anthropics_own_words_holds_before_all(ask: Ask) -> None:
    native = {"type": "adaptive", "display": "summarized"}
    asked = ask(model="claude-opus-4-8", reasoning_effort="low", reasoning_budget=5_000, extra={"thinking": native})
    assert (asked.body["thinking"], asked.body["output_config"]) == (native, {"effort": "low"})
    assert asked.dropped == ("reasoning.max_tokens",)


@pytest.mark.parametrize("thought", ["hard", {"type": ["enabled"]}, {"type": {}}, [1]])
def test_thinking_in_words_that_nobody_knows_is_left_to_anthropic(ask: Ask, thought: Any) -> None:
    assert ask(extra={"thinking": thought}, top_k=3).body["thinking"] == thought


@pytest.mark.parametrize(
    ("members", "param"), [({"temperature": 0}, "temperature"), ({"top_p": 0.5}, "top_p"), ({"top_k": 5}, "top_k")]
)
def test_sampling_that_anthropic_refuses_beside_thinking_is_a_clear_400(
    ask: Ask, members: dict[str, Any], param: str
) -> None:
    assert refusal(ask, reasoning_effort="low", **members) == param


def test_sampling_that_goes_with_thinking_is_sent(ask: Ask) -> None:
    body = ask(model="claude-sonnet-4-0", reasoning_effort="low", temperature=1, top_p=0.95).body
    assert (body["temperature"], body["top_p"]) == (1, 0.95)


# -- the table ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "max_tokens"),
    [
        ("claude-2", 4_096),
        ("claude-2.1", 4_096),
        ("claude-instant-1.2", 4_096),
        ("anthropic.claude-v2:1", 4_096),
        ("claude-3-opus-20240229", 4_096),
        ("claude-3-5-sonnet-20241022", 8_192),
        ("claude-3.5-haiku", 8_192),
        ("claude-3-7-sonnet@20250219", 32_000),
        ("claude-opus-4-20250514", 32_000),
        ("claude-4-sonnet-20250514", 32_000),
        ("claude-opus-4-1-20250805", 32_000),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 64_000),
        ("anthropic/claude-haiku-4.5", 64_000),
        ("claude-mythos-preview", 64_000),
        ("claude-sonnet-4-6", 128_000),
        ("claude-opus-5", 128_000),
        ("my-gateway-model", 32_000),
        ("claude-next-1", 32_000),
        ("claude-opus-2", 32_000),
    ],
)
def test_max_tokens_default_to_the_models_own(ask: Ask, name: str, max_tokens: int) -> None:
    assert ask(model=name).body["max_tokens"] == max_tokens


@pytest.mark.parametrize(
    ("name", "same_as"),
    [
        ("claude-opus-4-20250514", "claude-opus-4-0"),
        ("claude-opus-5-20260724", "claude-opus-5"),
        ("claude-opus-5-7", "claude-opus-5-5"),
        ("claude-opus-6", "claude-opus-5-5"),
        ("claude-haiku-5", "claude-haiku-4-5"),
        ("claude-fable-5-2", "claude-fable-5-1"),
        ("claude-5-5-sonnet", "claude-sonnet-5-5"),
    ],
)
def test_a_name_without_a_row_takes_the_newest_before_it(name: str, same_as: str) -> None:
    assert model_profile(name) == model_profile(same_as) != UNKNOWN
