"""The locked dependencies, checked against their hashes, as wheels for the target's machine."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.bundle.target import Target

# What only compilers, type checkers and installers read. METADATA and licences stay: the licences ask for it.
PRUNED_SUFFIXES = frozenset({".pyi", ".pyx", ".pxd", ".c", ".h", ".hash"})
PRUNED_NAMES = frozenset({"py.typed", "RECORD", "INSTALLER", "REQUESTED", "WHEEL", ".lock"})
# cryptography needs cffi's compiled part alone; cffi's own Python and its C parser serve those who declare C functions.
PRUNED_FOLDERS = frozenset({"bin", "tests", "sboms", "cffi", "pycparser", "__pycache__"})


class InstallError(Exception):
    """The wheels cannot be installed; the text says what to do."""


def install(lock: Path, out: Path, target: Target) -> str:
    """Puts the wheels of ``lock`` into ``out`` and returns which installer did it.

    Raises:
        InstallError: neither uv nor pip is here, or the one that is failed.
    """
    command, name = _command(target)
    command += ["--no-deps", "--require-hashes", "--only-binary=:all:", "--target", str(out), "-r", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - built above
    if done.returncode != 0:
        raise InstallError(f"{name} could not install {lock.name} for {target}:\n{done.stderr.strip()}")
    return name


def _command(target: Target) -> tuple[list[str], str]:
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is not None:
        where = ["--python-version", target.python, "--python-platform", target.uv_platform]
        return [uv, "pip", "install", "--quiet", "--python", sys.executable, *where], "uv"
    if importlib.util.find_spec("pip") is None:
        raise InstallError("neither uv nor pip is here; try: python3 -m pip install uv")
    platforms = [f"--platform={platform}" for platform in target.pip_platforms]
    where = ["--python-version", target.python, "--implementation", "cp", *platforms]
    return [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *where], "pip"


def prune(out: Path) -> None:
    """Takes away what is never loaded. Call it before our own packages are in ``out``."""
    for path in sorted(out.rglob("*"), key=lambda found: len(found.parts)):
        if path.is_dir() and path.name in PRUNED_FOLDERS:
            shutil.rmtree(path)
        elif path.is_file() and (path.name in PRUNED_NAMES or path.suffix in PRUNED_SUFFIXES):
            path.unlink()
