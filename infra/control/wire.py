"""Control items and their writes in DynamoDB's JSON form.

An item's attributes: `pk` and `sk`, its key; `doc`, the document as JSON text; `version`; `expires_at`, by which TTL
deletes, where there is one; and `write`, a random id of the write that made it what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, assert_never

from infra.control.item import expired, from_text, to_text
from infra.control.store import ControlFault, Delete, Item, ItemKey, Put

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.control.store import Write

Attributes: TypeAlias = dict[str, dict[str, str]]
Action: TypeAlias = Literal["Put", "Update", "Delete"]
"""A member of TransactWriteItems; with `Item` at its end the operation that does the same alone."""


@dataclass(frozen=True, slots=True)
class Stored:
    item: Item
    write_id: str


def key_attributes(key: ItemKey) -> Attributes:
    return {"pk": {"S": key.partition}, "sk": {"S": key.sort}}


def read_stored(attributes: Mapping[str, Any]) -> Stored:
    """Raises `ControlFault` for what no Sabir wrote."""
    try:
        key = ItemKey(attributes["pk"]["S"], attributes["sk"]["S"])
        text, write_id = attributes["doc"]["S"], attributes["write"]["S"]
        version = int(attributes["version"]["N"])
        expires_at = int(attributes["expires_at"]["N"]) if "expires_at" in attributes else None
    except (KeyError, TypeError, ValueError):
        raise ControlFault("an item of the control table lacks an attribute, or has it with another type") from None
    return Stored(Item(key, from_text(key, text), version, expires_at), write_id)


def action(write: Write, *, table: str, write_id: str, now: int) -> tuple[Action, dict[str, Any]]:
    """The action and its body. What is expired but not yet deleted is absent in its condition."""
    match write:
        case Put(key, document, int(version), expires_at):
            item = {
                **key_attributes(key),
                "doc": {"S": to_text(document)},
                "version": {"N": str(version + 1)},
                "write": {"S": write_id},
                **({} if expires_at is None else {"expires_at": {"N": str(expires_at)}}),
            }
            return "Put", {"TableName": table, "Item": item, **_condition(version, now)}
        case Put():
            return "Update", {"TableName": table, "Key": key_attributes(write.key), **_any_version(write, write_id)}
        case Delete(key, version):
            unless = {} if version is None else _condition(version, now)
            return "Delete", {"TableName": table, "Key": key_attributes(key), **unless}
        case _:
            assert_never(write)


def holds(write: Write, found: Stored | None, now: int) -> bool:
    """Whether the write's version is still the one that is there."""
    absent = found is None or expired(found.item.expires_at, now)
    return write.version is None or write.version == (0 if absent or found is None else found.item.version)


def _any_version(put: Put, write_id: str) -> dict[str, Any]:
    """Only an update can count on from a version that nobody has read."""
    assignments = "#doc = :doc, #write = :write, #version = if_not_exists(#version, :zero) + :one"
    names = {"#doc": "doc", "#write": "write", "#version": "version", "#expires_at": "expires_at"}
    values = {":doc": {"S": to_text(put.document)}, ":write": {"S": write_id}, ":zero": {"N": "0"}, ":one": {"N": "1"}}
    if put.expires_at is None:
        expression = f"SET {assignments} REMOVE #expires_at"
    else:
        expression = f"SET {assignments}, #expires_at = :expires_at"
        values[":expires_at"] = {"N": str(put.expires_at)}
    return {
        "UpdateExpression": expression,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def _condition(version: int, now: int) -> dict[str, Any]:
    if version == 0:
        return {
            "ConditionExpression": "attribute_not_exists(#pk) OR #expires_at <= :now",
            "ExpressionAttributeNames": {"#pk": "pk", "#expires_at": "expires_at"},
            "ExpressionAttributeValues": {":now": {"N": str(now)}},
        }
    return {
        "ConditionExpression": "#version = :version AND (attribute_not_exists(#expires_at) OR #expires_at > :now)",
        "ExpressionAttributeNames": {"#version": "version", "#expires_at": "expires_at"},
        "ExpressionAttributeValues": {":version": {"N": str(version)}, ":now": {"N": str(now)}},
    }
