"""Where this machine keeps its orgs: the embedded store, and apart from it the key that opens it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def local_environment(env: Mapping[str, str]) -> dict[str, str]:
    """`env` with the places that are not set in it (XDG Base Directory Specification), and without those in AWS.

    The key lies among the configuration and not among the data: a copy of the one folder opens nothing.
    """
    local = {name: value for name, value in env.items() if name != "SABIR_CONTROL_TABLE"}
    places = {
        "SABIR_CONTROL_PATH": _place(env, "XDG_DATA_HOME", ".local/share", "control.db"),
        "SABIR_MASTER_KEY_PATH": _place(env, "XDG_CONFIG_HOME", ".config", "master.key"),
    }
    return local | {name: env.get(name) or place for name, place in places.items()}


def _place(env: Mapping[str, str], variable: str, default: str, name: str) -> str:
    root = Path(env[variable]) if env.get(variable) else Path.home() / default
    return str(root / "sabir" / name)
