"""What only the sealed SQLite store does: keep its documents from whoever has the file."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.secrets.sealed_sqlite import SealedSqliteStore
from infra.secrets.store import SecretsConflict, SecretsFault
from infra.sqlite import Component, SqliteFile

MASTER = bytes(range(32))
SECRET = "sk-very-secret"
Open = Callable[..., SealedSqliteStore]


def nonce() -> bytes:
    return os.urandom(12)


def open_store(path: Path, master_key: bytes = MASTER) -> SealedSqliteStore:
    return SealedSqliteStore(path / "control.db", master_key, nonce)


def change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path / "control.db")
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def files_of(path: Path) -> dict[str, tuple[bytes, int]]:
    return {file.name: (file.read_bytes(), file.stat().st_mode & 0o777) for file in path.iterdir()}


async def test_a_later_process_reads_what_an_earlier_one_wrote(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    version = await store.write("org/acme", {"secret": SECRET}, version=None)
    await store.close()
    store = open_store(tmp_path)
    found = await store.read("org/acme")
    assert found is not None
    assert (found.value, found.version) == ({"secret": SECRET}, version)
    await store.close()


async def test_the_files_hold_no_secret_and_only_their_owner_can_read_them(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    first = await store.write("org/acme", {"secret": SECRET}, version=None)
    await store.write("org/acme", {"secret": SECRET, "more": 1}, version=first)
    files = files_of(tmp_path)
    assert "control.db-wal" in files
    for content, mode in files.values():
        assert SECRET.encode() not in content
        assert MASTER not in content
        assert mode == 0o600
    await store.close()


async def test_with_another_master_key_every_read_is_a_fault(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    await store.write("org/acme", {"secret": SECRET}, version=None)
    await store.close()
    store = open_store(tmp_path, bytes(32))
    with pytest.raises(SecretsFault, match=r"^org/acme: the document cannot be opened with this master key$"):
        await store.read("org/acme")
    await store.close()


@pytest.mark.parametrize(
    "swap",
    [
        "UPDATE secrets_documents SET sealed = (SELECT sealed FROM secrets_documents WHERE name = 'org/other')",
        "UPDATE secrets_documents SET sealed = (SELECT sealed FROM secrets_documents WHERE stage = 'previous')",
        "DELETE FROM secrets_documents WHERE name = 'org/acme';UPDATE secrets_documents SET name = 'org/acme'",
        "UPDATE secrets_documents SET version = 'another'",
        "UPDATE secrets_documents SET sealed = substr(sealed, 1, length(sealed) - 1)",
        "UPDATE secrets_documents SET sealed = ''",
        "UPDATE secrets_documents SET sealed = 7",
    ],
)
async def test_rows_that_somebody_swapped_or_spoilt_do_not_open(tmp_path: Path, swap: str) -> None:
    store = open_store(tmp_path)
    first = await store.write("org/acme", {"secret": "old"}, version=None)
    await store.write("org/acme", {"secret": SECRET}, version=first)
    await store.write("org/other", {"secret": "other"}, version=None)
    await store.close()
    change(tmp_path, *swap.split(";"))
    store = open_store(tmp_path)
    with pytest.raises(SecretsFault):
        await store.read("org/acme")
    await store.close()


async def test_two_processes_that_change_one_document_see_each_other(tmp_path: Path) -> None:
    one, two = open_store(tmp_path), open_store(tmp_path)
    first = await one.write("org/acme", {"n": 0}, version=None)
    await two.write("org/acme", {"n": 1}, version=first)
    with pytest.raises(SecretsConflict):
        await one.write("org/acme", {"n": 2}, version=first)
    found = await one.read("org/acme")
    assert found is not None
    assert found.value == {"n": 1}
    await one.close()
    await two.close()


async def test_the_file_is_shared_with_other_components(tmp_path: Path) -> None:
    other = SqliteFile(tmp_path / "control.db", Component("other", 1, ("CREATE TABLE other_rows (n)",)), RuntimeError)
    await other.write(lambda connection: connection.execute("INSERT INTO other_rows VALUES (1)").rowcount)
    store = open_store(tmp_path)
    await store.write("org/acme", {"n": 0}, version=None)
    assert await other.read(lambda connection: connection.execute("SELECT n FROM other_rows").fetchall()) == [(1,)]
    await store.close()
    await other.close()


def test_a_master_key_of_another_length_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a master key has 32 bytes"):
        open_store(tmp_path, b"short")
    assert list(tmp_path.iterdir()) == []
