"""How much to think, from the words that every client has to those of the host.

A client says `reasoning_effort`, or OpenRouter's `reasoning: {effort, max_tokens}`. The rules, in this order:

1. What it says in the host's own words (`thinking`, `enable_thinking` …) holds; nothing is added to it.
2. A budget is a number: it goes to the host's member for budgets, or is a 400. It is never made an effort, nor clamped.
3. An effort is a wish: it goes on under the host's name for it. Where the host knows budgets only, it becomes one;
   where the host can only be told to think or not to, it does that, and the effort is named as dropped.
4. Where the host has no control of its own (`providers.openai.controls`), `reasoning_effort` goes as it is written: it
   judges.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from providers.errors import Unsupported
from providers.members import REMOVED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.jsonwalk import Json, JsonObject
    from providers.members import Change

_BUDGET: Final = "reasoning.max_tokens"

# At most so many tokens; a greater effort is all that the model may think. As Anthropic's efforts are reckoned.
_BUDGETS: Final[Mapping[str, int]] = MappingProxyType({"minimal": 1_024, "low": 4_096, "medium": 12_288})


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """How a host's models are told how much to think. `models`: a pattern in their lower-case names; "" is in all.

    `efforts`: takes `reasoning_effort`. `on`, `off`: members that turn thinking on or off; without `off` the effort
    `none` goes like any other. `budget`: where a number of tokens goes, as a path; None where the host takes none.
    """

    models: str = ""
    efforts: bool = True
    on: Mapping[str, Json] = field(default_factory=dict)
    off: Mapping[str, Json] = field(default_factory=dict)
    budget: tuple[str, ...] | None = None


ANY: Final = Control()


def control_of(controls: tuple[Control, ...], model: str) -> Control:
    return next((control for control in controls if re.search(control.models, model.lower())), ANY)


def effort_changes(
    written: JsonObject, model: str, controls: tuple[Control, ...]
) -> tuple[dict[str, Change], tuple[str, ...]]:
    """Changes for `patch_members`, and what they leave out. Raises `Unsupported` for a budget without a place."""
    control = control_of(controls, model)
    nested = written.get("reasoning")
    nested = nested if isinstance(nested, dict) else {}
    budget, effort = nested.get("max_tokens"), written.get("reasoning_effort")
    effort = nested.get("effort") if effort is None else effort
    if (budget is None and effort is None) or control.budget == ("reasoning", "max_tokens"):
        return {}, ()
    changes: dict[str, Change] = {}
    dropped: tuple[str, ...] = ()
    own = _own_words(written, nested, control)
    if budget is not None or "effort" in nested:
        within = {name: nested[name] for name in own if name in nested}
        changes["reasoning"] = within or REMOVED
        dropped = tuple(f"reasoning.{name}" for name in nested if name not in {"effort", "max_tokens", *within})
    if own:
        return changes, (*dropped, *(f"reasoning.{name}" for name in ("max_tokens", "effort") if name in nested))
    if budget is not None:
        spare = () if effort is None else ("reasoning_effort",)
        return {**changes, **_by_budget(written, budget, control)}, (*dropped, *spare)
    by_effort, lost = _by_effort(written, effort, control)
    return {**changes, **by_effort}, (*dropped, *lost)


def _own_words(written: JsonObject, nested: JsonObject, control: Control) -> tuple[str, ...]:
    """The host's own members that the client wrote. A switch may stand in `reasoning`, beside what is no word there."""
    switch = control.on.get("reasoning")
    within = switch.keys() & nested.keys() if isinstance(switch, dict) else ()
    members = control.on.keys() | control.off.keys() | {(control.budget or ("reasoning",))[0]}
    return (*within, *(name for name in sorted(members - {"reasoning"}) if written.get(name) is not None))


def _by_budget(written: JsonObject, budget: Json, control: Control) -> dict[str, Change]:
    changes: dict[str, Change] = {"reasoning_effort": REMOVED} if "reasoning_effort" in written else {}
    if budget == 0 and control.off:
        return {**changes, **control.off}
    if control.budget is None:
        raise Unsupported("This provider takes no thinking budget: use reasoning_effort.", param=_BUDGET)
    return {**changes, **control.on, **_at(control, budget)}


def _by_effort(written: JsonObject, effort: Json, control: Control) -> tuple[dict[str, Change], tuple[str, ...]]:
    unsaid: dict[str, Change] = {"reasoning_effort": REMOVED} if "reasoning_effort" in written else {}
    if effort == "none" and control.off:
        return {**unsaid, **control.off}, ()
    if control.efforts:
        return ({} if written.get("reasoning_effort") == effort else {"reasoning_effort": effort}), ()
    changes: dict[str, Change] = {**unsaid, **control.on}
    if control.budget is None:
        return changes, ("reasoning_effort",)
    tokens = _BUDGETS.get(effort) if isinstance(effort, str) else None
    return (changes if tokens is None else {**changes, **_at(control, tokens)}), ()


def _at(control: Control, tokens: Json) -> dict[str, Change]:
    """The budget in its place; beside what `on` says in the same object."""
    name, *inner = control.budget or ("",)
    if not inner:
        return {name: tokens}
    beside = control.on.get(name)
    return {name: {**(beside if isinstance(beside, dict) else {}), inner[0]: tokens}}
