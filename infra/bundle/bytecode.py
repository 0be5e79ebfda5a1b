"""Byte code for a bundle. Lambda's task folder is read-only: without it, every cold start compiles every module.

Its form belongs to one minor version of Python, so the target's own interpreter has to make it. The hashes are not
checked at import: nobody edits a bundle, and a check would read every source file at every cold start (PEP 552).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where Lambda unpacks the bundle: these paths stand in stack traces.
TASK_ROOT = "/var/task"


def find_interpreter(version: str) -> str | None:
    """An interpreter of that major.minor on this machine."""
    return next((path for path in _candidates(version) if version_of(path) == version), None)


def version_of(interpreter: str) -> str | None:
    """Its major.minor, or None when it does not run: a pyenv shim exists for versions that are not switched on."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([interpreter, "-c", ask], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return None
    return done.stdout.strip() or None


def _candidates(version: str) -> Iterator[str]:
    yield sys.executable
    if found := shutil.which(f"python{version}"):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from (str(path) for path in sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"), reverse=True))


def compile_all(out: Path, interpreter: str) -> int:
    """Compiles every module in ``out`` and returns how many there are.

    Raises:
        subprocess.CalledProcessError: a module does not compile.
    """
    command = [interpreter, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    paths = ["-s", str(out), "-p", TASK_ROOT, str(out)]
    # With a fixed hash seed, sets are written in one order and equal sources make equal bundles.
    env = {**os.environ, "PYTHONHASHSEED": "0"}
    subprocess.run([*command, *paths], check=True, env=env)  # noqa: S603
    return sum(1 for _ in out.rglob("*.pyc"))
