"""Efforts, budgets, and thought signatures out and back."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from providers.base import Credential, Profile, Stamp, Target
from providers.chat import Assistant, Reasoning, Text, ToolCall, User
from providers.dialects.openai import OpenAIChat
from providers.errors import Unsupported
from providers.google import PROVIDER
from providers.google.profile import UNKNOWN, model_profile
from providers.secret import Secret

Ask = Callable[..., Any]
Json = dict[str, Any]
FORMAT = "google-gemini-v1"
HI = User((Text("hi"),))
STAMP = Stamp("id", 0, "m")


def thinking(ask: Ask, model: str, **members: Any) -> Any:
    return ask(model=model, **members).body.get("generationConfig", {}).get("thinkingConfig")


@pytest.mark.parametrize(
    ("model", "effort", "config"),
    [
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-flash", "minimal", {"thinkingBudget": 1_024, "includeThoughts": True}),
        ("gemini-2.5-flash-lite", "low", {"thinkingBudget": 1_024, "includeThoughts": True}),
        ("gemini-2.5-pro", "medium", {"thinkingBudget": 8_192, "includeThoughts": True}),
        ("gemini-2.5-pro", "high", {"thinkingBudget": 24_576, "includeThoughts": True}),
        ("gemini-2.5-pro", "max", {"thinkingBudget": 32_768, "includeThoughts": True}),
        ("gemini-3-flash-preview", "minimal", {"thinkingLevel": "MINIMAL", "includeThoughts": True}),
        ("gemini-3.7-flash", "minimal", {"thinkingLevel": "LOW", "includeThoughts": True}),
        ("models/gemini-3.1-pro-preview", "medium", {"thinkingLevel": "MEDIUM", "includeThoughts": True}),
        ("gemini-4-argon", "high", {"thinkingLevel": "HIGH", "includeThoughts": True}),
        ("gemini-flash-latest", "none", {"thinkingBudget": 0}),
        ("gemini-flash-latest", "xhigh", {"thinkingLevel": "XHIGH", "includeThoughts": True}),
        ("gemini-2.0-flash", "none", None),
        ("gemini-2.5-flash", None, None),
    ],
)
def test_pitfall_15_an_effort_is_a_level_or_a_budget_by_model(
    ask: Ask, model: str, effort: str | None, config: Any
) -> None:
    assert thinking(ask, model, reasoning_effort=effort) == config


@pytest.mark.parametrize(
    ("model", "members", "param"),
    [
        ("gemini-2.5-pro", {"reasoning_effort": "none"}, "reasoning_effort"),
        ("gemini-3-flash-preview", {"reasoning_effort": "none"}, "reasoning_effort"),
        ("gemini-3.1-pro-preview", {"reasoning_effort": "xhigh"}, "reasoning_effort"),
        ("gemini-2.0-flash", {"reasoning_effort": "low"}, "reasoning_effort"),
        ("gemini-2.0-flash", {"reasoning_budget": 1_024}, "reasoning.max_tokens"),
        ("gemini-2.5-pro", {"reasoning_budget": 0}, "reasoning.max_tokens"),
        ("gemini-2.5-pro", {"reasoning_budget": 127}, "reasoning.max_tokens"),
        ("gemini-2.5-flash", {"reasoning_budget": 24_577}, "reasoning.max_tokens"),
        ("gemini-3.1-pro-preview", {"reasoning_budget": -2}, "reasoning.max_tokens"),
    ],
)
def test_pitfall_15_what_a_model_cannot_think_is_refused_and_not_clamped(
    ask: Ask, model: str, members: Json, param: str
) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(model=model, **members)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("model", "budget"),
    [("gemini-2.5-pro", 128), ("gemini-2.5-flash", -1), ("gemini-3-flash-preview", 99_999)],
)
def test_pitfall_15_a_budget_and_an_effort_never_go_together(ask: Ask, model: str, budget: int) -> None:
    asked = ask(model=model, reasoning_budget=budget, reasoning_effort="low")
    assert asked.body["generationConfig"]["thinkingConfig"] == {"thinkingBudget": budget, "includeThoughts": True}
    assert asked.dropped == ("reasoning_effort",)


def test_googles_own_thinking_config_holds(ask: Ask) -> None:
    own = {"thinkingLevel": "LOW"}
    asked = ask(reasoning_effort="high", reasoning_budget=1, extra={"thinking_config": own})
    assert asked.body["generationConfig"]["thinkingConfig"] == own
    assert asked.dropped == ("reasoning_effort", "reasoning.max_tokens")


def test_a_budget_of_nothing_turns_thinking_off(ask: Ask) -> None:
    assert thinking(ask, "gemini-2.5-flash", reasoning_budget=0) == {"thinkingBudget": 0}


def test_a_name_that_no_row_is_true_of_is_unknown() -> None:
    for name in ("gemini-0.5-pro", "tunedModels/x", "gemini-9-neon", "gemma-3-27b-it"):
        assert model_profile(name) is UNKNOWN


# -- signatures -----------------------------------------------------------------------------------------------------


def call(name: str, call_id: str | None, signature: str | None) -> Json:
    part: Json = {"functionCall": {"name": name, "args": {}}}
    if call_id:
        part["functionCall"]["id"] = call_id
    return {**part, "thoughtSignature": signature} if signature else part


def sent_back(parts: list[Json], *, streamed: bool) -> list[Json]:
    """The model's turn after a client got these parts as OpenAI's message and sent it back, parts as given or not."""
    candidate = {"content": {"parts": parts}, "finishReason": "STOP", "index": 0}
    body = {"candidates": [candidate], "responseId": "r"}
    dialect = OpenAIChat()
    if streamed:
        message = from_chunks(b"data: " + json.dumps(body).encode() + b"\n\n")
    else:
        done = PROVIDER.response(json.dumps(body).encode())
        message = json.loads(dialect.completion(done, STAMP))["choices"][0]["message"]
    request = {"model": "m", "messages": [{"role": "user", "content": "hi"}, message, {"role": "user", "content": "x"}]}
    chat = dialect.parse(json.dumps(request).encode())
    target = Target("google", "gemini-3-flash-preview", Credential(Secret("k")), Profile(PROVIDER.base_url))
    turns = json.loads(PROVIDER.request(chat, target).request.body)["contents"]
    return list(turns[1]["parts"]) if len(turns) == 3 else []


def from_chunks(stream: bytes) -> Json:
    """A message as a client puts it together that keeps text, calls and entries of `reasoning_details`."""
    translator, encoder = PROVIDER.stream(), OpenAIChat().encoder(STAMP, include_usage=False)
    out = b"".join(encoder.feed(event) for event in [*translator.feed(stream), *translator.close()]) + encoder.close()
    message: Json = {"role": "assistant", "content": "", "reasoning_details": [], "tool_calls": []}
    for line in out.decode().splitlines():
        if line.startswith("data: {"):
            for choice in json.loads(line.removeprefix("data: "))["choices"]:
                delta = choice["delta"]
                message["content"] += delta.get("content") or ""
                message["reasoning_details"] += delta.get("reasoning_details", [])
                for piece in delta.get("tool_calls", []):
                    if "id" in piece:
                        message["tool_calls"].append(piece)
                    else:
                        message["tool_calls"][-1]["function"]["arguments"] += piece["function"]["arguments"]
    return message


ROUND_TRIPS: list[list[Json]] = [
    [call("f", "1", "s1"), call("g", "2", None), call("f", "3", None)],
    [{"text": "say"}, call("f", "1", "s1")],
    [{"text": "done", "thoughtSignature": "s"}],
    [{"text": "done"}, {"text": "", "thoughtSignature": "s"}],
    [{"text": "one", "thoughtSignature": "a"}, {"text": " two "}, {"text": "👍é", "thoughtSignature": "b"}],
    [{"text": "", "thoughtSignature": "a"}, {"text": "after"}],
    [{"text": "why", "thought": True, "thoughtSignature": "t"}, {"text": "so", "thoughtSignature": "s"}],
    [call("f", "1", "s1"), call("g", "2", "s2")],
]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("parts", ROUND_TRIPS)
def test_pitfall_10_a_signature_returns_on_the_very_part_that_bore_it(parts: list[Json], streamed: bool) -> None:
    assert sent_back(parts, streamed=streamed) == parts


@pytest.mark.parametrize("streamed", [False, True])
def test_pitfall_10_a_signature_returns_with_a_call_that_had_no_id(streamed: bool) -> None:
    first, second = sent_back([call("f", None, "s"), call("f", None, None)], streamed=streamed)
    assert first["thoughtSignature"] == "s"
    assert "thoughtSignature" not in second
    assert first["functionCall"]["id"] != second["functionCall"]["id"]


def test_pitfall_10_the_block_has_openrouters_form(answered: Callable[..., Any]) -> None:
    done = answered(call("f", "1", "s1"), {"text": "done", "thoughtSignature": "s2"})
    message = json.loads(OpenAIChat().completion(done, STAMP))["choices"][0]["message"]
    assert message["reasoning_details"] == [
        {"type": "reasoning.encrypted", "data": "s1", "id": "1", "format": FORMAT, "index": 0},
        {"type": "reasoning.encrypted", "data": "s2", "id": "text:0:4", "format": FORMAT, "index": 1},
    ]


@pytest.mark.parametrize(
    ("block_ids", "parts"),
    [
        (["text:0:99"], [{"text": "cut"}, {"text": "", "thoughtSignature": "0"}]),
        (["text:2:1"], [{"text": "cut"}, {"text": "", "thoughtSignature": "0"}]),
        (["lost-call"], [{"text": "cut"}, {"text": "", "thoughtSignature": "0"}]),
        (
            ["text:0:2", "text:1:3"],
            [{"text": "cu", "thoughtSignature": "0"}, {"text": "t"}, {"text": "", "thoughtSignature": "1"}],
        ),
    ],
)
def test_pitfall_10_a_signature_that_has_lost_its_part_goes_on_the_end_of_the_text(
    ask: Ask, block_ids: list[str], parts: list[Json]
) -> None:
    blocks = tuple(Reasoning(data=str(n), id=block_id, format=FORMAT) for n, block_id in enumerate(block_ids))
    assert ask(HI, Assistant((Text("cut"),), blocks), HI).body["contents"][1]["parts"] == parts


def test_pitfall_10_a_call_whose_signature_was_lost_goes_with_googles_own_placeholder(ask: Ask) -> None:
    turn = Assistant((), (), (ToolCall("1", "f", ""), ToolCall("2", "f", "")))
    asked = ask(HI, turn, HI, model="gemini-3-flash-preview")
    first, second = asked.body["contents"][1]["parts"]
    assert first["thoughtSignature"] == "skip_thought_signature_validator"
    assert "thoughtSignature" not in second
    assert asked.dropped == ("messages[].tool_calls[].thought_signature",)
    assert "thoughtSignature" not in str(ask(HI, turn, HI, model="gemini-2.5-flash").body)


def test_thoughts_of_other_models_stay_away_and_are_named(ask: Ask) -> None:
    thoughts = (
        Reasoning("plain"),
        Reasoning(data="d", format="anthropic-claude-v1", id="1"),
        Reasoning(format=FORMAT),
        Reasoning("why", format=FORMAT),
    )
    asked = ask(HI, Assistant((), thoughts, (ToolCall("1", "f", ""),)), HI)
    assert asked.body["contents"][1]["parts"] == [
        {"text": "why", "thought": True},
        {"functionCall": {"id": "1", "name": "f", "args": {}}},
    ]
    assert asked.dropped == ("messages[].reasoning",)
