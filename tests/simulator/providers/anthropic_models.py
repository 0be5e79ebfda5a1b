"""Which models Anthropic has, and what each generation takes. A request for anything else is refused, not adapted."""

from __future__ import annotations

import re

_NAME = re.compile(
    r"claude-(?:instant-(?P<old>1(\.\d)?)|(?P<two>2(\.\d)?)|(?P<three>3(-[57])?)-(haiku|sonnet|opus)"
    r"|(haiku|sonnet|opus|fable|mythos)-(?P<new>\d(-\d)?|preview))(-(\d{8}|latest))?"
)


def generation(model: str) -> tuple[int, int] | None:
    """`(4, 5)` for `claude-sonnet-4-5-20250929`; None for a model that does not exist."""
    match = _NAME.fullmatch(model)
    if match is None:
        return None
    number = match["old"] or match["two"] or match["three"] or match["new"]
    if number == "preview":
        return (5, 0)
    major, _, minor = number.replace(".", "-").partition("-")
    return int(major), int(minor or 0)


def output_limit(model: str) -> int:
    """The most `max_tokens` may ask for."""
    match generation(model):
        case (3, 5):
            return 8192
        case (3, 7) | (4, 0 | 1 | 5):
            return 64_000
        case (1 | 2 | 3, _):
            return 4096
        case _:
            return 128_000


def takes_sampling(model: str) -> bool:
    """Opus 4.7 was the first to refuse `temperature`, `top_p` and `top_k`."""
    return (generation(model) or (0, 0)) < (4, 7)


def takes_both_samplings(model: str) -> bool:
    """Whether `temperature` and `top_p` may come together; since Opus 4.1 they may not."""
    return (generation(model) or (0, 0)) < (4, 1)


def thinking_types(model: str) -> set[str]:
    """Budgets came with 3.7 and went with 4.7; adaptive thinking came with 4.6."""
    since = generation(model) or (0, 0)
    budget = {"enabled"} if (3, 7) <= since < (4, 7) else set[str]()
    return {"disabled"} | budget | ({"adaptive"} if since >= (4, 6) else set())


def takes_prefill(model: str) -> bool:
    """Whether the conversation may end with the beginning of the answer; since 4.6 it may not."""
    return (generation(model) or (0, 0)) < (4, 6)
