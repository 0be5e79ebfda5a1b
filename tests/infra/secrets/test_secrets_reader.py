"""The reader: how old a copy may be, who waits for whom, an outage, and a rotation step by step. The clock is a number."""

import asyncio
import gc
from typing import Any

import pytest

from infra.secrets.org_secrets import OrgSecrets
from infra.secrets.reader import PAUSE, SecretsReader
from infra.secrets.store import SecretsFault
from tests.infra.secrets.counted_store import CountedStore, secret_of, started

NOW = 1_000.0
TTL, GRACE = 60.0, 300.0


@pytest.fixture
def store() -> CountedStore:
    return CountedStore()


@pytest.fixture
def reader(store: CountedStore) -> SecretsReader:
    return SecretsReader(store, TTL, GRACE)


# --- how old ----------------------------------------------------------------------------------------------------------


async def test_a_copy_serves_for_its_ttl_and_is_then_read_anew(store: CountedStore, reader: SecretsReader) -> None:
    store.put("one")
    assert secret_of(await reader.of("acme", now=NOW)) == "one"
    store.put("two")
    assert secret_of(await reader.of("acme", now=NOW + TTL - 0.1)) == "one"
    assert len(store.reads) == 1
    assert secret_of(await reader.of("acme", now=NOW + TTL)) == "two"
    assert store.reads == [("org/acme", "current")] * 2


async def test_orgs_do_not_see_each_others_secrets(store: CountedStore, reader: SecretsReader) -> None:
    store.put("of-acme")
    store.put("of-other", "other")
    assert secret_of(await reader.of("acme", now=NOW)) == "of-acme"
    assert secret_of(await reader.of("other", now=NOW)) == "of-other"
    assert await reader.of("third", now=NOW) is None


async def test_that_an_org_has_no_document_is_believed_for_a_moment_only(
    store: CountedStore, reader: SecretsReader
) -> None:
    assert await reader.of("acme", now=NOW) is None
    store.put("one")
    assert await reader.of("acme", now=NOW + PAUSE - 0.1) is None
    assert secret_of(await reader.of("acme", now=NOW + PAUSE)) == "one"


# --- one read for all -------------------------------------------------------------------------------------------------


async def test_all_who_ask_at_once_share_one_read(store: CountedStore, reader: SecretsReader) -> None:
    store.put("one")
    store.gate.clear()
    tasks = [await started(lambda: reader.of("acme", now=NOW)) for _ in range(50)]
    assert len(store.reads) == 1
    store.gate.set()
    assert {secret_of(found) for found in await asyncio.gather(*tasks)} == {"one"}
    assert len(store.reads) == 1


async def test_a_caller_who_goes_away_takes_the_read_from_nobody(store: CountedStore, reader: SecretsReader) -> None:
    store.put("one")
    store.gate.clear()
    gone = await started(lambda: reader.of("acme", now=NOW))
    stays = await started(lambda: reader.of("acme", now=NOW))
    gone.cancel()
    store.gate.set()
    assert secret_of(await stays) == "one"
    assert gone.cancelled()
    assert len(store.reads) == 1


async def test_a_failed_read_that_nobody_waits_for_any_more_is_no_complaint(
    store: CountedStore, reader: SecretsReader
) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    store.out = True
    store.gate.clear()
    gone = await started(lambda: reader.of("acme", now=NOW))
    gone.cancel()
    store.gate.set()
    for _ in range(5):
        await asyncio.sleep(0)
    del gone
    gc.collect()
    assert complaints == []


def test_a_read_left_behind_on_an_ended_loop_holds_up_nobody_on_the_next(store: CountedStore) -> None:
    """Under Mangum each invocation may have a loop of its own."""
    reader = SecretsReader(store, TTL, GRACE)
    store.put("one")
    first = asyncio.new_event_loop()
    store.gate = asyncio.Event()
    left = first.create_task(reader.of("acme", now=NOW))
    first.run_until_complete(asyncio.sleep(0.001))
    assert len(store.reads) == 1
    store.gate.set()
    second = asyncio.new_event_loop()
    try:
        assert secret_of(second.run_until_complete(reader.of("acme", now=NOW))) == "one"
        assert secret_of(second.run_until_complete(reader.of("acme", now=NOW))) == "one"
        assert len(store.reads) == 2
    finally:
        second.close()
        assert secret_of(first.run_until_complete(left)) == "one"
        first.close()


def test_a_read_that_ended_with_its_loop_is_begun_anew_on_the_next(store: CountedStore) -> None:
    """`asyncio.run` cancels what is left."""
    reader = SecretsReader(store, TTL, GRACE)
    store.put("one")

    async def leaves() -> None:
        store.gate = asyncio.Event()
        await started(lambda: reader.of("acme", now=NOW))

    async def asks() -> OrgSecrets | None:
        store.gate.set()
        return await reader.of("acme", now=NOW)

    asyncio.run(leaves())
    assert secret_of(asyncio.run(asks())) == "one"
    assert len(store.reads) == 2


