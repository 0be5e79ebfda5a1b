"""How a secret comes in: never as an argument, which every process list and shell history shows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

C = TypeVar("C", bound="Callable[..., Any]")


def secret_options(command: C) -> C:
    """`--from-env` and `--secret-file`, as `from_env` and `secret_file`; without either it is asked for, hidden."""
    command = click.option(
        "--secret-file", metavar="FILE", help="Read the secret from a file, or from standard input if it is -."
    )(command)
    return click.option("--from-env", metavar="VAR", help="Take the secret from an environment variable.")(command)


def read_secret(from_env: str | None, secret_file: str | None) -> str:
    """Raises `click.UsageError`; nothing that was given is in its text, should a secret have slipped into it."""
    if from_env is not None and secret_file is not None:
        raise click.UsageError("give --from-env or --secret-file, not both")
    if from_env is not None:
        return _from_env(from_env, "--from-env")
    if secret_file is not None:
        return _from_file(secret_file)
    value: str = click.prompt("Secret (it is not shown)", hide_input=True, err=True)
    return _checked(value, "what was typed")


def headers_from_env(named: dict[str, str]) -> dict[str, str]:
    """Headers may be secret too: `{"x-team": "TEAM_TOKEN"}` names variables, and their values come back."""
    return {header: _from_env(variable, "--header-from-env") for header, variable in named.items()}


def _from_env(variable: str, option: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise click.UsageError(f"the environment variable that {option} names is not set")
    return _checked(value, "the environment variable")


def _from_file(name: str) -> str:
    if name == "-":
        return _checked(click.get_text_stream("stdin").read(), "standard input")
    try:
        return _checked(Path(name).expanduser().read_text("utf-8"), "the file")
    except (OSError, ValueError):
        raise click.UsageError("the file that --secret-file names cannot be read") from None


def _checked(value: str, source: str) -> str:
    stripped = value.strip()
    if not stripped:
        raise click.UsageError(f"{source} is empty")
    return stripped
