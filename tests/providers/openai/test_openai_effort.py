"""How much to think, in the words of each host."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from providers.compatible import HOSTS
from providers.errors import Unsupported
from providers.members import parse_members, patch_members
from providers.openai.effort import ANY, Control, control_of, effort_changes
from providers.openai.request import host_changes

if TYPE_CHECKING:
    from providers.openai.host import Host


def sent(host: str | Host, model: str, **asked: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    row = HOSTS[host] if isinstance(host, str) else host
    body = json.dumps({"model": model, "messages": [], **asked}).encode()
    changes, dropped = host_changes(parse_members(body), model, row)
    said: dict[str, Any] = json.loads(patch_members(body, changes))
    return {name: value for name, value in said.items() if name not in {"model", "messages"}}, dropped


@pytest.mark.parametrize(
    ("host", "model", "effort", "expected", "dropped"),
    [
        ("deepseek", "deepseek-v4-pro", "none", {"thinking": {"type": "disabled"}}, ()),
        ("deepseek", "deepseek-v4-pro", "low", {"reasoning_effort": "low"}, ()),
        ("zai", "glm-4.7", "none", {"thinking": {"type": "disabled"}}, ()),
        ("zai", "glm-4.7", "high", {"thinking": {"type": "enabled"}}, ("reasoning_effort",)),
        ("zai", "GLM-5.2", "high", {"reasoning_effort": "high"}, ()),
        ("zai", "glm-5.3-flash", "none", {"thinking": {"type": "disabled"}}, ()),
        ("moonshot", "kimi-k2.6", "none", {"thinking": {"type": "disabled"}}, ()),
        ("moonshot", "kimi-k2.6", "high", {"thinking": {"type": "enabled"}}, ("reasoning_effort",)),
        ("moonshot", "kimi-k3", "high", {"reasoning_effort": "high"}, ()),
        ("alibaba", "qwen-plus", "none", {"enable_thinking": False}, ()),
        ("alibaba", "qwen-plus", "low", {"enable_thinking": True, "thinking_budget": 4096}, ()),
        ("alibaba", "qwen-plus", "high", {"enable_thinking": True}, ()),
        ("fireworks", "gpt-oss-120b", "low", {"reasoning_effort": "low"}, ()),
        ("groq", "openai/gpt-oss-120b", "none", {"reasoning_effort": "none"}, ()),
        ("vllm", "qwen3", "high", {"reasoning_effort": "high"}, ()),
        ("openrouter", "z-ai/glm-5", "high", {"reasoning_effort": "high"}, ()),
    ],
)
def test_an_effort_is_said_as_the_host_wants_it(
    host: str, model: str, effort: str, expected: dict[str, Any], dropped: tuple[str, ...]
) -> None:
    assert sent(host, model, reasoning_effort=effort) == (expected, dropped)
    if host != "openrouter":
        assert sent(host, model, reasoning={"effort": effort}) == (expected, dropped)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("alibaba", {"enable_thinking": True, "thinking_budget": 2000}),
        ("fireworks", {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
        ("vllm", {"thinking_token_budget": 2000}),
        ("llamacpp", {"thinking_budget_tokens": 2000}),
        ("openrouter", {"reasoning": {"max_tokens": 2000}}),
        ("vercel_gateway", {"reasoning": {"max_tokens": 2000}}),
    ],
)
def test_a_budget_goes_to_its_own_member_as_the_number_that_it_is(host: str, expected: dict[str, Any]) -> None:
    assert sent(host, "m", reasoning={"max_tokens": 2000}) == (expected, ())


@pytest.mark.parametrize("host", ["deepseek", "mistral", "groq", "xai", "cerebras", "together", "nvidia"])
def test_a_budget_without_a_place_is_refused_by_name_and_never_made_an_effort(host: str) -> None:
    with pytest.raises(Unsupported, match="reasoning_effort") as refusal:
        sent(host, "m", reasoning={"max_tokens": 2000})
    assert refusal.value.param == "reasoning.max_tokens"


def test_a_budget_of_nothing_turns_thinking_off() -> None:
    assert sent("deepseek", "m", reasoning={"max_tokens": 0}) == ({"thinking": {"type": "disabled"}}, ())


def test_a_budget_holds_before_an_effort_which_is_named() -> None:
    said, dropped = sent("vllm", "m", reasoning={"max_tokens": 9, "effort": "high"}, reasoning_effort="low")
    assert (said, dropped) == ({"thinking_token_budget": 9}, ("reasoning_effort",))


def test_the_hosts_own_words_hold_and_what_gives_way_to_them_is_named() -> None:
    own = {"thinking": {"type": "enabled", "budget_tokens": 5}}
    assert sent("fireworks", "m", reasoning_effort="low", **own) == ({"reasoning_effort": "low", **own}, ())
    assert sent("fireworks", "m", reasoning={"max_tokens": 7}, **own) == (own, ("reasoning.max_tokens",))
    assert sent("alibaba", "m", thinking_budget=5, reasoning_effort="low") == (
        {"thinking_budget": 5, "reasoning_effort": "low"},
        (),
    )


def test_what_openrouters_object_says_beside_is_named_where_it_cannot_go() -> None:
    said, dropped = sent("groq", "m", reasoning={"effort": "low", "exclude": True})
    assert (said, dropped) == ({"reasoning_effort": "low"}, ("reasoning.exclude",))
    asked = {"reasoning": {"effort": "low", "exclude": True}}
    assert sent("openrouter", "m", **asked) == (asked, ())


@pytest.mark.parametrize("reasoning", [{"enabled": True}, "high", None])
def test_an_object_that_says_nothing_that_we_know_goes_untouched(reasoning: Any) -> None:
    assert sent("together", "m", reasoning=reasoning) == ({"reasoning": reasoning}, ())


def test_the_first_control_whose_pattern_is_in_the_name_counts() -> None:
    controls = (Control(models="^a"), Control(models="b", efforts=False))
    assert [control_of(controls, name) for name in ("AB", "cb", "c")] == [*controls, ANY]


def test_an_effort_of_no_known_kind_is_left_to_the_host_or_to_its_default() -> None:
    assert effort_changes({"reasoning_effort": 3}, "m", ()) == ({}, ())
    said, dropped = effort_changes({"reasoning_effort": 3}, "m", HOSTS["alibaba"].controls)
    assert (said["enable_thinking"], "thinking_budget" in said, dropped) == (True, False, ())
