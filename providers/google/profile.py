"""What Google's models accept, as data.

Sources, all on ai.google.dev/gemini-api/docs: "Gemini thinking" (budgets and levels by model), "Gemini 4 Argon"
(levels), "Function calling" (media in function responses), "Thought signatures" (signed calls); and the table of levels
in Firebase AI Logic's "Thinking". A version without a row takes the newest row before it; a name without a version
(`gemini-flash-latest`, a tuned model) takes `UNKNOWN`, which lets Google judge what this table cannot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

Level: TypeAlias = Literal["minimal", "low", "medium", "high", "xhigh"]
Version: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Model:
    """The defaults are those of Gemini 2.0, which does not think.

    `levels`: the thinking levels that it takes, least first. `budget`: least and most tokens of thinking. A model
    with levels takes a budget in their place, of any size. `off`: thinking can be turned off, by a budget of 0.
    `media_results`: takes images and documents within a function response. `signed_calls`: refuses a model's turn whose
    first call has no thought signature.
    """

    levels: tuple[Level, ...] = ()
    budget: tuple[int, int] | None = None
    off: bool = True
    media_results: bool = False
    signed_calls: bool = False

    @property
    def thinks(self) -> bool:
        return bool(self.levels or self.budget)


_FLASH_2_5 = Model(budget=(1, 24_576))
_LITE_2_5 = Model(budget=(512, 24_576))
_PRO_2_5 = Model(budget=(128, 32_768), off=False)
_FLASH_3 = Model(levels=("minimal", "low", "medium", "high"), off=False, media_results=True, signed_calls=True)
_PRO_3 = replace(_FLASH_3, levels=("low", "medium", "high"))

UNKNOWN = Model(levels=("minimal", "low", "medium", "high", "xhigh"), media_results=True, signed_calls=True)

# Ascending: the first version that a row is true of. `gemini-3-pro-preview` is answered by 3.1 Pro.
_FAMILIES: dict[str, tuple[tuple[Version, Model], ...]] = {
    "flash": (((1, 0), Model()), ((2, 5), _FLASH_2_5), ((3, 0), _FLASH_3), ((3, 7), _PRO_3)),
    "flash-lite": (((1, 0), Model()), ((2, 5), _LITE_2_5), ((3, 0), _FLASH_3)),
    "pro": (((1, 0), Model()), ((2, 5), _PRO_2_5), ((3, 0), _PRO_3)),
    "argon": (((4, 0), _PRO_3),),
}

_NAME = re.compile(r"gemini-(?P<major>\d{1,2})(?:\.(?P<minor>\d{1,2}))?-(?P<family>flash-lite|[a-z]+)")


def model_profile(name: str) -> Model:
    """The row for a model under any of its names: `gemini-2.5-flash-preview-09-2025`, `models/gemini-3-pro` …"""
    match = _NAME.search(name.lower())
    if match is None:
        return UNKNOWN
    version = int(match["major"]), int(match["minor"] or 0)
    rows = _FAMILIES.get(match["family"], ())
    return next((model for since, model in reversed(rows) if since <= version), UNKNOWN)
