"""`reasoning_effort` and reasoning budgets to what each model takes.

Claude thinks with a budget of tokens (up to 4.6), an effort being a share of the output limit, or adaptively (from 4.6
on), an effort being a word. The others know words only, each under a name of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from providers.errors import Unsupported

if TYPE_CHECKING:
    from providers.bedrock.draft import Draft
    from providers.bedrock.profile import Model
    from providers.chat import ChatRequest, ReasoningEffort
    from providers.jsonwalk import JsonObject

_LEAST_BUDGET = 1_024  # Anthropic's own minimum

# An effort is a wish and not a number: at most so many tokens, and at most such a share (%) of the output limit.
_BUDGETS: dict[ReasoningEffort, tuple[int, int]] = {
    "minimal": (1_024, 20),
    "low": (4_096, 25),
    "medium": (12_288, 50),
    "high": (24_576, 75),
    "xhigh": (32_768, 85),
    "max": (57_344, 95),
}

_OTHERWISE = "Send what it takes in additionalModelRequestFields."


@dataclass(frozen=True, slots=True)
class Reasoning:
    """`fields`: of `additionalModelRequestFields`; `effort`: that of `outputConfig`; `max_tokens`: what a budget needs
    where the client sets no limit, as Bedrock's own default may be less."""

    fields: JsonObject = field(default_factory=dict)
    effort: str | None = None
    max_tokens: int | None = None


def reasoning(chat: ChatRequest, draft: Draft) -> Reasoning:
    """What the client says in Claude's own words (`thinking`) holds before a budget, and that before an effort.

    Raises `Unsupported` for what the model does not do.
    """
    model = draft.model
    native = chat.extra.get("thinking")
    if native is not None:
        if not model.thinks:
            raise Unsupported(f"Only Claude takes 'thinking'. {_OTHERWISE}", param="thinking")
        if chat.reasoning_budget is not None:
            draft.drop("reasoning.max_tokens")
        return Reasoning({"thinking": native}, _spare_effort(chat, draft))
    if chat.reasoning_budget is not None:
        return _by_budget(chat, chat.reasoning_budget, draft)
    if chat.reasoning_effort is None:
        return Reasoning()
    if chat.reasoning_effort == "none":
        return Reasoning(_off(model, "reasoning_effort"))
    return _by_effort(chat, chat.reasoning_effort, model)


def _spare_effort(chat: ChatRequest, draft: Draft) -> str | None:
    """The effort beside thinking that is settled otherwise: it still says how much to write."""
    if draft.model.adaptive and chat.reasoning_effort in draft.model.efforts:
        return chat.reasoning_effort
    if chat.reasoning_effort is not None:
        draft.drop("reasoning_effort")
    return None


def _by_budget(chat: ChatRequest, budget: int, draft: Draft) -> Reasoning:
    model = draft.model
    effort = _spare_effort(chat, draft)
    if budget <= 0:
        return Reasoning(_off(model, "reasoning.max_tokens"), effort)
    if not model.budgets:
        raise Unsupported("This model takes no thinking budget: use reasoning_effort.", param="reasoning.max_tokens")
    limit = model.max_tokens if chat.max_tokens is None else chat.max_tokens
    if not _LEAST_BUDGET <= budget < limit:
        raise Unsupported(
            f"A thinking budget must be at least {_LEAST_BUDGET} and less than max_tokens ({limit}).",
            param="reasoning.max_tokens",
        )
    return Reasoning(_enabled(budget), effort, limit)


def _by_effort(chat: ChatRequest, effort: ReasoningEffort, model: Model) -> Reasoning:
    if model.control == "none":
        raise Unsupported(f"This model has no known reasoning effort. {_OTHERWISE}", param="reasoning_effort")
    if model.control == "budget":
        return _by_share(chat, effort, model)
    # No scale but OpenAI's goes below `low`: that is this model's least.
    level = "low" if effort == "minimal" else effort
    if level not in model.efforts:
        raise Unsupported(
            f"This model's efforts are {', '.join(model.efforts)}; not {effort!r}.", param="reasoning_effort"
        )
    if model.adaptive:
        return Reasoning({"thinking": {"type": "adaptive"}}, level)
    return Reasoning(_worded(model, level))


def _by_share(chat: ChatRequest, effort: ReasoningEffort, model: Model) -> Reasoning:
    limit = model.max_tokens if chat.max_tokens is None else chat.max_tokens
    if limit <= _LEAST_BUDGET:
        raise Unsupported(
            f"Thinking takes at least {_LEAST_BUDGET} tokens of max_tokens: raise it.", param="reasoning_effort"
        )
    most, share = _BUDGETS[effort]
    return Reasoning(_enabled(max(_LEAST_BUDGET, min(most, limit * share // 100))), None, limit)


def _enabled(budget: int) -> JsonObject:
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _worded(model: Model, level: str) -> JsonObject:
    if model.control == "nova":
        return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": level}}
    return {"reasoning_effort": level} if model.control == "flat" else {"reasoning": {"effort": level}}


def _off(model: Model, param: str) -> JsonObject:
    if model.off is None:
        raise Unsupported("This model always reasons.", param=param)
    if model.off == "omit":
        return {}
    if model.thinks:
        return {"thinking": {"type": "disabled"}}
    return {"reasoningConfig": {"type": "disabled"}} if model.control == "nova" else _worded(model, "none")
