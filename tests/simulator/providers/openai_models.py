"""Which models OpenAI has, and which of them think before they answer."""

from __future__ import annotations

import re

_NAME = re.compile(
    r"(gpt-3\.5-turbo|gpt-4|gpt-4-turbo|gpt-4o|gpt-4\.1|gpt-4\.5|gpt-[56](\.\d)?|gpt-audio|chatgpt-4o|codex-mini|o1|o3|o4)"
    r"(-(mini|nano|pro|preview|latest|chat-latest|16k|32k|instruct|turbo|codex|sol|luna|terra|astra|vision-preview"
    r"|search-preview|audio-preview|\d{4}(-\d\d-\d\d)?))*"
)
_THINKER = re.compile(r"o\d|gpt-[56](?!.*chat)")
# From GPT-5.1 on, a model that can think takes sampling parameters again.
_SAMPLED = re.compile(r"gpt-5\.\d|gpt-6")


def exists(model: str) -> bool:
    return _NAME.fullmatch(model) is not None


def can_think(model: str) -> bool:
    return _THINKER.match(model) is not None


def takes_sampling(model: str) -> bool:
    return not can_think(model) or _SAMPLED.match(model) is not None
