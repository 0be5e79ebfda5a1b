"""Secret documents in the embedded store, sealed with the master key: the file alone tells names and sizes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from infra.secrets.document_text import decode, encode
from infra.secrets.sealing import Unsealable, derive_key, seal, unseal
from infra.secrets.store import SecretDocument, SecretsConflict, SecretsFault
from infra.sqlite import Component, SqliteFile

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from infra.control.store import Json
    from infra.secrets.store import Stage

_TABLE: Final = """
CREATE TABLE secrets_documents (
    name TEXT NOT NULL, stage TEXT NOT NULL, version TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (name, stage)
) WITHOUT ROWID
"""
_COMPONENT: Final = Component("secrets", version=1, schema=(_TABLE,))


class SealedSqliteStore:
    """`master_key`: 32 bytes, see `master_key.load_or_make`. `nonces`: 12 fresh random bytes at each call.

    The file may be shared with other components of ours. A version is its sealing's nonce in hex, which is never the
    same twice. Raises ValueError for a master key of another length.
    """

    def __init__(self, path: Path, master_key: bytes, nonces: Callable[[], bytes]) -> None:
        self._key = derive_key(master_key)
        self._nonces = nonces
        self._file = SqliteFile(path, _COMPONENT, SecretsFault)

    async def read(self, name: str, stage: Stage = "current") -> SecretDocument | None:
        row = await self._file.read(partial(_select, name, stage))
        if row is None:
            return None
        version, sealed = row
        try:
            text = unseal(self._key, sealed, name=name, version=version)
        except Unsealable as fault:
            raise SecretsFault(f"{name}: {fault}") from fault
        return SecretDocument(decode(name, text), version)

    async def write(self, name: str, value: Mapping[str, Json], *, version: str | None) -> str:
        text = encode(name, value)
        nonce = self._nonces()
        written = nonce.hex()
        sealed = seal(self._key, text.encode(), nonce, name=name, version=written)
        await self._file.write(partial(_replace, name, version, (written, sealed)))
        return written

    async def delete(self, name: str) -> None:
        await self._file.write(partial(_delete, name))

    async def close(self) -> None:
        await self._file.close()


def _select(name: str, stage: Stage, connection: sqlite3.Connection) -> tuple[str, bytes] | None:
    row: tuple[str, bytes] | None = connection.execute(
        "SELECT CAST(version AS TEXT), CAST(sealed AS BLOB) FROM secrets_documents WHERE name = ? AND stage = ?",
        (name, stage),
    ).fetchone()
    return row


def _replace(name: str, read: str | None, new: tuple[str, bytes], connection: sqlite3.Connection) -> None:
    current = _select(name, "current", connection)
    if (current[0] if current else None) != read:
        raise SecretsConflict(f"somebody else changed {name}")
    connection.execute("DELETE FROM secrets_documents WHERE name = ? AND stage = 'previous'", (name,))
    connection.execute("UPDATE secrets_documents SET stage = 'previous' WHERE name = ?", (name,))
    connection.execute("INSERT INTO secrets_documents VALUES (?, 'current', ?, ?)", (name, *new))


def _delete(name: str, connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM secrets_documents WHERE name = ?", (name,))
