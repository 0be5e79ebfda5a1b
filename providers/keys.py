"""Whose key is it? Providers mark their keys with a prefix, so that a stray one can be recognised."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from providers.secret import Secret

SABIR_PREFIX: Final = "sbr_"
# Also the admin's keys, and in whatever a client has wrapped them: quotes, another key and a comma, a scheme without
# its blank, capitals. What is no good key here is a good one for whoever reads it. In the midst of other letters only
# the whole beginning counts, which no provider's random letters come to have.
_OURS: Final = re.compile(
    r"\W*sb[ra]_|.*(?:sbr_[a-z0-9-]{1,40}_[a-z2-7]{10}_|sba_[a-z0-9]{32})", re.ASCII | re.IGNORECASE
)

# Only prefixes that one provider alone gives out. OpenAI's plain `sk-` is shared by half the field and says nothing.
# What opens more than models is here too, so that it is shown to no other: AWS keys, and the key files of Google Cloud,
# as Google writes them, in base64.
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
    ("AKIA", "bedrock"),
    ("ASIA", "bedrock"),
    ("ABSK", "bedrock"),
    ("bedrock-api-key-", "bedrock"),
    ("ewogICJ0eXBlIjogInNlcnZpY2VfYWNjb3VudCIs", "vertex"),
    ("eyJ0eXBlIjogInNlcnZpY2VfYWNjb3VudCIs", "vertex"),
    ("eyJ0eXBlIjoic2VydmljZV9hY2NvdW50Iiw", "vertex"),
)


def owner(secret: Secret) -> str | None:
    """The provider whose prefix the key bears, or None where it bears none."""
    value = secret.reveal()
    return next((provider for prefix, provider in _PREFIXES if value.startswith(prefix)), None)


def is_sabir_key(secret: Secret) -> bool:
    """Whether it is one of ours, or holds one, which no provider must ever see."""
    return _OURS.match(secret.reveal()) is not None
