"""`sabir` as an operator types it, in a folder of its own."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from handlers.cli import main

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# What the machine that runs the tests may have set, and what would make them mean something else.
UNSET = {"SABIR_ADMIN_URL": None, "SABIR_ADMIN_KEY": None, "SABIR_CONTROL_TABLE": None, "SABIR_CONTROL_PATH": None}


@dataclass(frozen=True, slots=True)
class Shell:
    """`options` go to every command, `env` is its environment."""

    env: Mapping[str, str | None]
    options: tuple[str, ...] = field(default=())

    async def run(self, *args: str, typed: str | None = None, code: int = 0, **env: str) -> str:
        """What a command prints. It runs on a thread, as it has an event loop of its own."""
        invoke = partial(CliRunner().invoke, main, [*args, *self.options], input=typed, env={**self.env, **env})
        result = await asyncio.to_thread(invoke)
        assert result.exit_code == code, (result.exit_code, result.output, result.exception)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.output

    async def json(self, *args: str, typed: str | None = None, **env: str) -> Any:
        return json.loads(await self.run(*args, "--json", typed=typed, code=0, **env))


def shell_in(folder: Path, *options: str, **env: str) -> Shell:
    places = {"XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}
    return Shell({**UNSET, **places, **env}, options)
