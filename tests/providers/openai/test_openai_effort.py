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
        ("together", "zai-org/GLM-5.1", "none", {"reasoning": {"enabled": False}}, ()),
        ("together", "moonshotai/Kimi-K2.6", "low", {"reasoning": {"enabled": True}}, ("reasoning_effort",)),
        ("together", "openai/gpt-oss-120b", "low", {"reasoning_effort": "low"}, ()),
        ("together", "moonshotai/Kimi-K2-Thinking", "low", {"reasoning_effort": "low"}, ()),
        ("nvidia", "nvidia/nemotron-3-ultra", "none", {"chat_template_kwargs": {"enable_thinking": False}}, ()),
        (
            "nvidia",
            "nvidia/nemotron-3-ultra",
            "low",
            {"chat_template_kwargs": {"enable_thinking": True}, "reasoning_budget": 4096},
            (),
        ),
        ("nvidia", "nvidia/nemotron-3-ultra", "high", {"chat_template_kwargs": {"enable_thinking": True}}, ()),
        ("nvidia", "z-ai/glm5", "high", {"chat_template_kwargs": {"enable_thinking": True}}, ("reasoning_effort",)),
        ("nvidia", "openai/gpt-oss-120b", "high", {"reasoning_effort": "high"}, ()),
        ("baseten", "zai-org/GLM-5", "none", {"chat_template_args": {"enable_thinking": False}}, ()),
        ("baseten", "zai-org/GLM-5.1", "low", {"chat_template_args": {"enable_thinking": True}}, ("reasoning_effort",)),
        ("baseten", "zai-org/GLM-5.2", "none", {"reasoning_effort": "none"}, ()),
        ("baseten", "deepseek-ai/DeepSeek-V4-Pro", "xhigh", {"reasoning_effort": "xhigh"}, ()),
        ("crusoe", "deepseek-ai/DeepSeek-V4-Pro", "none", {"chat_template_kwargs": {"thinking": False}}, ()),
        (
            "crusoe",
            "deepseek-ai/DeepSeek-V4-Pro",
            "high",
            {"chat_template_kwargs": {"thinking": True}},
            ("reasoning_effort",),
        ),
        ("crusoe", "zai/GLM-5.2", "high", {"reasoning_effort": "high"}, ()),
        ("xiaomi", "mimo-v2.5-pro", "none", {"thinking": {"type": "disabled"}}, ()),
        ("xiaomi", "mimo-v2.5-pro", "high", {"thinking": {"type": "enabled"}}, ("reasoning_effort",)),
        ("huggingface", "Qwen/Qwen3-8B", "none", {"reasoning_effort": "none"}, ()),
        ("perplexity", "sonar-deep-research", "low", {"reasoning_effort": "low"}, ()),
        ("nebius", "Qwen/Qwen3-235B-A22B", "low", {"reasoning_effort": "low"}, ()),
        ("writer", "palmyra-x5", "low", {"reasoning_effort": "low"}, ()),
        ("deepinfra", "deepseek-ai/DeepSeek-R1", "none", {"reasoning_effort": "none"}, ()),
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
        ("nvidia", {"chat_template_kwargs": {"enable_thinking": True}, "reasoning_budget": 2000}),
        ("alibaba", {"enable_thinking": True, "thinking_budget": 2000}),
        ("fireworks", {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
        ("vllm", {"thinking_token_budget": 2000}),
        ("llamacpp", {"thinking_budget_tokens": 2000}),
        ("openrouter", {"reasoning": {"max_tokens": 2000}}),
        ("vercel_gateway", {"reasoning": {"max_tokens": 2000}}),
    ],
)
def test_a_budget_goes_to_its_own_member_as_the_number_that_it_is(host: str, expected: dict[str, Any]) -> None:
    model = "nvidia/nemotron-3-nano-30b-a3b"  # the others' models have any name
    assert sent(host, model, reasoning={"max_tokens": 2000}) == (expected, ())


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
    assert sent("fireworks", "m", reasoning={"effort": "low"}, **own) == (own, ("reasoning.effort",))
    assert sent("alibaba", "m", thinking_budget=5, reasoning_effort="low") == (
        {"thinking_budget": 5, "reasoning_effort": "low"},
        (),
    )


def test_words_of_the_hosts_own_within_openrouters_object_hold_too() -> None:
    """Together's switch stands there, beside what is nobody's word at Together."""
    off = {"reasoning": {"enabled": False}}
    model = "zai-org/GLM-5"
    assert sent("together", model, **off) == (off, ())
    assert sent("together", model, reasoning={"enabled": False, "effort": "low", "exclude": True}) == (
        off,
        ("reasoning.effort", "reasoning.exclude"),
    )
    assert sent("together", model, reasoning={"enabled": False, "max_tokens": 9}) == (off, ("reasoning.max_tokens",))
    assert sent("together", model, reasoning_effort="low", **off) == ({"reasoning_effort": "low", **off}, ())
    assert sent("together", model, reasoning={"max_tokens": 0}) == (off, ())
    with pytest.raises(Unsupported):
        sent("together", model, reasoning={"max_tokens": 9})


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
