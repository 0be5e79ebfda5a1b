"""`reasoning_effort` and reasoning budgets to `thinking` and `output_config.effort`.

Models think in one of two ways. With a budget of tokens (up to 4.6), an effort becomes a share of `max_tokens`, which
the budget must stay under. Adaptively (from 4.6 on), an effort is a word that Anthropic knows too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from providers.anthropic.content import is_claudes
from providers.chat import Assistant
from providers.errors import Unsupported

if TYPE_CHECKING:
    from providers.anthropic.profile import Model
    from providers.chat import ChatRequest, ReasoningEffort
    from providers.dropped import Dropped
    from providers.jsonwalk import Json

_LEAST_BUDGET = 1_024  # Anthropic's own minimum

# An effort is a wish and not a number: at most so many tokens, and at most such a share (%) of `max_tokens`.
_BUDGETS: dict[ReasoningEffort, tuple[int, int]] = {
    "minimal": (1_024, 20),
    "low": (4_096, 25),
    "medium": (12_288, 50),
    "high": (24_576, 75),
    "xhigh": (32_768, 85),
    "max": (57_344, 95),
}


@dataclass(frozen=True, slots=True)
class Thinking:
    """`config`: the `thinking` member; `effort`: that of `output_config`. None: not sent."""

    config: Json = None
    effort: str | None = None

    @property
    def type(self) -> Json:
        return self.config.get("type") if isinstance(self.config, dict) else None

    @property
    def on(self) -> bool:
        return self.type in ("enabled", "adaptive")  # the client's own, it may be what no set takes


def thinking(chat: ChatRequest, model: Model, max_tokens: int, dropped: Dropped) -> Thinking:
    """What the client says in Anthropic's own words (`thinking`) holds before a budget, and that before an effort.

    Raises `Unsupported` for what the model does not do.
    """
    native = chat.extra.get("thinking")
    if native is not None:
        if chat.reasoning_budget is not None:
            dropped.add("reasoning.max_tokens")
        return Thinking(native, _spare_effort(chat, model, dropped))
    if chat.reasoning_budget is not None:
        effort = _spare_effort(chat, model, dropped)
        if chat.reasoning_budget <= 0:
            return Thinking(_off(model, "reasoning.max_tokens"), effort)
        _check_budget(chat.reasoning_budget, model, max_tokens)
        if _began_without_thinking(chat):
            dropped.add("reasoning.max_tokens")
            return Thinking(effort=effort)
        return Thinking({"type": "enabled", "budget_tokens": chat.reasoning_budget}, effort)
    if chat.reasoning_effort is None:
        return Thinking()
    if chat.reasoning_effort == "none":
        return Thinking(_off(model, "reasoning_effort"))
    thought = _by_effort(chat.reasoning_effort, model, max_tokens)
    if thought.type == "enabled" and _began_without_thinking(chat):
        dropped.add("reasoning_effort")
        return Thinking()
    return thought


def _began_without_thinking(chat: ChatRequest) -> bool:
    """Whether the turn that is to go on called tools without thinking first: with another model, or none was asked for.

    Anthropic then refuses a budget: "a final `assistant` message must start with a thinking block".
    """
    last = next((message for message in reversed(chat.messages) if isinstance(message, Assistant)), None)
    return last is not None and bool(last.tool_calls) and not any(map(is_claudes, last.reasoning))


def _spare_effort(chat: ChatRequest, model: Model, dropped: Dropped) -> str | None:
    """The effort beside thinking that is settled otherwise: it still says how much to write."""
    if chat.reasoning_effort in model.efforts:
        return chat.reasoning_effort
    if chat.reasoning_effort is not None:
        dropped.add("reasoning_effort")
    return None


def _by_effort(effort: ReasoningEffort, model: Model, max_tokens: int) -> Thinking:
    if model.adaptive:
        # Anthropic's scale begins at `low`: that is this model's least.
        level = "low" if effort == "minimal" else effort
        if level not in model.efforts:
            raise Unsupported(
                f"This model's efforts are {', '.join(model.efforts)}; not {effort!r}.", param="reasoning_effort"
            )
        return Thinking({"type": "adaptive"}, level)
    if not model.budgets:
        raise Unsupported("This model does not think.", param="reasoning_effort")
    if max_tokens <= _LEAST_BUDGET:
        raise Unsupported(
            f"Thinking takes at least {_LEAST_BUDGET} tokens of max_tokens: raise it.", param="reasoning_effort"
        )
    most, share = _BUDGETS[effort]
    budget = max(_LEAST_BUDGET, min(most, max_tokens * share // 100))
    return Thinking({"type": "enabled", "budget_tokens": budget})


def _check_budget(budget: int, model: Model, max_tokens: int) -> None:
    if not model.budgets:
        raise Unsupported("This model takes no thinking budget: use reasoning_effort.", param="reasoning.max_tokens")
    if not _LEAST_BUDGET <= budget < max_tokens:
        raise Unsupported(
            f"A thinking budget must be at least {_LEAST_BUDGET} and less than max_tokens ({max_tokens}).",
            param="reasoning.max_tokens",
        )


def _off(model: Model, param: str) -> Json:
    if model.off is None:
        raise Unsupported("This model always thinks; 'low' is its least effort.", param=param)
    return None if model.off == "omit" else {"type": model.off}
