"""Whose key is it? Providers mark their keys with a prefix, so that a stray one can be recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from providers.secret import Secret

SABIR_PREFIX: Final = "sbr_"

# Only prefixes that one provider alone gives out. OpenAI's plain `sk-` is shared by half the field and says nothing.
_PREFIXES: Final = (
    ("sk-ant-", "anthropic"),
    ("sk-proj-", "openai"),
    ("sk-svcacct-", "openai"),
    ("sk-or-v1-", "openrouter"),
    ("pplx-", "perplexity"),
    ("gsk_", "groq"),
    ("xai-", "xai"),
    ("AIzaSy", "google"),
    ("nvapi-", "nvidia"),
    ("hf_", "huggingface"),
    ("csk-", "cerebras"),
)


def owner(secret: Secret) -> str | None:
    """The provider whose prefix the key bears, or None where it bears none."""
    value = secret.reveal()
    return next((provider for prefix, provider in _PREFIXES if value.startswith(prefix)), None)


def is_sabir_key(secret: Secret) -> bool:
    """Whether it is one of ours, which no provider must ever see."""
    return secret.reveal().startswith(SABIR_PREFIX)
