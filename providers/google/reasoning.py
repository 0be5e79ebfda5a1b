"""`reasoning_effort` and reasoning budgets to `thinkingConfig`.

Gemini 2.5 thinks within a budget of tokens, 3 and later at a level; Google refuses both in one request. An effort
becomes the same budget or level as in Google's own OpenAI-compatible API
(https://ai.google.dev/gemini-api/docs/openai#thinking), thoughts shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.errors import InvalidRequest, Unsupported

if TYPE_CHECKING:
    from providers.chat import ChatRequest, ReasoningEffort
    from providers.dropped import Dropped
    from providers.google.profile import Model
    from providers.jsonwalk import Json, JsonObject

_DYNAMIC = -1  # Google's own word for "as much as it needs"

# An effort is a wish and not a number; beyond `high` it is all that the model may think.
_BUDGETS: dict[ReasoningEffort, int] = {"minimal": 1_024, "low": 1_024, "medium": 8_192, "high": 24_576}


def thinking_config(chat: ChatRequest, native: Json, model: Model, dropped: Dropped) -> JsonObject | None:
    """What the client says in Google's words (`native`) holds before a budget, and that before an effort."""
    if native is not None:
        if not isinstance(native, dict):
            raise InvalidRequest("thinkingConfig must be an object.", param="thinking_config")
        _drop(dropped, effort=chat.reasoning_effort is not None, budget=chat.reasoning_budget is not None)
        return native
    if chat.reasoning_budget is not None:
        _drop(dropped, effort=chat.reasoning_effort is not None, budget=False)
        return _by_budget(chat.reasoning_budget, model)
    if chat.reasoning_effort is None:
        return None
    if chat.reasoning_effort == "none":
        return _off(model, "reasoning_effort")
    return _by_effort(chat.reasoning_effort, model)


def _drop(dropped: Dropped, *, effort: bool, budget: bool) -> None:
    if effort:
        dropped.add("reasoning_effort")
    if budget:
        dropped.add("reasoning.max_tokens")


def _by_effort(effort: ReasoningEffort, model: Model) -> JsonObject:
    if model.budget is not None:
        return {"thinkingBudget": _BUDGETS.get(effort, model.budget[1]), "includeThoughts": True}
    if not model.thinks:
        raise Unsupported("This model does not think.", param="reasoning_effort")
    # Google's scale begins at `low` for some models: that is their least.
    level = model.levels[0] if effort == "minimal" else effort
    if level not in model.levels:
        known = ", ".join(model.levels)
        raise Unsupported(f"This model's efforts are {known}; not {effort!r}.", param="reasoning_effort")
    return {"thinkingLevel": level.upper(), "includeThoughts": True}


def _by_budget(budget: int, model: Model) -> JsonObject | None:
    param = "reasoning.max_tokens"
    if budget == 0:
        return _off(model, param)
    if not model.thinks:
        raise Unsupported("This model does not think.", param=param)
    least, most = model.budget or (1, None)
    if budget != _DYNAMIC and (budget < least or (most is not None and budget > most)):
        until = "" if most is None else f" to {most}"
        raise Unsupported(f"This model's thinking budget goes from {least}{until}.", param=param)
    return {"thinkingBudget": budget, "includeThoughts": True}


def _off(model: Model, param: str) -> JsonObject | None:
    if not model.off:
        raise Unsupported("This model always thinks: ask for its least effort.", param=param)
    return {"thinkingBudget": 0} if model.thinks else None
