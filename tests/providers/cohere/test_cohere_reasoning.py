"""Efforts and budgets to `thinking`, and reasoning out and back in."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from providers.base import Stamp
from providers.chat import Assistant, Reasoning, Text, ToolCall, User
from providers.cohere import PROVIDER
from providers.dialects.openai import OpenAIChat
from providers.errors import Unsupported

Ask = Callable[..., Any]

THINKS = "command-a-reasoning-08-2025"
PLAIN = "command-a-03-2025"
CALL = ToolCall("1", "f", "{}")


@pytest.mark.parametrize(
    ("model", "thinks"),
    [
        ("command", False),
        ("command-light-nightly", False),
        ("command-r", False),
        ("command-r-plus-08-2024", False),
        ("command-r7b-12-2024", False),
        ("command-r7b-arabic-02-2025", False),
        ("command-a", False),
        ("Command-A-03-2025", False),
        ("command-a-vision-07-2025", False),
        ("command-a-translate-08-2025", False),
        ("c4ai-aya-expanse-32b", False),
        ("command-a-reasoning-08-2025", True),
        ("command-a-plus-05-2026", True),
        ("command-reasoner", True),
        ("my-own-model", True),
    ],
)
def test_an_effort_is_refused_by_the_models_that_do_not_think(ask: Ask, model: str, thinks: bool) -> None:
    if thinks:
        assert ask(model=model, reasoning_effort="high").body["thinking"] == {"type": "enabled"}
        return
    with pytest.raises(Unsupported) as refused:
        ask(model=model, reasoning_effort="high")
    assert refused.value.param == "reasoning_effort"
    with pytest.raises(Unsupported) as refused:
        ask(model=model, reasoning_budget=500)
    assert refused.value.param == "reasoning.max_tokens"


@pytest.mark.parametrize(
    ("effort", "max_tokens", "thinking"),
    [
        ("none", None, {"type": "disabled"}),
        ("minimal", None, {"type": "enabled", "token_budget": 1_024}),
        ("low", None, {"type": "enabled", "token_budget": 4_096}),
        ("medium", None, {"type": "enabled", "token_budget": 12_288}),
        ("medium", 8_000, {"type": "enabled", "token_budget": 4_000}),
        ("low", 3, {"type": "enabled", "token_budget": 1}),
        ("high", 100, {"type": "enabled"}),
        ("xhigh", None, {"type": "enabled"}),
        ("max", None, {"type": "enabled"}),
    ],
)
def test_efforts_of_a_model_that_thinks(ask: Ask, effort: str, max_tokens: int | None, thinking: Any) -> None:
    asked = ask(model=THINKS, reasoning_effort=effort, max_tokens=max_tokens)
    assert asked.body["thinking"] == thinking
    assert asked.dropped == ()


@pytest.mark.parametrize(
    ("budget", "thinking"),
    [(500, {"type": "enabled", "token_budget": 500}), (0, {"type": "disabled"}), (-1, {"type": "disabled"})],
)
def test_a_budget_holds_before_an_effort(ask: Ask, budget: int, thinking: Any) -> None:
    asked = ask(model=THINKS, reasoning_budget=budget, reasoning_effort="low")
    assert asked.body["thinking"] == thinking
    assert asked.dropped == ("reasoning_effort",)


def test_coheres_own_words_hold_before_both(ask: Ask) -> None:
    native = {"type": "enabled", "token_budget": 9}
    asked = ask(model=PLAIN, reasoning_budget=5, reasoning_effort="low", extra={"thinking": native})
    assert asked.body["thinking"] == native
    assert asked.dropped == ("reasoning.max_tokens", "reasoning_effort")


@pytest.mark.parametrize("members", [{}, {"reasoning_effort": "none"}, {"reasoning_budget": 0}])
def test_a_model_that_does_not_think_needs_no_turning_off(ask: Ask, members: Any) -> None:
    assert "thinking" not in ask(model=PLAIN, **members).body


def turn(asked: Any) -> Any:
    return {name: value for name, value in asked.body["messages"][0].items() if name not in {"role", "tool_calls"}}


def test_pitfall_6_thinking_comes_before_the_text(ask: Ask) -> None:
    thoughts = (Reasoning("plan", format="cohere-tool-plan-v2"), Reasoning("hm", format="cohere-thinking-v2"))
    asked = ask(Assistant((Text("so"),), thoughts, (CALL,)), model=PLAIN)
    assert turn(asked) == {
        "tool_plan": "plan",
        "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "so"}],
    }
    assert asked.dropped == ()


@pytest.mark.parametrize(
    ("model", "calls", "expected"),
    [
        (THINKS, (CALL,), {"content": [{"type": "thinking", "thinking": "hm"}]}),
        (THINKS, (), {"content": [{"type": "thinking", "thinking": "hm"}]}),
        (PLAIN, (CALL,), {"tool_plan": "hm"}),
    ],
)
def test_reasoning_of_a_client_that_keeps_only_its_text(ask: Ask, model: str, calls: Any, expected: Any) -> None:
    asked = ask(Assistant((), (Reasoning("hm"),), calls), model=model)
    assert turn(asked) == expected
    assert asked.dropped == ()


@pytest.mark.parametrize(
    ("model", "reasoning"),
    [
        (PLAIN, Reasoning("hm")),
        (THINKS, Reasoning("hm", signature="s")),
        (THINKS, Reasoning(data="d")),
        (THINKS, Reasoning("hm", format="anthropic-claude-v1")),
        (PLAIN, Reasoning("hm", format="anthropic-claude-v1")),
    ],
)
def test_reasoning_without_a_place_is_dropped_and_named(ask: Ask, model: str, reasoning: Reasoning) -> None:
    asked = ask(Assistant((Text("so"),), (reasoning,)), model=model)
    assert turn(asked) == {"content": [{"type": "text", "text": "so"}]}
    assert asked.dropped == ("messages[].reasoning",)


def test_empty_thinking_gives_no_block(ask: Ask) -> None:
    asked = ask(User((Text("hi"),)), Assistant((), (Reasoning(format="cohere-thinking-v2"), Reasoning())), model=THINKS)
    assert len(asked.body["messages"]) == 1


def message_of(**members: Any) -> dict[str, Any]:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    return {"role": "assistant", **members, "tool_calls": [call]}


def told_of(message: dict[str, Any]) -> Any:
    """The message as a client of OpenAI's dialect sees it."""
    done = PROVIDER.response(json.dumps({"id": "x", "message": message, "finish_reason": "TOOL_CALL"}).encode())
    return json.loads(OpenAIChat().completion(done, Stamp("x", 0, "m")))["choices"][0]["message"]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            THINKS,
            message_of(content=[{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "One moment."}]),
        ),
        (PLAIN, message_of(tool_plan="I will look.", content=[{"type": "text", "text": "One moment."}])),
    ],
)
def test_pitfall_7_an_answer_sent_back_by_an_openai_client_is_the_message_that_cohere_gave(
    ask: Ask, model: str, message: dict[str, Any]
) -> None:
    told = told_of(message)
    again = OpenAIChat().parse(json.dumps({"model": "m", "messages": [told]}).encode())
    assert ask(*again.messages, model=model).body["messages"] == [message]


def test_plan_and_thinking_are_one_text_to_an_openai_client() -> None:
    message = message_of(tool_plan="I will look.", content=[{"type": "thinking", "thinking": " Hm."}])
    assert told_of(message)["reasoning_content"] == "I will look. Hm."
