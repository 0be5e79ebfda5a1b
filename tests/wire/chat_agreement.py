"""Whether what was translated says what the recorded bytes say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from providers.completion import ReasoningPart, RefusalPart, TextPart, ToolCallPart, fold, unfold

if TYPE_CHECKING:
    from providers.completion import Choice, Completion
    from providers.openai.host import Host
    from providers.usage import Usage
    from tests.wire.chat_oracle import Answer, Said


def agree(done: Completion, expected: Answer, host: Host) -> None:
    assert fold(unfold(done)) == done
    assert [choice.index for choice in done.choices] == sorted(expected.choices)
    assert done.started.id == (expected.id or None)
    assert done.started.model == expected.model
    for choice in done.choices:
        agree_on_choice(choice, expected.choices[choice.index])
    assert done.fields.get("citations") == expected.citations
    assert done.fields.get("search_results") == expected.search_results
    if expected.usage is None:
        assert done.usage is None
    else:
        assert done.usage is not None
        agree_on_usage(done.usage, expected.usage, host)


def agree_on_choice(choice: Choice, said: Said) -> None:
    parts = choice.parts
    assert "".join(part.text for part in parts if isinstance(part, TextPart)) == said.text
    assert "".join(part.text for part in parts if isinstance(part, RefusalPart)) == said.refusal
    assert "".join(part.text for part in parts if isinstance(part, ReasoningPart)) == said.reasoning
    signatures = [part.signature for part in parts if isinstance(part, ReasoningPart) and part.signature]
    assert signatures == said.signatures
    calls = [(part.id, part.name, part.arguments) for part in parts if isinstance(part, ToolCallPart)]
    assert calls == said.tools
    assert (choice.finish.reason if choice.finish else None) == said.finish
    assert [citation.url for citation in choice.citations] == said.urls
    logprobs: Any = choice.fields.get("logprobs") or {}
    assert len(logprobs.get("content") or []) == said.logprobs


def agree_on_usage(usage: Usage, said: dict[str, Any], host: Host) -> None:
    asked = said.get("prompt_tokens_details") or {}
    answered = said.get("completion_tokens_details") or {}
    reasoning = answered.get("reasoning_tokens", said.get("reasoning_tokens"))
    completion = said["completion_tokens"] + (reasoning or 0 if host.reasoning_apart else 0)
    assert usage.prompt == said["prompt_tokens"]
    assert usage.completion == completion
    cached = asked.get("cached_tokens", said.get("cached_tokens", said.get("prompt_cache_hit_tokens")))
    assert usage.cache_read == (None if cached is None else min(cached, said["prompt_tokens"]))
    assert usage.cache_write == asked.get("cache_write_tokens")
    assert usage.reasoning == (None if reasoning is None else min(reasoning, completion))
    assert usage.audio_output == answered.get("audio_tokens")
    own = {"prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details"}
    others = {name: value for name, value in said.items() if name not in own and value is not None}
    assert {name: value for name, value in usage.extra.items() if name not in own} == others
    assert usage.extra.get("total_tokens", usage.prompt + usage.completion) == said["total_tokens"]
