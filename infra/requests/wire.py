"""Records and sums in DynamoDB's JSON form, and what is asked for them.

A record's attributes: `pk` and `sk`, its key; `doc`, the document as JSON text; `terms`, what it is found by, a set;
and `expires_at`. A cell's: its key, `expires_at`, and its numbers by name.
"""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from infra.requests.kept import FAILED, escaped, unescaped, wanted_terms
from infra.requests.rollup import Cell
from infra.requests.store import RequestsFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.requests.kept import Kept
    from infra.requests.store import Report, Step, Wanted

Attributes: TypeAlias = dict[str, Any]

SHARDS: Final = 4
"""Another number would leave what is stored where nobody looks for it."""

_MARKS: Final[Mapping[Step, str]] = {"hour": "H", "day": "D"}
_STEPS: Final[Mapping[str, Step]] = {mark: step for step, mark in _MARKS.items()}
_FORMS: Final[Mapping[Step, str]] = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d"}


@dataclass(frozen=True, slots=True)
class Search:
    """`low`: the least id; `terms`: what a record must have."""

    table: str
    partitions: tuple[str, ...]
    low: int
    now: int
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Records' texts by id, of those that were looked at; `last` of these, None where there are no more."""

    texts: Mapping[int, str]
    last: int | None


def record_key(org: str, request_id: str, *, failures: bool = False) -> Attributes:
    return {"pk": {"S": _records(org, _shard(request_id), failures=failures)}, "sk": {"S": request_id}}


def record_item(one: Kept, expires_at: int, *, failures: bool) -> Attributes:
    return {
        **record_key(one.org, one.request_id, failures=failures),
        "doc": {"S": one.text},
        "terms": {"SS": list(one.terms)},
        "expires_at": {"N": str(expires_at)},
    }


def addition(table: str, one: Kept, cell: Cell, amounts: Mapping[str, int]) -> dict[str, Any]:
    """The update that adds to a cell."""
    names = {f"#n{place}": name for place, name in enumerate(amounts)}
    values = {f":v{place}": {"N": str(amount)} for place, amount in enumerate(amounts.values())}
    added = ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))
    return {
        "TableName": table,
        "Key": {"pk": {"S": _sums(one.org, _shard(one.request_id))}, "sk": {"S": _cell_sort(cell)}},
        "UpdateExpression": f"SET #expires_at = :expires_at ADD {added}",
        "ExpressionAttributeNames": {"#expires_at": "expires_at", **names},
        "ExpressionAttributeValues": {":expires_at": {"N": str(cell.expires_at)}, **values},
    }


def search_of(table: str, wanted: Wanted, low: int, now: int) -> Search:
    failures = wanted.outcome == "error"
    partitions = tuple(_records(wanted.org, shard, failures=failures) for shard in range(SHARDS))
    terms = tuple(term for term in wanted_terms(wanted) if term != FAILED)
    return Search(table, partitions, low, now, terms)


def records_query(search: Search, partition: str, high: int, size: int) -> dict[str, Any]:
    """The newest records of a partition up to the id `high`; of `size` that are looked at those that are wanted."""
    terms = {f":term{place}": {"S": term} for place, term in enumerate(search.terms)}
    has = "".join(f" AND contains(#terms, {name})" for name in terms)
    bounds = {":low": {"S": f"{search.low:032x}"}, ":high": {"S": f"{high:032x}"}}
    return {
        "TableName": search.table,
        "KeyConditionExpression": "#pk = :pk AND #sk BETWEEN :low AND :high",
        "FilterExpression": f"#expires_at > :now{has}",
        "ProjectionExpression": "#sk, #doc",
        "ExpressionAttributeNames": {
            "#pk": "pk",
            "#sk": "sk",
            "#doc": "doc",
            "#expires_at": "expires_at",
            **({"#terms": "terms"} if terms else {}),
        },
        "ExpressionAttributeValues": {":pk": {"S": partition}, **bounds, ":now": {"N": str(search.now)}, **terms},
        "ScanIndexForward": False,
        "Limit": size,
    }


def sums_query(table: str, report: Report, at: range, shard: int) -> dict[str, Any]:
    """The cells whose steps begin in `at`."""
    # What follows upon the step's own text is greater than it, so the end is not within.
    low, high = (_step_sort(report.step, begin) for begin in (at.start, at.stop))
    return {
        "TableName": table,
        "KeyConditionExpression": "#pk = :pk AND #sk BETWEEN :low AND :high",
        "ExpressionAttributeNames": {"#pk": "pk", "#sk": "sk"},
        "ExpressionAttributeValues": {":pk": {"S": _sums(report.org, shard)}, ":low": {"S": low}, ":high": {"S": high}},
    }


def read_record(answer: Mapping[str, Any], now: int) -> str | None:
    """A record's text; None where it is not there, or not any more."""
    item = answer.get("Item")
    if item is None:
        return None
    try:
        return str(item["doc"]["S"]) if int(item["expires_at"]["N"]) > now else None
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _Strange from None


def read_found(answer: Mapping[str, Any]) -> Found:
    try:
        last = answer.get("LastEvaluatedKey")
        return Found(
            {_id(item): str(item["doc"]["S"]) for item in answer["Items"]}, None if last is None else _id(last)
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _Strange from None


def read_cells(answer: Mapping[str, Any]) -> list[tuple[Cell, dict[str, int]]]:
    try:
        return [_cell(item) for item in answer["Items"]]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _Strange from None


class _Strange(RequestsFault):
    def __init__(self) -> None:
        super().__init__("an item or an answer of the request log's table has another form than Sabir gave it")


def _cell(item: Attributes) -> tuple[Cell, dict[str, int]]:
    mark, stamp, *names = item["sk"]["S"].split("#")
    at = int(datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp())
    key, provider, model = map(unescaped, names)
    amounts = {name: int(value["N"]) for name, value in item.items() if name not in ("pk", "sk", "expires_at")}
    return Cell(_STEPS[mark], at, key, provider, model), amounts


def _id(item: Attributes) -> int:
    return int(item["sk"]["S"], 16)


def _records(org: str, shard: int, *, failures: bool) -> str:
    return f"{'REQERR' if failures else 'REQ'}#{escaped(org)}#{shard}"


def _sums(org: str, shard: int) -> str:
    return f"USAGE#{escaped(org)}#{shard}"


def _shard(request_id: str) -> int:
    return zlib.crc32(request_id.encode()) % SHARDS


def _cell_sort(cell: Cell) -> str:
    return "#".join((_step_sort(cell.step, cell.at), *map(escaped, (cell.key, cell.provider, cell.model))))


def _step_sort(step: Step, at: int) -> str:
    return f"{_MARKS[step]}#{time.strftime(_FORMS[step], time.gmtime(at))}"
