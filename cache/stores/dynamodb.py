"""The distributed store: one DynamoDB table with a binary hash key `id` and the TTL attribute `expires_at`.

An item holds 400 KB. A longer entry is cut: the head item keeps the first part and says how many there are, the others
are items of their own. Their ids come from the entry's nonce, so the parts of two writes under one id cannot be mixed,
and the head goes last: who sees it finds the parts it names, or the answer is a miss.
"""

import base64
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from cache.errors import CacheFault, Unopenable
from cache.sealed import SealedEntry

Call: TypeAlias = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""Operation ("GetItem") and body in the DynamoDB JSON 1.0 wire form; returns the response body or raises anything."""

DEFAULT_PART_SIZE: Final = 390 * 1024
"""Bytes. With its id, names and numbers such an item stays well below 400 KB."""
MAX_PARTS: Final = 16
"""About 6 MB: one BatchGetItem answers with up to 16 MB and 100 items, so a read is two calls as a rule."""
_BATCH_ROUNDS: Final = 4
_PART_LABEL: Final = b"sabir/cache/part/v1"

_Item: TypeAlias = Mapping[str, Mapping[str, str]]


class DynamoStore:
    """`call` does the network; the store owns nothing, so `close` only ends its use.

    `part_size` is lower only for tests. Reads are eventually consistent unless told otherwise: half the price, and
    the worst case is a miss.
    """

    def __init__(
        self, call: Call, table: str, *, part_size: int = DEFAULT_PART_SIZE, consistent_read: bool = False
    ) -> None:
        self._call = call
        self._table = table
        self._part_size = part_size
        self._consistent_read = consistent_read
        self._closed = False

    async def get(self, item_id: bytes, *, now: int) -> SealedEntry | None:
        answer = await self._send(
            "GetItem",
            {"TableName": self._table, "Key": _key(item_id), "ConsistentRead": self._consistent_read},
        )
        item = answer.get("Item")
        if item is None:
            return None
        head, expires_at, parts = _read_head(item)
        # DynamoDB deletes what has expired within days, not seconds.
        if expires_at <= now:
            return None
        if parts == 1:
            return SealedEntry.from_stored(head)
        return await self._join(item_id, head, parts)

    async def put(self, item_id: bytes, sealed: SealedEntry, *, now: int) -> None:  # noqa: ARG002 - others sweep by it
        """An expired entry is written too: it replaces what was there, and TTL takes it away.

        Raises `CacheFault` for an entry of more than `MAX_PARTS` parts.
        """
        stored, expires_at = sealed.stored, sealed.expires_at
        pieces = [stored[at : at + self._part_size] for at in range(0, len(stored), self._part_size)]
        if len(pieces) > MAX_PARTS:
            raise CacheFault(f"the entry needs {len(pieces)} DynamoDB items, at most {MAX_PARTS} are allowed")
        head = _item(item_id, pieces[0], expires_at)
        if len(pieces) > 1:
            head["parts"] = {"N": str(len(pieces))}
        parts = zip(_part_ids(item_id, sealed.nonce, len(pieces)), pieces[1:], strict=True)
        for item in [*(_item(part_id, piece, expires_at) for part_id, piece in parts), head]:
            await self._send("PutItem", {"TableName": self._table, "Item": item})

    async def close(self) -> None:
        self._closed = True

    async def _join(self, item_id: bytes, head: bytes, parts: int) -> SealedEntry | None:
        ids = _part_ids(item_id, SealedEntry.from_stored(head).nonce, parts)
        found = await self._read_parts(ids)
        if not all(part_id in found for part_id in ids):
            return None
        return SealedEntry.from_stored(head + b"".join(found[part_id] for part_id in ids))

    async def _read_parts(self, ids: Sequence[bytes]) -> dict[bytes, bytes]:
        """What could be had in a bounded number of calls; DynamoDB may leave keys of a batch unprocessed."""
        found: dict[bytes, bytes] = {}
        asked: Any = {self._table: {"Keys": [_key(i) for i in ids], "ConsistentRead": self._consistent_read}}
        for _ in range(_BATCH_ROUNDS):
            answer = await self._send("BatchGetItem", {"RequestItems": asked})
            for item in answer.get("Responses", {}).get(self._table, []):
                found[_binary(item, "id")] = _binary(item, "sealed")
            asked = answer.get("UnprocessedKeys")
            if not asked:
                break
        return found

    async def _send(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        if self._closed:
            raise CacheFault("the DynamoDB cache is closed")
        try:
            return await self._call(operation, body)
        except Exception as error:
            raise CacheFault(f"DynamoDB {operation} failed: {error}") from error


def _part_ids(item_id: bytes, nonce: bytes, parts: int) -> list[bytes]:
    """Ids of all parts but the head. Hashes, so in the table they look like any other id."""
    return [
        hashlib.sha256(b"".join((_PART_LABEL, item_id, nonce, bytes((index,))))).digest() for index in range(1, parts)
    ]


def _key(item_id: bytes) -> dict[str, dict[str, str]]:
    return {"id": {"B": base64.b64encode(item_id).decode("ascii")}}


def _item(item_id: bytes, piece: bytes, expires_at: int) -> dict[str, dict[str, str]]:
    sealed = {"B": base64.b64encode(piece).decode("ascii")}
    return {**_key(item_id), "sealed": sealed, "expires_at": {"N": str(expires_at)}}


def _read_head(item: _Item) -> tuple[bytes, int, int]:
    """Sealed bytes, expires_at and number of parts. Nothing here is trusted before the entry has been opened."""
    try:
        expires_at = int(item["expires_at"]["N"])
        parts = int(item["parts"]["N"]) if "parts" in item else 1
    except (KeyError, TypeError, ValueError) as error:
        raise Unopenable from error
    if not 1 <= parts <= MAX_PARTS:
        raise Unopenable
    return _binary(item, "sealed"), expires_at, parts


def _binary(item: _Item, name: str) -> bytes:
    try:
        return base64.b64decode(item[name]["B"], validate=True)
    except (KeyError, TypeError, ValueError) as error:
        raise Unopenable from error
