"""`reasoning_effort` and reasoning budgets to `thinking`, and the reasoning of earlier answers back to where it stood.

Cohere thinks without a limit unless told otherwise, and advises to leave it so; a budget is a limit from above
(https://docs.cohere.com/docs/reasoning). An effort below `high` is therefore a budget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.cohere.profile import thinks
from providers.errors import Unsupported

if TYPE_CHECKING:
    from providers.chat import ChatRequest, Reasoning, ReasoningEffort
    from providers.dropped import Dropped
    from providers.jsonwalk import Json, JsonObject

# Two kinds of reasoning, each with its own place in a message: the blocks of the models that think, and the plan that
# all of them may write before they call a tool.
THINKING: Final = "cohere-thinking-v2"
TOOL_PLAN: Final = "cohere-tool-plan-v2"

# An effort is a wish and not a number: at most so many tokens, and at most such a share (%) of `max_tokens`.
_BUDGETS: dict[ReasoningEffort, tuple[int, int]] = {
    "minimal": (1_024, 20),
    "low": (4_096, 25),
    "medium": (12_288, 50),
}


def thinking(chat: ChatRequest, model: str, dropped: Dropped) -> Json:
    """What the client says in Cohere's own words (`thinking`) holds before a budget, and that before an effort.

    Raises `Unsupported` where a model that does not think is to do so.
    """
    native, budget, effort = chat.extra.get("thinking"), chat.reasoning_budget, chat.reasoning_effort
    if native is not None and budget is not None:
        dropped.add("reasoning.max_tokens")
    if effort is not None and (native is not None or budget is not None):
        dropped.add("reasoning_effort")
    if native is not None:
        return native
    if budget is not None:
        return _settled(model, "reasoning.max_tokens", budget=budget) if budget > 0 else _off(model)
    if effort is None:
        return None
    return _off(model) if effort == "none" else _settled(model, "reasoning_effort", budget=_share(chat, effort))


def _settled(model: str, param: str, *, budget: int | None) -> JsonObject:
    if not thinks(model):
        raise Unsupported("This model does not think.", param=param)
    return {"type": "enabled"} if budget is None else {"type": "enabled", "token_budget": budget}


def _off(model: str) -> JsonObject | None:
    return {"type": "disabled"} if thinks(model) else None


def _share(chat: ChatRequest, effort: ReasoningEffort) -> int | None:
    if effort not in _BUDGETS:
        return None
    most, share = _BUDGETS[effort]
    return most if chat.max_tokens is None else max(1, min(most, chat.max_tokens * share // 100))


def thinking_blocks(reasoning: tuple[Reasoning, ...], model: str) -> list[Json]:
    """Those of Cohere's own; and plain text without a maker, for the models that know such blocks."""
    return [
        {"type": "thinking", "thinking": said.text}
        for said in reasoning
        if said.text and (said.format == THINKING or (_unmarked(said) and thinks(model)))
    ]


def tool_plan(reasoning: tuple[Reasoning, ...], model: str, *, calls: bool, dropped: Dropped) -> str | None:
    """`calls`: tool calls follow, whose plan a text without a maker may be. Names what has no place at all."""
    plan: list[str] = []
    for said in reasoning:
        if said.format == TOOL_PLAN or (calls and _unmarked(said) and not thinks(model)):
            plan.append(said.text)
        elif said.format != THINKING and not (_unmarked(said) and thinks(model)):
            dropped.add("messages[].reasoning")
    return "".join(plan) or None


def _unmarked(said: Reasoning) -> bool:
    """Clients often keep nothing but `reasoning_content`. What is signed or encrypted is somebody else's."""
    return not (said.format or said.signature or said.data)
