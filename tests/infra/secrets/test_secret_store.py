"""What every store of secrets must do, run against each: sealed SQLite, and Secrets Manager on two emulators."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from infra.aws.json_client import AwsJsonClient
from infra.secrets.document_text import MAX_DOCUMENT
from infra.secrets.sealed_sqlite import SealedSqliteStore
from infra.secrets.secrets_manager import SecretsManagerStore
from infra.secrets.store import SecretsConflict, SecretsFault, SecretStore

Manager = Callable[..., AbstractAsyncContextManager[tuple[AwsJsonClient, str]]]

NAME = "org/acme"
NO_SUCH_VERSION = "0" * 32


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("moto", marks=pytest.mark.slow),
        pytest.param("ministack", marks=pytest.mark.slow),
    ]
)
async def store(request: pytest.FixtureRequest, tmp_path: Path, manager: Manager) -> AsyncIterator[SecretStore]:
    if request.param == "sqlite":
        sealed = SealedSqliteStore(tmp_path / "control.db", os.urandom(32), lambda: os.urandom(12))
        yield sealed
        await sealed.close()
        return
    async with manager(request.getfixturevalue(f"{request.param}_url")) as (client, prefix):
        store = SecretsManagerStore(client.call, prefix)
        yield store
        await store.close()


async def contents(store: SecretStore, name: str = NAME) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    current, previous = await store.read(name), await store.read(name, "previous")
    return (current.value if current else None, previous.value if previous else None)


async def test_what_was_never_written_is_absent(store: SecretStore) -> None:
    assert await contents(store) == (None, None)


@pytest.mark.parametrize("value", [{}, {"a": [1, 2.5, True, None, {"b": "ü\u2028\U0001f512"}]}, {"big": "x" * 60_000}])
async def test_a_document_comes_back_as_it_was_with_the_version_that_its_write_gave(
    store: SecretStore, value: dict[str, Any]
) -> None:
    version = await store.write(NAME, value, version=None)
    found = await store.read(NAME)
    assert found is not None
    assert (found.value, found.version) == (value, version)
    assert await store.read(NAME, "previous") is None


async def test_the_one_before_is_the_previous_one_after_each_write(store: SecretStore) -> None:
    versions = [await store.write(NAME, {"n": 0}, version=None)]
    for n in (1, 2, 3):
        versions.append(await store.write(NAME, {"n": n}, version=versions[-1]))
        previous = await store.read(NAME, "previous")
        assert previous is not None
        assert (previous.value, previous.version) == ({"n": n - 1}, versions[-2])
        assert await contents(store) == ({"n": n}, {"n": n - 1})
    assert len(set(versions)) == 4


async def test_a_write_over_a_version_that_is_no_longer_current_changes_nothing(store: SecretStore) -> None:
    first = await store.write(NAME, {"n": 0}, version=None)
    second = await store.write(NAME, {"n": 1}, version=first)
    for stale in (first, NO_SUCH_VERSION, None):
        with pytest.raises(SecretsConflict):
            await store.write(NAME, {"n": "lost"}, version=stale)
        assert await contents(store) == ({"n": 1}, {"n": 0})
    await store.write(NAME, {"n": 2}, version=second)
    assert await contents(store) == ({"n": 2}, {"n": 1})


async def test_a_write_over_what_is_not_there_is_a_conflict(store: SecretStore) -> None:
    with pytest.raises(SecretsConflict):
        await store.write(NAME, {}, version=NO_SUCH_VERSION)
    assert await contents(store) == (None, None)


async def test_a_deleted_document_is_gone_in_both_stages_and_can_be_made_anew(store: SecretStore) -> None:
    first = await store.write(NAME, {"n": 0}, version=None)
    await store.write(NAME, {"n": 1}, version=first)
    await store.delete(NAME)
    await store.delete(NAME)
    assert await contents(store) == (None, None)
    with pytest.raises(SecretsConflict):
        await store.write(NAME, {"n": 2}, version=first)
    await store.write(NAME, {"n": 3}, version=None)
    assert await contents(store) == ({"n": 3}, None)


async def test_documents_are_told_apart_by_their_whole_names(store: SecretStore) -> None:
    names = ["org/a", "org/a-bcdefg", "cache-key/a", "org/a/b"]
    for name in names:
        await store.write(name, {"is": name}, version=None)
    await store.delete("org/a")
    assert [await contents(store, name) for name in names] == [
        (None, None),
        *[({"is": name}, None) for name in names[1:]],
    ]


async def test_a_document_over_the_limit_is_refused_without_quoting_it(store: SecretStore) -> None:
    room = MAX_DOCUMENT - len('{"s":""}')
    with pytest.raises(ValueError, match=r"^the document org/acme has 65537 bytes, at most 65536 are allowed$"):
        await store.write(NAME, {"s": "x" * (room + 1)}, version=None)
    assert await contents(store) == (None, None)
    await store.write(NAME, {"s": "x" * room}, version=None)
    assert await contents(store) == ({"s": "x" * room}, None)


async def test_of_many_writers_at_once_none_loses_its_change(store: SecretStore) -> None:
    """Each adds its own mark to what it read, as an admin adds an endpoint; a lost update would lose a mark."""
    await store.write(NAME, {"marks": []}, version=None)
    conflicts = 0

    async def add(mark: int) -> None:
        nonlocal conflicts
        while True:
            found = await store.read(NAME)
            assert found is not None
            marks = found.value["marks"]
            assert isinstance(marks, list)
            try:
                await store.write(NAME, {"marks": [*marks, mark]}, version=found.version)
            except SecretsConflict:
                conflicts += 1
            else:
                return

    await asyncio.gather(*(add(mark) for mark in range(12)))
    current, previous = await contents(store)
    assert current is not None
    assert previous is not None
    assert sorted(current["marks"]) == list(range(12))
    assert previous["marks"] == current["marks"][:-1]
    # Or they did not meet at all, and the test has shown nothing.
    assert conflicts > 0


async def test_of_many_who_create_at_once_one_does(store: SecretStore) -> None:
    outcomes = await asyncio.gather(
        *(store.write(NAME, {"by": n}, version=None) for n in range(6)), return_exceptions=True
    )
    versions = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert len(versions) == 1
    assert sum(isinstance(outcome, SecretsConflict) for outcome in outcomes) == 5
    assert await contents(store) == ({"by": outcomes.index(versions[0])}, None)


async def test_no_document_shows_its_value_by_accident(store: SecretStore) -> None:
    await store.write(NAME, {"secret": "sk-very-secret"}, version=None)
    found = await store.read(NAME)
    assert "sk-very" not in f"{found!r} {found}"


async def test_a_store_whose_place_is_gone_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = SealedSqliteStore(tmp_path / "file" / "control.db", os.urandom(32), lambda: os.urandom(12))
    with pytest.raises(SecretsFault):
        await store.read(NAME)
    await store.close()
