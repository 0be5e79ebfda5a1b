"""Earlier reasoning, sent back to each host as it takes it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.compatible import HOSTS
from providers.members import parse_members, patch_members
from providers.openai.request import host_changes


def sent(host: str, model: str, **message: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    answer = {"role": "assistant", **message}
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "?"}, answer]}).encode()
    changes, dropped = host_changes(parse_members(body), model, HOSTS[host])
    said: dict[str, Any] = json.loads(patch_members(body, changes))["messages"][1]
    return {name: value for name, value in said.items() if name != "role"}, dropped


THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "why"}]}
SO = {"type": "text", "text": "so"}


@pytest.mark.parametrize("host", ["deepseek", "moonshot", "zai", "xiaomi", "alibaba", "vllm", "openrouter"])
def test_reasoning_goes_back_untouched_where_the_host_says_it_so_itself(host: str) -> None:
    answer = {"content": "so", "reasoning_content": "why"}
    assert sent(host, "m", **answer) == (answer, ())


@pytest.mark.parametrize(("host", "model"), [("cerebras", "zai-glm-4.7"), ("groq", "openai/gpt-oss-120b")])
def test_it_goes_back_under_the_hosts_own_name(host: str, model: str) -> None:
    expected = ({"content": "so", "reasoning": "why"}, ())
    assert sent(host, model, content="so", reasoning_content="why") == expected
    assert sent(host, model, content="so", reasoning_content="why", reasoning=None) == expected
    assert sent(host, model, content="so", reasoning="why", reasoning_content="why") == expected


def test_it_is_left_out_by_name_where_the_model_takes_none() -> None:
    expected = ({"content": "so"}, ("messages[].reasoning_content",))
    assert sent("groq", "moonshotai/kimi-k2-instruct", content="so", reasoning_content="why") == expected
    assert sent("mistral", "codestral-latest", content="so", reasoning_content="why") == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [("so", [THOUGHT, SO]), ([SO], [THOUGHT, SO]), ("", [THOUGHT]), (None, [THOUGHT]), ([THOUGHT, SO], [THOUGHT, SO])],
)
def test_mistrals_models_get_it_as_a_part_of_the_content_once(content: Any, expected: Any) -> None:
    assert sent("mistral", "magistral-medium-latest", content=content, reasoning_content="why") == (
        {"content": expected},
        (),
    )


@pytest.mark.parametrize("nothing", ["", None])
def test_reasoning_that_says_nothing_makes_no_part(nothing: str | None) -> None:
    said, _ = sent("mistral", "magistral-medium-latest", content="so", reasoning_content=nothing)
    assert said == {"content": "so"}
