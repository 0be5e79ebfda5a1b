"""The project's own source, as its syntax trees."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("handlers", "providers", "cache", "infra")


@dataclass(frozen=True, slots=True)
class Source:
    """`name`: the module's; `path`: relative to the repository, with slashes."""

    name: str
    path: str
    text: str
    tree: ast.Module

    @property
    def layer(self) -> str:
        return self.path.partition("/")[0]


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    found = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    assert found, f"there is nothing in {folders}: is this the repository?"
    return tuple(_source(file) for file in found)


def _source(file: Path) -> Source:
    path = file.relative_to(ROOT)
    parts = path.with_suffix("").parts
    text = file.read_text(encoding="utf-8")
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Source(name, path.as_posix(), text, ast.parse(text))


def imports(source: Source) -> Iterator[tuple[str, int]]:
    """Every module that is imported, wherever in the file, with its line. `from a import b` is both `a` and `a.b`."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source.path}:{node.lineno}: a relative import"
            module = node.module or ""
            yield module, node.lineno
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def functions(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
