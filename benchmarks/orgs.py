"""An org for the server that is measured, made by the commands that a user would type."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from benchmarks.process import ROOT, environment
from benchmarks.scenarios import KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECRET = "BENCHMARK_SECRET"  # noqa: S105 - the name of the variable
_MANY = str(10**9)
_EVERY_LIMIT = (
    *("--requests-per-minute", _MANY, "--tokens-per-minute", _MANY, "--parallel", "900"),
    *("--usd-per-day", "100000", "--usd-per-month", "1000000"),
)


def sabir_keys(env: Mapping[str, str]) -> dict[str, str]:
    """Keys of an org in the embedded store that `env` names: `sabir` without limits, `limited` with every kind."""

    def sabir(*arguments: str) -> Any:
        command = [sys.executable, "-m", "handlers.cli", *arguments, "--json"]
        told = {**env, _SECRET: KEYS["openai"]}
        done = subprocess.run(command, cwd=ROOT, env=environment(told), capture_output=True, check=True, timeout=60)
        return json.loads(done.stdout)

    sabir("org", "create", "bench")
    sabir("endpoint", "add", "bench", "openai", "--provider", "openai", "--from-env", _SECRET)
    plain = sabir("key", "create", "bench", "--name", "plain")
    limited = sabir("key", "create", "bench", "--name", "limited", *_EVERY_LIMIT)
    return {"sabir": plain["key"], "limited": limited["key"]}
