"""What the models on Bedrock accept of what Converse leaves to them, as data.

Sources: the pages of the models under https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html and
https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html (reasoning, top_k), "Prompt caching"
(cache points), "Structured outputs" of the user guide; for Claude, platform.claude.com ("Troubleshooting thinking",
"Effort"); for OpenAI's, Moonshot's and DeepSeek's efforts on Converse, what others measured:
https://github.com/stdapi-ai/stdapi.ai/issues/283, https://github.com/calebevans/mulder/pull/194.

A model is known by a part of its id, whatever region or ARN stands around it. An ARN that hides its model (an
application inference profile, a provisioned model) takes `UNKNOWN`, which lets Bedrock judge what this table cannot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from providers.chat import ReasoningEffort

Version: TypeAlias = tuple[int, int]
# Where an effort goes: `budget` and `adaptive` are Claude's ways, `nova` is `reasoningConfig`, `flat` is
# `reasoning_effort` and `nested` is `reasoning.effort`.
Control: TypeAlias = Literal["none", "budget", "adaptive", "both", "nova", "flat", "nested"]


@dataclass(frozen=True, slots=True)
class Model:
    """The defaults are those of a model that answers in plain text and does no more.

    `max_tokens`: sent beside a thinking budget, which must stay under it, where the client sets none.
    `off`: what "no reasoning" is: nothing to send, a word to send, or None where the model always reasons.
    `replay`: earlier reasoning that may go back: what Claude `signed`, `any` that is nobody else's, or none.
    `cache`: cache points `everywhere` and with a lifetime, outside the tools and without one (`content`), or nowhere.
    `structured`: takes a JSON Schema for its answer, and strict tools.
    """

    control: Control = "none"
    efforts: tuple[ReasoningEffort, ...] = ()
    off: Literal["omit", "send"] | None = "omit"
    max_tokens: int = 0
    replay: Literal["signed", "any", "none"] = "none"
    top_k: Literal["top_k", "k", "inferenceConfig.topK"] | None = None
    cache: Literal["everywhere", "content", "nowhere"] = "nowhere"
    structured: bool = False

    @property
    def thinks(self) -> bool:
        """Whether it is a Claude, or may be one: it takes `thinking` and betas, and back what it signed."""
        return self.replay == "signed"

    @property
    def adaptive(self) -> bool:
        return self.control in {"adaptive", "both"}

    @property
    def budgets(self) -> bool:
        return self.control in {"budget", "both"}


_LOW_TO_HIGH: tuple[ReasoningEffort, ...] = ("low", "medium", "high")
_UP_TO_MAX: tuple[ReasoningEffort, ...] = ("low", "medium", "high", "xhigh", "max")

_CLAUDE = Model(max_tokens=4_096, replay="signed", top_k="top_k", cache="everywhere")
_CLAUDE_3_7 = replace(_CLAUDE, control="budget", max_tokens=32_000)
_CLAUDE_4_5 = replace(_CLAUDE_3_7, max_tokens=64_000, structured=True)
_CLAUDE_4_6 = replace(_CLAUDE_4_5, control="both", efforts=("low", "medium", "high", "max"), max_tokens=128_000)
_CLAUDE_4_7 = replace(_CLAUDE_4_6, control="adaptive", efforts=_UP_TO_MAX)
_CLAUDE_5 = replace(_CLAUDE_4_7, off="send")
_CLAUDE_ALWAYS = replace(_CLAUDE_4_7, off=None)

# Descending: the first row whose version is not later, for the families in it; no family stands for all.
_CLAUDES: tuple[tuple[Version, str, Model], ...] = (
    ((5, 5), "opus", _CLAUDE_ALWAYS),
    ((5, 5), "sonnet", _CLAUDE_ALWAYS),
    ((5, 0), "fable", _CLAUDE_ALWAYS),
    ((5, 0), "mythos", _CLAUDE_ALWAYS),
    ((5, 0), "", _CLAUDE_5),
    ((4, 7), "", _CLAUDE_4_7),
    ((4, 6), "", _CLAUDE_4_6),
    ((4, 5), "", _CLAUDE_4_5),
    ((3, 7), "", _CLAUDE_3_7),
    ((0, 0), "", _CLAUDE),
)

UNKNOWN = Model(replay="signed", cache="everywhere", structured=True)
_OPEN = Model(structured=True, replay="any")
_NOVA = Model(top_k="inferenceConfig.topK", cache="content")
_OLD_MISTRAL = Model(top_k="top_k")
_FLAT = replace(_OPEN, control="flat", efforts=_LOW_TO_HIGH)

# The first part that is in the id.
_FAMILIES: tuple[tuple[str, Model], ...] = (
    ("amazon.nova-2", replace(_NOVA, control="nova", efforts=_LOW_TO_HIGH, off="send", replay="any")),
    ("amazon.nova", _NOVA),
    ("amazon.titan", Model()),
    ("ai21.", Model()),
    ("cohere.", Model(top_k="k")),
    ("meta.", Model()),
    ("writer.", Model()),
    ("deepseek.r1", Model(off=None)),
    ("deepseek.", replace(_FLAT, replay="none")),
    ("openai.gpt-oss", replace(_FLAT, off=None)),
    ("openai.gpt-5.4", replace(_FLAT, efforts=("low", "medium", "high", "xhigh"), off="send")),
    ("openai.gpt-5.5", replace(_FLAT, efforts=("low", "medium", "high", "xhigh"), off="send")),
    ("openai.gpt", replace(_OPEN, control="nested", efforts=_UP_TO_MAX, off="send")),
    ("kimi-k3", replace(_FLAT, efforts=("low", "high", "max"), off=None)),
    ("kimi", replace(_FLAT, off=None)),
    ("mistral.mistral-7b", _OLD_MISTRAL),
    ("mistral.mixtral", _OLD_MISTRAL),
    ("mistral.mistral-large-24", _OLD_MISTRAL),
    ("mistral.mistral-small-24", _OLD_MISTRAL),
    ("mistral.pixtral", _OLD_MISTRAL),
    ("mistral.", replace(_OPEN, top_k="top_k")),
    ("google.", _OPEN),
    ("minimax.", _OPEN),
    ("moonshot", _OPEN),
    ("nvidia.", _OPEN),
    ("qwen.", _OPEN),
    ("zai.", _OPEN),
)

# claude-opus-4-1-20250805-v1: a date is no minor version, hence the lookahead.
_FAMILY_FIRST = re.compile(r"claude-(?P<family>[a-z]+)-(?P<major>\d{1,2})(?:-(?P<minor>\d{1,2}))?(?!\d)")
_VERSION_FIRST = re.compile(r"claude-v?(?P<major>\d{1,2})(?:-(?P<minor>\d{1,2}))?(?:-(?P<family>[a-z]+))?(?!\d)")


def model_profile(name: str) -> Model:
    """The row for a model id or ARN: `us.anthropic.claude-sonnet-4-5-20250929-v1:0`, `amazon.nova-pro-v1:0` …"""
    name = name.lower()
    if "claude" in name:
        return _claude(name)
    return next((model for part, model in _FAMILIES if part in name), UNKNOWN)


def _claude(name: str) -> Model:
    """A Claude whose version cannot be read is taken for the newest way of thinking, with every other left to it."""
    name = name.replace(".", "-")
    if "claude-mythos-preview" in name:
        return _CLAUDE_ALWAYS
    match = _FAMILY_FIRST.search(name) or _VERSION_FIRST.search(name)
    if match is None:
        return _CLAUDE if "instant" in name else replace(_CLAUDE_4_7, control="both")
    version = int(match["major"]), int(match["minor"] or 0)
    family = match["family"] or ""
    return next(model for since, only, model in _CLAUDES if since <= version and only in {"", family})
