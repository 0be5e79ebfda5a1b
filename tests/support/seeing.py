"""Whether a client's answer has the thing that a capability promises. See `tests.wire.hearing` for what is read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tests.support.answers import told

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.wire.hearing import Heard

# What the authored answers say, to the letter, as the client is to get it.
CALLS: Final = [("function", call_id, "weather", {"city": city}) for call_id, city in told.CALLS]


def _first(heard: Heard) -> Heard:
    choice: Heard = heard["choices"].get(0, {})
    return choice


def calls(heard: Heard) -> list[tuple[str, str, str, Any]]:
    made = _first(heard).get("tools", [])
    return [(call["kind"], call["id"], call["name"], json.loads(call.get("arguments") or "{}")) for call in made]


def _named(heard: Heard) -> list[str]:
    """Without a look at the arguments: a model may well write what is no JSON."""
    return [call["name"] for call in _first(heard).get("tools", []) if call.get("name")]


def counted(heard: Heard) -> tuple[int | None, int | None]:
    """Cached and reasoning tokens; None where nobody counted them."""
    usage = heard.get("usage") or {}
    return (
        usage.get("prompt_tokens_details", {}).get("cached_tokens"),
        usage.get("completion_tokens_details", {}).get("reasoning_tokens"),
    )


def likely(heard: Heard) -> list[Heard]:
    content: list[Heard] = (_first(heard).get("logprobs") or {}).get("content") or []
    return content


def _said(heard: Heard) -> bool:
    return any(choice.get("text") or choice.get("tools") for choice in heard["choices"].values())


# Whether an answer that nobody here wrote has it at all.
SEEN: Final[dict[str, Callable[[Heard], bool]]] = {
    "whole": lambda heard: _said(heard) and bool(_first(heard).get("finish_reason")),
    "stream": lambda heard: _said(heard) and bool(_first(heard).get("finish_reason")),
    "tools": lambda heard: len(_named(heard)) > 0,
    "parallel_tools": lambda heard: len(_named(heard)) > 1,
    "reasoning_out": lambda heard: bool(_first(heard).get("reasoning")),
    "logprobs": lambda heard: all("logprob" in entry for entry in likely(heard)) and bool(likely(heard)),
    "n": lambda heard: len(heard["choices"]) > 1,
}
