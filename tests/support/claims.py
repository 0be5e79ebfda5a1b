"""What each provider is said to support, from `claims.toml`. See there for what the words mean."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

FILE: Final = Path(__file__).with_name("claims.toml")

Form: TypeAlias = Literal["openai", "responses", "anthropic", "google", "bedrock", "cohere"]

# Name, the head of its column, and what a yes means.
CAPABILITIES: Final[tuple[tuple[str, str, str], ...]] = (
    ("whole", "whole", "an answer in one piece"),
    ("stream", "stream", "an answer as it comes, with an end that is told from a broken connection"),
    ("tools", "tools", "functions go out, calls with their arguments come back"),
    ("parallel_tools", "parallel tools", "several calls in one answer, and their results in the next turn, in order"),
    ("tool_choice", "tool choice", "a function that must be called, by name"),
    ("json_schema", "json_schema", "`response_format` with a schema that the answer is held to"),
    ("images", "images", "`image_url`, inline"),
    ("pdf", "PDF", "`file` with `file_data`, inline"),
    ("audio_in", "audio in", "`input_audio`"),
    ("reasoning_out", "reasoning", "thinking comes out as `reasoning_content`, signed blocks as `reasoning_details`"),
    ("reasoning_back", "reasoning back", "it goes back with the next turn, unchanged, signature and all"),
    ("prompt_cache", "prompt cache", "the client says what the provider's own prompt cache keeps"),
    ("usage", "usage", "cached and reasoning tokens are counted apart"),
    ("logprobs", "logprobs", "log probabilities of the tokens"),
    ("n", "n", "several choices"),
    ("embeddings", "embeddings", "`/v1/embeddings`"),
)
NAMES: Final = tuple(name for name, _, _ in CAPABILITIES)

_MEMBERS: Final = {
    "form", "models", "recorded", "documented", "sources", "notes", "no", "prompt_cache_key", "reasoning_member",
}  # fmt: skip


class BadClaim(ValueError):
    """`claims.toml` says something that has no meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """One provider's, or those of a further wire of one (`openai/responses`). `notes`: what a yes leaves out; `no`: why not, where that is known."""

    provider: str
    form: Form = "openai"
    models: dict[str, str] = field(default_factory=dict)
    recorded: tuple[str, ...] = ()
    documented: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)
    no: dict[str, str] = field(default_factory=dict)
    prompt_cache_key: bool = False
    reasoning_member: str = "reasoning_content"

    def says_yes(self, capability: str) -> bool:
        return capability in self.recorded or capability in self.documented

    @property
    def yes(self) -> tuple[str, ...]:
        return tuple(name for name in NAMES if self.says_yes(name))

    def model(self, capability: str) -> str:
        return self.models.get(capability, self.models.get("chat", "model"))


@cache
def all_claims() -> dict[str, Claims]:
    """By provider. Raises `BadClaim`."""
    table = tomllib.loads(FILE.read_text())
    return {provider: read_claims(provider, row) for provider, row in table.items()}


def claims_of(provider: str) -> Claims:
    """Raises `BadClaim`, with what to do, for a provider that nobody said anything of."""
    found = all_claims().get(provider)
    if found is None:
        raise BadClaim(
            f"The provider {provider!r} has no entry in tests/support/claims.toml. Say there what it supports, each with "
            "a recording or a page of its documentation; then run `python -m tests.support`."
        )
    return found


def read_claims(provider: str, row: dict[str, Any]) -> Claims:
    """Raises `BadClaim`."""
    row = dict(row)
    if strange := row.keys() - _MEMBERS:
        raise BadClaim(f"{provider}: no member {', '.join(sorted(strange))}")
    lists: dict[str, Any] = {name: tuple(row.pop(name, ())) for name in ("recorded", "documented", "sources")}
    claims = Claims(provider=provider, **lists, **row)
    named = [*claims.recorded, *claims.documented, *claims.no]
    if strange := ({*named, *claims.notes} - {*NAMES}):
        raise BadClaim(f"{provider}: no capability {', '.join(sorted(strange))}")
    if twice := sorted({name for name in named if named.count(name) > 1}):
        raise BadClaim(f"{provider}: {', '.join(twice)} is said twice")
    if idle := sorted(name for name in claims.notes if not claims.says_yes(name)):
        raise BadClaim(f"{provider}: a note on {', '.join(idle)}, which is no yes")
    if not claims.sources:
        raise BadClaim(f"{provider}: by which of its own pages?")
    return claims
