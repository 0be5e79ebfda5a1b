"""Notes: small sealed things beside the answers that a conversation needs later, and can do without.

A note is kept in the same store, under the same root and with the same derivation as an answer. Its identity is of
another form than any answer's, so that one is never found for the other. Nothing here can fail or hold up a request: a
note that is not found in time, or does not open, is a note that was never kept.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cache.identity import IdentityError, Json, request_identity
from cache.keyring import EntryKeys, derive
from cache.sealed import CacheEntry, SealContext, Sealer
from cache.sealed_cache import (
    CALLER_SCOPE,
    DEFAULT_READ_DEADLINE,
    DEFAULT_WRITE_DEADLINE,
    describe,
    put_sealed,
)
from cache.stores.base import Store

VERSION: Final = 1
"""Of the identity. Another version neither finds nor is found by what this one kept."""

DEFAULT_TTL: Final = 86_400
"""Seconds. A tool that is run by hand, or waits for somebody's approval, answers within a day; what is older is a
conversation taken up again, which providers let begin anew. Shorter than an answer's life: a note holds thinking."""

MAX_SIZE: Final = 256 * 1024
"""Bytes of one payload before compression: the longest thinking in use, with its signature; one item in DynamoDB."""

# Reads under way at once: each may need a connection of its own, whose handshake costs more than the read.
_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Note:
    """What is to be kept, made by `hold` and spent by `put`. Opaque."""

    _keys: EntryKeys = field(repr=False)
    _scope: bytes
    _payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """The payload of each name asked for, in order, None where there is none. `fault`: for the log, or empty."""

    payloads: tuple[bytes | None, ...] = field(repr=False)
    fault: str = ""


@dataclass(slots=True)
class Counters:
    """Since the start of this process. `absent` counts every name without a note, whatever the reason."""

    found: int = 0
    absent: int = 0
    read_faults: int = 0
    read_timeouts: int = 0
    kept: int = 0
    refused: int = 0
    write_faults: int = 0
    write_timeouts: int = 0


class Sidecar:
    """Deadlines and `ttl` are seconds; `read_deadline` is for all names of one `find` together."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        *,
        read_deadline: float = DEFAULT_READ_DEADLINE,
        write_deadline: float = DEFAULT_WRITE_DEADLINE,
        ttl: int = DEFAULT_TTL,
        max_size: int = MAX_SIZE,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._read_deadline = read_deadline
        self._write_deadline = write_deadline
        self._ttl = ttl
        self._max_size = max_size
        self._held: dict[bytes, Note] = {}
        self.counters = Counters()

    def hold(
        self, root: bytes, name: Mapping[str, Json], payload: bytes, *, scope: bytes = CALLER_SCOPE
    ) -> Note | None:
        """From now until it is put, the note is found in this process: a client's next turn may be quicker than the
        store. It must be put in the end. None where it is too large to keep, or its name is not JSON.

        `root` and `scope` as for answers (`keyring.derive`, FORMAT.md); an empty root raises ValueError.
        """
        keys = _keys(root, name)
        if keys is None or len(payload) > self._max_size:
            self.counters.refused += 1
            return None
        note = Note(keys, scope, payload)
        self._held[keys.item_id] = note
        return note

    async def put(self, note: Note, *, now: int) -> str:
        """Seals and stores it. What went wrong, in words for the log; empty where nothing did."""
        try:
            await self._write(note, now)
        except TimeoutError:
            self.counters.write_timeouts += 1
            return "the cache did not take a note in time"
        except Exception as error:  # noqa: BLE001 - the client has its answer; a lost note is one that is not found
            self.counters.write_faults += 1
            return describe(error)
        finally:
            if self._held.get(note._keys.item_id) is note:
                del self._held[note._keys.item_id]
        self.counters.kept += 1
        return ""

    async def find(
        self, root: bytes, names: Sequence[Mapping[str, Json]], *, now: int, scope: bytes = CALLER_SCOPE
    ) -> Found:
        """Reads in the order of `names`, some at a time; when time is up, what has been found is the answer.

        After the first fault nothing more is asked of the store. Raises ValueError for an empty root, and nothing else.
        """
        search = _Search([_keys(root, name) for name in names], scope, now)
        try:
            async with asyncio.timeout(self._read_deadline), asyncio.TaskGroup() as group:
                for _ in range(min(_AT_ONCE, len(names))):
                    group.create_task(self._read_on(search))
        except TimeoutError:
            self.counters.read_timeouts += 1
            search.fault = "the cache did not find the notes in time"
        found = tuple(search.found.get(number) for number in range(len(names)))
        absent = found.count(None)
        self.counters.found += len(found) - absent
        self.counters.absent += absent
        return Found(found, search.fault)

    async def _read_on(self, search: "_Search") -> None:
        while search.left:
            number, keys = search.left.popleft()
            try:
                payload = await self._read(keys, search)
            except Exception as error:  # noqa: BLE001 - whatever a store does wrong, the request goes on without it
                self.counters.read_faults += 1
                search.give_up(describe(error))
                return
            if payload is not None:
                search.found[number] = payload

    async def _read(self, keys: EntryKeys, search: "_Search") -> bytes | None:
        held = self._held.get(keys.item_id)
        if held is not None and held._scope == search.scope:
            return held._payload
        sealed = await self._store.get(keys.item_id, now=search.now)
        if sealed is None:
            return None
        entry = self._sealer.open(keys.data_key, sealed, SealContext(keys.item_id, search.scope))
        return entry.payload if entry.expires_at > search.now else None

    async def _write(self, note: Note, now: int) -> None:
        entry = CacheEntry(note._payload, now, now + self._ttl)
        context = SealContext(note._keys.item_id, note._scope)
        async with asyncio.timeout(self._write_deadline):
            await put_sealed(self._store, self._sealer, note._keys.data_key, entry, context, now=now)


class _Search:
    """One `find` under way: its readers take the next name from `left` in turn."""

    def __init__(self, keys: Sequence[EntryKeys | None], scope: bytes, now: int) -> None:
        self.left = deque((number, found) for number, found in enumerate(keys) if found)
        self.scope = scope
        self.now = now
        self.found: dict[int, bytes] = {}
        self.fault = ""

    def give_up(self, fault: str) -> None:
        self.left.clear()
        self.fault = self.fault or fault


def _keys(root: bytes, name: Mapping[str, Json]) -> EntryKeys | None:
    """No answer's identity has a member `sidecar`, so no answer has these keys."""
    try:
        identity = request_identity({"sidecar": VERSION, "of": name})
    except IdentityError:
        return None
    return derive(root, identity)
