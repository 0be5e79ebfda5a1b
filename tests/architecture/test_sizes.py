"""Small files, small functions, names that say something: read once, they are to stay so."""

from __future__ import annotations

import ast

from tests.architecture.source import LAYERS, functions, sources

MAX_FILE = 300
MAX_FUNCTION = 40
# Tests hold tables as often as code.
MAX_TEST_FILE = 400
MAX_TEST_FUNCTION = 70
MAX_POSITIONAL = 5
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "shared", "stuff", "base_utils"}


def length(text: str) -> int:
    return text.count("\n")


def test_files_are_small() -> None:
    assert {s.path: length(s.text) for s in sources(*LAYERS) if length(s.text) > MAX_FILE} == {}
    assert {s.path: length(s.text) for s in sources("tests") if length(s.text) > MAX_TEST_FILE} == {}


def too_long(limit: int, *folders: str) -> dict[str, int]:
    return {
        f"{source.path}:{function.lineno} {function.name}": size
        for source in sources(*folders)
        for function in functions(source)
        if (size := (function.end_lineno or 0) - function.lineno + 1) > limit
    }


def test_functions_are_small() -> None:
    assert too_long(MAX_FUNCTION, *LAYERS) == {}
    assert too_long(MAX_TEST_FUNCTION, "tests") == {}


def test_beyond_five_parameters_are_named() -> None:
    """A call with six values in a row is read by counting. Fields of a dataclass are no parameters of a function."""
    wide = [
        f"{source.path}:{function.lineno} {function.name}"
        for source in sources(*LAYERS)
        for function in functions(source)
        if len(_positional(function)) > MAX_POSITIONAL
    ]
    assert wide == []


def _positional(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    named = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return [name for name in named if name not in ("self", "cls")]


# The name of a service of AWS, which is what such a file is about.
SAYS_MUCH = "secrets_manager"


def test_no_file_has_a_name_that_says_nothing() -> None:
    words = {
        source.path: set(source.path.removesuffix(".py").replace(SAYS_MUCH, "").replace("_", "/").split("/"))
        for source in sources(*LAYERS, "tests")
    }
    assert {path: found & SAYS_NOTHING for path, found in words.items() if found & SAYS_NOTHING} == {}


def test_every_module_says_what_it_is() -> None:
    silent = [s.path for s in sources(*LAYERS) if s.text.strip() and ast.get_docstring(s.tree) is None]
    assert silent == []
