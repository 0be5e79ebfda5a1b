"""Which of our own files go into the bundle."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGES = ("handlers", "providers", "cache", "infra")

# Never loaded on Lambda: the `sabir` command and what needs the packages that it alone has, and nested templates. What
# is left out here by mistake fails the tests that start both functions from the bundle with nothing else.
EXCLUDED = (
    "handlers/cli*.py",
    "handlers/commands",
    "handlers/local.py",
    "infra/bundle",
    "infra/gateway",
    "infra/*.yaml",
)
NOT_COPIED = ("__pycache__", "*.pyc", "*.md", "py.typed", ".*")


def copy_sources(root: Path, out: Path) -> int:
    """Copies from the checkout at ``root`` and returns how many files the bundle now has of ours."""
    for package in PACKAGES:
        shutil.copytree(root / package, out / package, ignore=_ignored(root))
    # A checkout made on a file system without modes would bring a wrapper that Lambda cannot start.
    (out / "infra" / "bootstrap.sh").chmod(0o755)
    return sum(1 for package in PACKAGES for file in (out / package).rglob("*") if file.is_file())


def _ignored(root: Path) -> Callable[[str, list[str]], set[str]]:
    by_name = shutil.ignore_patterns(*NOT_COPIED)

    def ignored(folder: str, names: list[str]) -> set[str]:
        here = Path(folder).relative_to(root)
        return by_name(folder, names) | {name for name in names if _excluded(PurePosixPath(here / name))}

    return ignored


def _excluded(path: PurePosixPath) -> bool:
    # Of relative patterns, `match` looks at the end only; as many parts as the pattern has are all of them here.
    return any(path.match(pattern) and len(path.parts) == len(Path(pattern).parts) for pattern in EXCLUDED)