# --- outages ----------------------------------------------------------------------------------------------------------


async def test_an_old_copy_serves_through_an_outage_until_its_grace_ends(
    store: CountedStore, reader: SecretsReader
) -> None:
    store.put("one")
    await reader.of("acme", now=NOW)
    store.out = True
    for later in (TTL, TTL + 100, TTL + GRACE - 0.1):
        assert secret_of(await reader.of("acme", now=NOW + later)) == "one"
    for later in (TTL + GRACE, TTL + GRACE + 1000):
        with pytest.raises(SecretsFault):
            await reader.of("acme", now=NOW + later)
    store.out = False
    store.put("two")
    assert secret_of(await reader.of("acme", now=NOW + TTL + GRACE + 1001)) == "two"


async def test_in_an_outage_the_store_is_asked_once_in_a_while_and_not_by_each_request(
    store: CountedStore, reader: SecretsReader
) -> None:
    store.put("one")
    await reader.of("acme", now=NOW)
    store.out = True
    for tenth in range(200):
        assert secret_of(await reader.of("acme", now=NOW + TTL + tenth / 10)) == "one"
    assert len(store.reads) == 1 + 20 / PAUSE


async def test_a_store_that_is_back_is_noticed_after_the_pause(store: CountedStore, reader: SecretsReader) -> None:
    store.put("one")
    await reader.of("acme", now=NOW)
    store.out = True
    await reader.of("acme", now=NOW + TTL)
    store.out = False
    store.put("two")
    assert secret_of(await reader.of("acme", now=NOW + TTL + PAUSE)) == "two"


async def test_pitfall_39_an_outage_without_a_copy_is_a_fault_for_each_and_tried_by_each(
    store: CountedStore, reader: SecretsReader
) -> None:
    store.put("one")
    store.out = True
    store.gate.clear()
    tasks = [await started(lambda: reader.of("acme", now=NOW)) for _ in range(5)]
    store.gate.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [SecretsFault] * 5
    store.out = False
    assert secret_of(await reader.of("acme", now=NOW)) == "one"


async def test_pitfall_39_that_there_was_no_document_is_not_believed_in_an_outage(
    store: CountedStore, reader: SecretsReader
) -> None:
    assert await reader.of("acme", now=NOW) is None
    store.out = True
    with pytest.raises(SecretsFault):
        await reader.of("acme", now=NOW + PAUSE)


async def test_a_document_that_cannot_be_used_is_as_an_outage_and_is_not_quoted(
    store: CountedStore, reader: SecretsReader
) -> None:
    store.put("one")
    await reader.of("acme", now=NOW)
    store.put("two words")
    assert secret_of(await reader.of("acme", now=NOW + TTL)) == "one"
    with pytest.raises(SecretsFault, match=r"^the document of acme cannot be used: .*secret must be") as fault:
        await reader.of("acme", now=NOW + TTL + GRACE)
    assert "two words" not in f"{fault.value!r} {fault.value.__cause__!r}"


async def test_secrets_are_not_kept_for_longer_than_they_can_be_of_use(
    store: CountedStore, reader: SecretsReader
) -> None:
    store.put("sk-of-acme")
    store.put("of-other", "other")
    await reader.of("acme", now=NOW)
    await reader.of("other", now=NOW + TTL + GRACE)
    assert "acme" not in str(vars(reader))
    assert "sk-of-acme" not in str(vars(reader))


# --- rotation ---------------------------------------------------------------------------------------------------------


async def test_a_rotation_walks_through_without_an_error(store: CountedStore, reader: SecretsReader) -> None:
    store.put("old")
    seen = await reader.of("acme", now=NOW)
    assert seen is not None
    # The operator puts the new secret; this sandbox still has the old one, and it works.
    store.put("new")
    assert secret_of(await reader.of("acme", now=NOW + 1)) == "old"
    # The old one is revoked: the provider's 401 brings the new one at once.
    renewed = await reader.renewed("acme", seen.version, now=NOW + 2)
    assert secret_of(renewed) == "new"
    assert secret_of(await reader.of("acme", now=NOW + 3)) == "new"
    # The provider does not know the new one yet: the one before still works.
    assert renewed is not None
    assert secret_of(await reader.renewed("acme", renewed.version, now=NOW + 4)) == "new"
    assert secret_of(await reader.previous("acme", now=NOW + 4)) == "old"
    # Later requests do so again without asking the store.
    asked = len(store.reads)
    assert secret_of(await reader.renewed("acme", renewed.version, now=NOW + 5)) == "new"
    assert secret_of(await reader.previous("acme", now=NOW + 5)) == "old"
    assert len(store.reads) == asked


