"""The `usage` object of a response: that of chat completions under other names, so both are read by one rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.openai.usage import parse_usage as parse_chat_usage

if TYPE_CHECKING:
    from providers.jsonwalk import JsonObject
    from providers.usage import Usage

_NAMES: Final = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "input_tokens_details": "prompt_tokens_details",
    "output_tokens_details": "completion_tokens_details",
}


def parse_usage(usage: JsonObject) -> Usage:
    return parse_chat_usage({_NAMES.get(name, name): value for name, value in usage.items()})
