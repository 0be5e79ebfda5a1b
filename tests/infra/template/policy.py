"""A small evaluator of IAM policies: who may do what, by the template's own statements.

Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html. It knows the operators
that the template uses and refuses all others, so that no statement is judged by a part of it alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Json = Any

ELEMENTS = frozenset({"Sid", "Effect", "Action", "Resource", "Condition", "Principal"})


@dataclass(frozen=True, slots=True)
class Request:
    """`context`: the condition keys that the service gives; those of several values as a tuple."""

    action: str
    resource: str
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


def allowed(statements: Iterable[Json], request: Request) -> bool:
    effects = {statement["Effect"] for statement in statements if _applies(statement, request)}
    assert effects <= {"Allow", "Deny"}
    return effects == {"Allow"}


def _applies(statement: Json, request: Request) -> bool:
    assert statement.keys() <= ELEMENTS, f"an element that this evaluator does not know: {statement.keys() - ELEMENTS}"
    return (
        any(_like(request.action.lower(), pattern.lower()) for pattern in several(statement["Action"]))
        and any(_like(request.resource, pattern) for pattern in several(statement["Resource"]))
        and all(
            _holds(operator, request.context.get(key), several(expected))
            for operator, tests in statement.get("Condition", {}).items()
            for key, expected in tests.items()
        )
    )


def _holds(operator: str, value: str | tuple[str, ...] | None, expected: list[str]) -> bool:
    match operator, value:
        case "Null", _:
            return expected == ["true" if value is None else "false"]
        case "ForAllValues:StringLike", None | tuple():
            # Of no values at all it is true: IAM's own trap.
            return all(any(_like(one, pattern) for pattern in expected) for one in value or ())
        case "StringEquals", str() | None:
            return value in expected
        case "StringNotEquals", str() | None:
            return value not in expected
        case "StringLike", str() | None:
            return value is not None and any(_like(value, pattern) for pattern in expected)
        case _:
            raise AssertionError(f"a condition that this evaluator does not know: {operator} of {value}")


def several(value: Json) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _like(value: str, pattern: str) -> bool:
    """`*` is any characters, slashes and colons included; `?` is one."""
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.fullmatch("".join(parts), value, re.DOTALL) is not None
