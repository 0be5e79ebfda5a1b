"""Finding the ASGI application that ``_HANDLER`` stands for."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from infra.runtime.asgi import Application

# One module serves both runtimes: ours takes the ASGI application, AWS's the callable that `_HANDLER` names.
ATTRIBUTE = "app"

# Written by infra.bundle; a checkout has none.
BUNDLE_FACTS = Path(__file__).parents[2] / "bundle.json"


class ApplicationError(Exception):
    """The application cannot be loaded; the text says what an operator can do."""


def load(handler: str) -> Application:
    """The attribute ``app`` of the module in ``package.module.attribute``.

    Raises:
        ApplicationError: the module or its attribute is not there, its import failed, or the machine is the wrong one.
    """
    _check_machine()
    name = handler.replace("/", ".").rpartition(".")[0]
    try:
        module = importlib.import_module(name)
    except Exception as exc:
        raise ApplicationError(f"cannot import {name}: {type(exc).__name__}: {exc}") from exc
    app = getattr(module, ATTRIBUTE, None)
    if app is None:
        raise ApplicationError(f"{name} has no attribute {ATTRIBUTE!r} to serve")
    return cast("Application", app)


def _check_machine() -> None:
    """Wheels for another processor fail late and in strange words, some of them only when they are first needed."""
    try:
        facts = json.loads(BUNDLE_FACTS.read_text())
    except FileNotFoundError:
        return
    machine = os.uname().machine
    here = ("{}.{}".format(*sys.version_info), {"aarch64": "arm64"}.get(machine, machine))
    built = (facts["python"], facts["arch"])
    if here != built:
        raise ApplicationError(
            f"the bundle was built for Python {built[0]} on {built[1]}, and this is Python {here[0]} on {here[1]}: "
            "build it again for this machine"
        )