async def test_who_comes_late_with_the_old_version_gets_the_new_one_without_a_read(
    store: CountedStore, reader: SecretsReader
) -> None:
    old = store.put("old")
    await reader.of("acme", now=NOW)
    store.put("new")
    found = [await reader.renewed("acme", old, now=NOW + 1) for _ in range(10)]
    assert {secret_of(each) for each in found} == {"new"}
    assert len(store.reads) == 2


async def test_a_burst_of_refusals_is_one_read(store: CountedStore, reader: SecretsReader) -> None:
    old = store.put("old")
    await reader.of("acme", now=NOW)
    store.put("new")
    store.gate.clear()
    tasks = [await started(lambda: reader.renewed("acme", old, now=NOW + 1)) for _ in range(20)]
    store.gate.set()
    assert {secret_of(found) for found in await asyncio.gather(*tasks)} == {"new"}
    assert len(store.reads) == 2


async def test_a_secret_that_stays_wrong_does_not_bring_a_read_with_each_request(
    store: CountedStore, reader: SecretsReader
) -> None:
    version = store.put("wrong")
    await reader.of("acme", now=NOW)
    for tenth in range(100):
        assert secret_of(await reader.renewed("acme", version, now=NOW + tenth / 10)) == "wrong"
    assert len(store.reads) == 1 + 10 / PAUSE
    # And one org's wrong secret is nothing to another's.
    other = store.put("of-other", "other")
    await reader.of("other", now=NOW + 9.9)
    store.put("new-of-other", "other")
    assert secret_of(await reader.renewed("other", other, now=NOW + 9.9)) == "new-of-other"


async def test_after_a_refusal_in_an_outage_the_copy_is_all_there_is(
    store: CountedStore, reader: SecretsReader
) -> None:
    version = store.put("one")
    await reader.of("acme", now=NOW)
    store.out = True
    for _ in range(10):
        assert secret_of(await reader.renewed("acme", version, now=NOW + 1)) == "one"
    assert len(store.reads) == 2
    # Its own time has not become shorter by it.
    assert secret_of(await reader.of("acme", now=NOW + TTL - 1)) == "one"
    assert len(store.reads) == 2


async def test_who_asks_for_more_without_a_copy_gets_what_there_is(store: CountedStore, reader: SecretsReader) -> None:
    assert await reader.renewed("acme", "v1", now=NOW) is None
    store.put("one")
    assert secret_of(await reader.renewed("acme", "v0", now=NOW + PAUSE)) == "one"


async def test_an_org_that_was_deleted_meanwhile_has_no_secrets(store: CountedStore, reader: SecretsReader) -> None:
    version = store.put("one")
    await reader.of("acme", now=NOW)
    store.stages.clear()
    assert await reader.renewed("acme", version, now=NOW + 1) is None
    assert await reader.of("acme", now=NOW + 2) is None


async def test_where_there_never_was_another_there_is_no_previous_one(
    store: CountedStore, reader: SecretsReader
) -> None:
    store.put("one")
    assert await reader.previous("acme", now=NOW) is None


async def test_the_previous_one_is_the_one_before_the_newest_even_if_another_was_kept(
    store: CountedStore, reader: SecretsReader
) -> None:
    store.put("first")
    second = store.put("second")
    await reader.of("acme", now=NOW)
    assert secret_of(await reader.previous("acme", now=NOW)) == "first"
    store.put("third")
    assert secret_of(await reader.renewed("acme", second, now=NOW + 1)) == "third"
    assert secret_of(await reader.previous("acme", now=NOW + 1)) == "second"


async def test_a_slow_read_of_the_previous_one_does_not_outlive_a_rotation(
    store: CountedStore, reader: SecretsReader
) -> None:
    store.put("first")
    second = store.put("second")
    await reader.of("acme", now=NOW)
    store.gate.clear()
    slow = await started(lambda: reader.previous("acme", now=NOW))
    held, store.gate = store.gate, asyncio.Event()
    store.gate.set()
    store.put("third")
    assert secret_of(await reader.renewed("acme", second, now=NOW + 1)) == "third"
    # A read of the new one is under way when the old read ends, which takes nothing from it.
    store.gate.clear()
    new = await started(lambda: reader.previous("acme", now=NOW + 1))
    asked = len(store.reads)
    held.set()
    assert secret_of(await slow) == "first"
    joins = await started(lambda: reader.previous("acme", now=NOW + 1))
    store.gate.set()
    assert [secret_of(each) for each in (await new, await joins)] == ["second", "second"]
    assert secret_of(await reader.previous("acme", now=NOW + 1)) == "second"
    assert len(store.reads) == asked
