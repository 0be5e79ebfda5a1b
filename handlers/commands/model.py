"""`sabir model`: an org's virtual models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from handlers.commands.session import Session, admin_command
from handlers.commands.values import candidate_of
from providers.routing.virtual import FALLBACKS, STRATEGIES

if TYPE_CHECKING:
    from handlers.commands.api import Answer

_SET = """Define the virtual model NAME of ORG, or redefine it: a name for its clients, and what may answer under it.

\b
Strategies:
  priority  the candidates as listed
  weighted  by weight, steady for one conversation
  cheapest  by the price of a typical request
  fastest   by the recent time to the first token

Where a candidate fails, the next one is asked, before the client has seen anything. With --fallback-on that also goes
for prompts that are too long for a model, or that it declines.

\b
Examples:
  sabir model set acme fast --candidate gpt-4o-mini --candidate claude-haiku-4-5 --strategy fastest
  sabir model set acme smart --candidate claude-opus-4-5,endpoint=claude --candidate gpt-5 \\
      --fallback-on context_window
  sabir model set acme split --candidate gpt-4o,weight=9 --candidate gpt-5,weight=1 --strategy weighted
"""


@click.group()
def model() -> None:
    """Define model names of an org's own, with candidates and fallbacks."""


@model.command("set", help=_SET)
@click.argument("org_id", metavar="ORG")
@click.argument("name", metavar="NAME")
@click.option("--candidate", "candidates", multiple=True, required=True, metavar="MODEL[,endpoint=NAME][,weight=N]")
@click.option("--strategy", type=click.Choice(STRATEGIES), default="priority", show_default=True)
@click.option("--fallback-on", multiple=True, type=click.Choice(FALLBACKS), help="Repeatable.")
@admin_command
def set_model(
    session: Session, org_id: str, name: str, candidates: tuple[str, ...], strategy: str, **options: Any
) -> None:
    body = {
        "candidates": [candidate_of(each) for each in candidates],
        "strategy": strategy,
        "fallback_on": list(options["fallback_on"]),
    }
    made = session.run(lambda api: api.put("orgs", org_id, "models", name, body=body))
    session.show(made, f"{name} is {_summary(made)}.")


@model.command("list")
@click.argument("org_id", metavar="ORG")
@admin_command
def list_models(session: Session, org_id: str) -> None:
    """List the virtual models of ORG."""
    found = session.run(lambda api: api.get("orgs", org_id))["models"]
    rows = (
        [each["name"], each["strategy"], _candidates(each), ", ".join(each["fallback_on"]) or "-"] for each in found
    )
    columns = ["NAME", "STRATEGY", "CANDIDATES", "ALSO FALLS BACK ON"]
    session.table(found, columns, rows, empty=f"There is none yet: sabir model set {org_id} NAME --candidate MODEL")


@model.command()
@click.argument("org_id", metavar="ORG")
@click.argument("name", metavar="NAME")
@admin_command
def remove(session: Session, org_id: str, name: str) -> None:
    """Remove the virtual model NAME of ORG."""
    gone = session.run(lambda api: api.delete("orgs", org_id, "models", name))
    session.show(gone, f"Removed {name}.")


def _summary(shown: Answer) -> str:
    also = f", also on {' and '.join(shown['fallback_on'])}" if shown["fallback_on"] else ""
    return f"{_candidates(shown)} by {shown['strategy']}{also}"


def _candidates(shown: Answer) -> str:
    return ", ".join(
        candidate["model"]
        + (f" at {candidate['endpoint']}" if candidate["endpoint"] else "")
        + (f" *{candidate['weight']}" if candidate["weight"] != 1 else "")
        for candidate in shown["candidates"]
    )
