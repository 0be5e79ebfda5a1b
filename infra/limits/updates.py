"""The conditional writes on a scope's item: reserve, settle, give back. Each is one UpdateItem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.limits.counters_item import EXPIRES_AT, LEASES, counter_attribute, counter_name, is_over, item_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from infra.limits.counters import Charge
    from infra.limits.counters_item import CountersItem, Holding, Lease

MAX_LEASES: Final = 1000
"""At most this many requests of a scope at once, with or without a limit of parallel requests.

A lease of five counters takes about 200 bytes, so all of them 200 KB, and the item stays below the 400 KB that DynamoDB
allows. Speed bounds them earlier: a write costs a unit for each KB of the item, and an item takes 1000 units a second.
With 30 requests at once (6 KB) that is about 70 requests a second, of two writes each.
"""
GIVE_BACK_BATCH: Final = 40
"""Leases that one write gives back: its expressions stay below 3 KB of the 4 KB that DynamoDB allows."""
_REMOVE_BATCH: Final = 40
# Longer than a month, the longest window, by what a request of its last second may still take.
_KEEP_FOR: Final = 62 * 86_400


class _Update:
    """An UpdateItem's expressions. DynamoDB refuses names and values that none of them uses, so each comes with one."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, dict[str, str]] = {}
        self._conditions: list[str] = []
        self._clauses: dict[str, list[str]] = {"SET": [], "ADD": [], "REMOVE": []}

    def require_absent(self, attribute: str) -> None:
        self._conditions.append(f"attribute_not_exists({self._name(attribute)})")

    def require_text(self, attribute: str, text: str) -> None:
        self._conditions.append(f"{self._name(attribute)} = {self._value('S', text)}")

    def require_at_most(self, attribute: str, ceiling: int) -> None:
        """An attribute that is not there counts as 0; so `ceiling` must not be negative."""
        name = self._name(attribute)
        self._conditions.append(f"(attribute_not_exists({name}) OR {name} <= {self._value('N', str(ceiling))})")

    def add(self, attribute: str, amount: int) -> None:
        self._clauses["ADD"].append(f"{self._name(attribute)} {self._value('N', str(amount))}")

    def set_text(self, attribute: str, text: str) -> None:
        self._clauses["SET"].append(f"{self._name(attribute)} = {self._value('S', text)}")

    def set_number(self, attribute: str, number: int) -> None:
        self._clauses["SET"].append(f"{self._name(attribute)} = {self._value('N', str(number))}")

    def remove(self, attributes: Iterable[str]) -> None:
        self._clauses["REMOVE"] += [self._name(attribute) for attribute in attributes]

    def body(self, table: str, scope: str) -> dict[str, Any]:
        clauses = [f"{verb} {', '.join(parts)}" for verb, parts in self._clauses.items() if parts]
        return {
            "TableName": table,
            "Key": item_key(scope),
            "ConditionExpression": " AND ".join(self._conditions),
            "UpdateExpression": " ".join(clauses),
            "ExpressionAttributeNames": {placeholder: name for name, placeholder in self._names.items()},
            "ExpressionAttributeValues": self._values,
            "ReturnValues": "ALL_NEW",
            # A refusal says what stands in its way, and whether the write was done before, without a read.
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _name(self, attribute: str) -> str:
        return self._names.setdefault(attribute, f"#n{len(self._names)}")

    def _value(self, kind: str, text: str) -> str:
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = {kind: text}
        return placeholder


def reservation(table: str, scope: str, lease: Lease, charges: Sequence[Charge], now: int) -> dict[str, Any]:
    """All charges and the lease, if every charge fits. No charge may be above its ceiling by itself."""
    update = _Update()
    update.require_absent(lease.attribute)
    update.require_at_most(LEASES, MAX_LEASES - 1)
    for charge in charges:
        attribute = counter_attribute(charge)
        if charge.ceiling is not None:
            update.require_at_most(attribute, charge.ceiling - charge.amount)
        update.add(attribute, charge.amount)
    update.add(LEASES, 1)
    update.set_text(lease.attribute, lease.text)
    update.set_number(EXPIRES_AT, now + _KEEP_FOR)
    # A lease that comes back after it was given back is one lease, not a lease and a memory of it.
    update.remove([lease.returned_attribute])
    return update.body(table, scope)


def settlement(table: str, scope: str, held: Holding, amounts: Mapping[str, int], now: int) -> dict[str, Any]:
    """What was used in place of what was reserved, if the lease still stands as it was seen."""
    update = _Update()
    update.require_text(held.attribute, held.lease.text)
    if not held.returned:
        update.add(LEASES, -1)
    for attribute, reserved in held.lease.amounts:
        # Not to a window that was forgotten: it would begin again, without what else was in it.
        if not is_over(attribute, now):
            update.add(attribute, amounts.get(counter_name(attribute), 0) - (0 if held.returned else reserved))
    update.remove(dict.fromkeys([held.attribute, *held.outlived[:_REMOVE_BATCH]]))
    return update.body(table, scope)


def giving_back(table: str, scope: str, seen: CountersItem, now: int) -> dict[str, Any] | None:
    """The expired leases that were seen, each exactly once: if one is gone meanwhile, nothing is done."""
    expired = seen.expired(now)[:GIVE_BACK_BATCH]
    if not expired:
        return None
    update = _Update()
    owed: dict[str, int] = {}
    for lease in expired:
        update.require_text(lease.attribute, lease.text)
        update.set_text(lease.returned_attribute, lease.text)
        for attribute, amount in lease.amounts:
            if not is_over(attribute, now):
                owed[attribute] = owed.get(attribute, 0) - amount
    for attribute, amount in owed.items():
        update.add(attribute, amount)
    update.add(LEASES, -len(expired))
    update.remove([*(lease.attribute for lease in expired), *seen.outlived(now)[:_REMOVE_BATCH]])
    return update.body(table, scope)
