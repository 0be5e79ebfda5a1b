"""What Anthropic's models accept, as data.

Sources, all on platform.claude.com/docs: "Models overview" (output limits), "Troubleshooting thinking" (thinking modes
by model), "Effort" (levels by model), "Structured outputs", "Mid-conversation system messages", and the migration
guides of each generation (sampling parameters, forced tools). A version that has no row takes the newest row before
it; a name that is no Claude's takes `UNKNOWN`, which lets Anthropic judge what this table cannot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

Effort: TypeAlias = Literal["low", "medium", "high", "xhigh", "max"]
Version: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Model:
    """The defaults are those of Claude 3.

    `max_tokens`: sent where the client sets none, as Anthropic demands a number. It is the model's output limit, which
    is what leaving it out means in OpenAI's API; less for the generations that refuse a prompt and a limit which
    together are over the context window (before 4.5), so that long prompts keep their room.
    `thinking`: the modes that it takes. `off`: how thinking is turned off; None where it cannot be.
    `sampling`: `one` takes temperature or top_p but not both; `none` refuses all but the default values.
    `forced_tools`: takes tool_choice `any` and `tool`. `structured`: takes `output_config.format` and strict tools.
    `system_turns`: takes messages of role `system` between the others.
    """

    max_tokens: int
    thinking: Literal["none", "budget", "adaptive", "both"] = "none"
    efforts: tuple[Effort, ...] = ()
    off: Literal["omit", "disabled", "between_tools"] | None = "omit"
    sampling: Literal["free", "one", "none"] = "free"
    forced_tools: bool = True
    structured: bool = False
    system_turns: bool = False

    @property
    def adaptive(self) -> bool:
        return self.thinking in {"adaptive", "both"}

    @property
    def budgets(self) -> bool:
        return self.thinking in {"budget", "both"}


_UP_TO_MAX: tuple[Effort, ...] = ("low", "medium", "high", "xhigh", "max")
_NO_XHIGH: tuple[Effort, ...] = ("low", "medium", "high", "max")

_EARLY = Model(4_096)
_3_5 = Model(8_192)
_4_0 = Model(32_000, "budget")
_4_1 = replace(_4_0, sampling="one")
_4_5 = Model(64_000, "budget", sampling="one", structured=True)
_4_6 = Model(128_000, "both", _NO_XHIGH, sampling="one", structured=True)
_4_7 = Model(128_000, "adaptive", _UP_TO_MAX, sampling="none", structured=True)
_4_8 = replace(_4_7, system_turns=True)
_SONNET_5 = replace(_4_7, off="disabled")
_OPUS_5 = replace(_4_8, off="disabled")
_FABLE_5 = replace(_4_8, off=None)
_FABLE_5_1 = replace(_FABLE_5, forced_tools=False)
_OPUS_5_5 = _FABLE_5_1
_HAIKU_5_5 = _OPUS_5
_SONNET_5_5 = replace(_4_8, off="between_tools", forced_tools=False)
_PREVIEW = Model(64_000, "both", _NO_XHIGH, off=None, sampling="none", forced_tools=False, structured=True)

UNKNOWN = Model(32_000, "both", _UP_TO_MAX, structured=True)

# Ascending: the first version that a row is true of.
_FAMILIES: dict[str, tuple[tuple[Version, Model], ...]] = {
    "haiku": (((3, 0), _EARLY), ((3, 5), _3_5), ((4, 5), _4_5), ((5, 5), _HAIKU_5_5)),
    "sonnet": (
        ((3, 0), _EARLY),
        ((3, 5), _3_5),
        ((3, 7), _4_0),
        ((4, 5), _4_5),
        ((4, 6), _4_6),
        ((5, 0), _SONNET_5),
        ((5, 5), _SONNET_5_5),
    ),
    "opus": (
        ((3, 0), _EARLY),
        ((4, 0), _4_0),
        ((4, 1), _4_1),
        ((4, 5), _4_5),
        ((4, 6), _4_6),
        ((4, 7), _4_7),
        ((4, 8), _4_8),
        ((5, 0), _OPUS_5),
        ((5, 5), _OPUS_5_5),
    ),
    "fable": (((5, 0), _FABLE_5), ((5, 1), _FABLE_5_1)),
    "mythos": (((5, 0), _FABLE_5), ((5, 1), _FABLE_5_1)),
}

# claude-opus-4-1-20250805: a date is no minor version, hence the lookahead.
_FAMILY_FIRST = re.compile(r"claude-(?P<family>[a-z]+)-(?P<major>\d{1,2})(?:-(?P<minor>\d{1,2}))?(?!\d)")
_VERSION_FIRST = re.compile(r"claude-(?P<major>\d{1,2})(?:-(?P<minor>\d{1,2}))?-(?P<family>[a-z]+)")
_FIRST_GENERATIONS = re.compile(r"claude-(?:instant|v?[12](?!\d))")


def model_profile(name: str) -> Model:
    """The row for a model under any of its names: `claude-opus-4-5-20251101`, `claude-3-7-sonnet@20250219` …"""
    name = name.lower().replace(".", "-")
    if "claude-mythos-preview" in name:
        return _PREVIEW
    if _FIRST_GENERATIONS.search(name):
        return _EARLY
    match = _FAMILY_FIRST.search(name) or _VERSION_FIRST.search(name)
    if match is None:
        return UNKNOWN
    version = int(match["major"]), int(match["minor"] or 0)
    rows = _FAMILIES.get(match["family"], ())
    return next((model for since, model in reversed(rows) if since <= version), UNKNOWN)
