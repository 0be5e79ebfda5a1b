"""What is asked: a few exchanges, each of which shows one cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Provider = Literal["openai", "anthropic"]

MODELS: dict[Provider, str] = {"openai": "gpt-4o-mini", "anthropic": "claude-sonnet-4-6"}
KEYS: dict[Provider, str] = {"openai": "sk-benchmark", "anthropic": "sk-ant-benchmark"}
QUESTION = "What is a proxy?"
SHORT, LONG = "Write 15 words", "Write 240 words"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One kind of request, the same for every server that is asked."""

    name: str
    provider: Provider = "openai"
    prompt: str = QUESTION
    stream: bool = False
    cache: Literal["never", "fresh", "hit"] = "never"
    """`fresh`: cacheable and new every time, so it is sealed and stored; `hit`: the same every time, from the cache."""
    body: dict[str, Any] = field(default_factory=dict)
    key: Literal["own", "sabir", "limited"] = "own"
    """What Sabir is shown: the provider's own key, a Sabir key, or one with every kind of limit."""
    logged: bool = True
    """Whether Sabir keeps the record of the request, as it does unless it is told not to."""

    def chat(self, number: int) -> dict[str, Any]:
        """The request to the proxy and to the bare route: an OpenAI chat completion."""
        content = f"{self.prompt} ({number})" if self.cache == "fresh" else self.prompt
        cached = {} if self.cache == "never" else {"seed": 1}
        return self._body(content) | cached

    def native(self) -> dict[str, Any]:
        """The same request as the provider itself wants it, for the direct call."""
        limit = {"max_tokens": 4096} if self.provider == "anthropic" else {}
        return self._body(self.prompt) | limit

    def _body(self, content: str) -> dict[str, Any]:
        body: dict[str, Any] = {"model": MODELS[self.provider], "messages": [{"role": "user", "content": content}]}
        return body | ({"stream": True} if self.stream else {}) | self.body

    def headers(self) -> dict[str, str]:
        policy = {"x-bt-use-cache": "never"} if self.cache == "never" else {}
        key = {"authorization": f"Bearer {KEYS[self.provider]}", "x-api-key": KEYS[self.provider]}
        if self.provider == "openai":
            del key["x-api-key"]
        return {"content-type": "application/json", "x-benchmark": self.name} | key | policy


EXCHANGES = (
    Exchange("whole, OpenAI"),
    Exchange("whole, no record", logged=False),
    Exchange("whole, Anthropic", provider="anthropic"),
    Exchange("whole, stored", cache="fresh"),
    Exchange("whole, Sabir key", key="sabir"),
    Exchange("whole, all limits", key="limited"),
    Exchange("hit, whole", cache="hit"),
    Exchange("hit, streamed", cache="hit", stream=True),
    Exchange("hit, Sabir key", cache="hit", key="sabir"),
    Exchange("short stream (OpenAI)", prompt=SHORT, stream=True),
    Exchange("long stream (OpenAI)", prompt=LONG, stream=True),
    Exchange("short stream (Anthropic)", provider="anthropic", prompt=SHORT, stream=True),
    Exchange("long stream (Anthropic)", provider="anthropic", prompt=LONG, stream=True),
)

PER_CHUNK = (
    ("chunk, OpenAI", "short stream (OpenAI)", "long stream (OpenAI)"),
    ("chunk, Anthropic", "short stream (Anthropic)", "long stream (Anthropic)"),
)
"""A chunk's cost is the slope between a short and a long stream, free of what the request itself costs."""
