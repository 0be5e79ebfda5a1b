"""The directory: what it finds, how long it remembers it, and what it says when the store is out."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from infra.control.codec import key_document, org_document
from infra.control.directory import Directory, Known
from infra.control.key_text import hash_of, mint, new_key_id
from infra.control.records import Org, SabirKey, health_place, key_place, org_place
from infra.control.sqlite import SqliteControlStore
from infra.control.store import ControlFault, ItemKey, Put
from providers.routing.health import health_document
from providers.secret import Secret
from tests.infra.control.book import HEALTH, KEY, NOW, ORG, SECRET, TTL, book, parts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from infra.control.store import Json


def another(number: int, org_id: str = "acme") -> tuple[Secret, SabirKey]:
    secret = mint(org_id, new_key_id((number << 6).to_bytes(7, "big")), number.to_bytes(32, "big"))
    return secret, SabirKey(org_id, secret.reveal().split("_")[2], hash_of(secret), "ci", NOW)


# --- finding ----------------------------------------------------------------------------------------------------------


async def test_a_key_is_found_with_its_org_and_the_health_of_its_endpoints_in_one_read() -> None:
    store = book()
    known = await Directory(store, TTL).find(SECRET, now=NOW + 0.5)
    assert known == Known(replace(ORG, version=1), replace(KEY, version=1), HEALTH)
    assert store.reads == [(org_place("acme"), key_place("acme", "abcdefg234"), health_place("acme"))]


async def test_an_org_whose_endpoints_nobody_has_reported_on_has_no_health() -> None:
    store = book()
    del store.documents[health_place("acme")]
    known = await Directory(store, TTL).find(SECRET, now=NOW)
    assert known is not None
    assert known.health == {}


async def test_a_health_document_that_cannot_be_read_stops_no_request() -> None:
    store = book()
    store.documents[health_place("acme")] = {"schema": "?", "endpoints": [1]}
    known = await Directory(store, TTL).find(SECRET, now=NOW)
    assert known is not None
    assert known.health == {}


async def test_a_temporary_credential_finds_its_key_by_id() -> None:
    store = book()
    directory = Directory(store, TTL)
    assert parts(await directory.find_by_id("acme", "abcdefg234", now=NOW)) == ("acme", "abcdefg234")
    assert await directory.find_by_id("acme", "zzzzzzzzzz", now=NOW) is None
    assert parts(await directory.find(SECRET, now=NOW)) == ("acme", "abcdefg234")
    assert len(store.reads) == 2


async def test_right_ids_with_another_secret_are_no_key_and_cost_no_second_read() -> None:
    store = book()
    directory = Directory(store, TTL)
    assert await directory.find(SECRET, now=NOW) is not None
    for number in range(20):
        assert await directory.find(mint("acme", "abcdefg234", bytes([number]) * 32), now=NOW) is None
    assert len(store.reads) == 1
    assert await directory.find(SECRET, now=NOW) is not None


@pytest.mark.parametrize(
    "text", ["", "sk-abc", SECRET.reveal()[:-1], SECRET.reveal()[:-1] + "0", "sbr_acme_abcdefg234_x"]
)
async def test_a_key_with_a_wrong_checksum_never_reaches_the_store(text: str) -> None:
    store = book()
    assert await Directory(store, TTL).find(Secret(text), now=NOW) is None
    assert store.reads == []


# --- verdicts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "usable"),
        ({"expires_at": NOW + 1}, "usable"),
        ({"expires_at": NOW}, "expired"),
        ({"revoked_at": NOW - 1}, "revoked"),
        ({"revoked_at": NOW - 1, "expires_at": NOW - 2}, "revoked"),
    ],
)
async def test_a_key_has_a_verdict(changes: dict[str, Any], verdict: str) -> None:
    known = await Directory(book(replace(KEY, **changes)), TTL).find(SECRET, now=NOW)
    assert known is not None
    assert known.verdict(NOW) == verdict


async def test_expiry_is_told_at_each_use_and_not_when_the_key_was_read() -> None:
    store = book(replace(KEY, expires_at=NOW + 5))
    directory = Directory(store, TTL)
    verdicts = []
    for now in (NOW, NOW + 4.999, NOW + 5.0):
        known = await directory.find(SECRET, now=now)
        assert known is not None
        verdicts.append(known.verdict(now))
    assert verdicts == ["usable", "usable", "expired"]
    assert len(store.reads) == 1


# --- how long it is remembered ----------------------------------------------------------------------------------------


async def test_a_revoked_key_stops_within_the_ttl() -> None:
    store = book()
    directory = Directory(store, TTL)
    assert await directory.find(SECRET, now=NOW) is not None
    store.keep(replace(KEY, revoked_at=NOW))
    for now, verdict in ((NOW + 9.999, "usable"), (NOW + 10.0, "revoked")):
        known = await directory.find(SECRET, now=now)
        assert known is not None
        assert known.verdict(now) == verdict
    assert len(store.reads) == 2


async def test_using_a_key_does_not_prolong_it() -> None:
    store = book()
    directory = Directory(store, TTL)
    for tenth in range(201):
        await directory.find(SECRET, now=NOW + tenth / 10)
    assert len(store.reads) == 3


async def test_a_key_that_is_gone_is_gone_after_the_ttl_even_if_the_clock_goes_back() -> None:
    store = book()
    directory = Directory(store, TTL)
    assert await directory.find(SECRET, now=NOW) is not None
    del store.documents[key_place("acme", "abcdefg234")]
    assert await directory.find(SECRET, now=NOW + 11) is None
    assert await directory.find(SECRET, now=NOW + 5) is None


async def test_a_clock_that_was_put_back_does_not_keep_a_key_for_longer() -> None:
    store = book()
    directory = Directory(store, TTL)
    assert await directory.find(SECRET, now=NOW) is not None
    await directory.find(SECRET, now=NOW - 3600)
    assert len(store.reads) == 2


async def test_an_unknown_key_is_remembered_for_a_shorter_time() -> None:
    secret, key = another(1)
    store = book()
    directory = Directory(store, TTL, unknown_ttl=2.0)
    assert await directory.find(secret, now=NOW) is None
    store.keep(key)
    assert await directory.find(secret, now=NOW + 1.999) is None
    assert len(store.reads) == 1
    assert await directory.find(secret, now=NOW + 2.0) is not None


async def test_all_keys_of_an_unknown_org_cost_one_read() -> None:
    store = book()
    directory = Directory(store, TTL, unknown_ttl=2.0)
    for number in range(50):
        assert await directory.find(another(number, "nobody")[0], now=NOW) is None
    assert len(store.reads) == 1
    store.documents[org_place("nobody")] = org_document(Org("nobody", NOW))
    secret, key = another(7, "nobody")
    store.keep(key)
    assert await directory.find(secret, now=NOW + 2) is not None


async def test_a_key_of_an_org_that_is_gone_is_no_key() -> None:
    store = book()
    del store.documents[org_place("acme")]
    assert await Directory(store, TTL).find(SECRET, now=NOW) is None


async def test_a_flood_of_made_up_keys_neither_fills_the_memory_nor_drives_good_ones_out() -> None:
    store = book()
    directory = Directory(store, TTL, capacity=8)
    assert await directory.find(SECRET, now=NOW) is not None
    made_up = [another(number)[0] for number in range(100)] + [another(1, f"org{number}")[0] for number in range(100)]
    for secret in made_up:
        assert await directory.find(secret, now=NOW) is None
    assert len(store.reads) == 201
    assert await directory.find(SECRET, now=NOW) is not None
    assert await directory.find(made_up[-1], now=NOW) is None
    assert len(store.reads) == 201, "both were still remembered"
    assert await directory.find(made_up[0], now=NOW) is None
    assert len(store.reads) == 202, "and the first made-up one no more"


async def test_beyond_its_capacity_the_key_used_longest_ago_is_read_anew() -> None:
    made = [another(number) for number in range(3)]
    store = book(*(key for _, key in made))
    directory = Directory(store, TTL, capacity=2)
    for number in (0, 1, 0, 2, 0):
        assert await directory.find(made[number][0], now=NOW) is not None
    assert len(store.reads) == 3
    assert await directory.find(made[1][0], now=NOW) is not None
    assert len(store.reads) == 4


# --- outages ----------------------------------------------------------------------------------------------------------


async def test_pitfall_39_an_outage_of_the_store_is_a_fault_and_never_an_unknown_key() -> None:
    store = book()
    store.out = True
    directory = Directory(store, TTL)
    for _ in range(2):
        with pytest.raises(ControlFault):
            await directory.find(SECRET, now=NOW)
        with pytest.raises(ControlFault):
            await directory.find_by_id("acme", "abcdefg234", now=NOW)
    store.out = False
    assert await directory.find(SECRET, now=NOW) is not None, "the fault was not remembered"


async def test_pitfall_34_a_key_that_was_read_goes_on_in_an_outage_for_its_ttl_and_then_fails_closed() -> None:
    store = book()
    directory = Directory(store, TTL)
    assert await directory.find(SECRET, now=NOW) is not None
    store.out = True
    assert await directory.find(SECRET, now=NOW + 9.999) is not None
    with pytest.raises(ControlFault):
        await directory.find(SECRET, now=NOW + 10)
    with pytest.raises(ControlFault):
        await directory.find(SECRET, now=NOW + 5)


async def test_pitfall_39_a_record_that_cannot_be_read_is_a_fault_and_never_an_unknown_key() -> None:
    store = book()
    store.documents[key_place("acme", "abcdefg234")] = {"schema": 99}
    directory = Directory(store, TTL)
    for _ in range(2):
        with pytest.raises(ControlFault):
            await directory.find(SECRET, now=NOW)


async def test_pitfall_39_all_who_wait_for_one_failing_read_hear_of_the_fault() -> None:
    store = book()
    store.gate, store.out = asyncio.Event(), True
    directory = Directory(store, TTL)
    waiting = [asyncio.create_task(directory.find(SECRET, now=NOW)) for _ in range(5)]
    await store.asked.wait()
    store.gate.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ControlFault] * 5
    assert len(store.reads) == 1


# --- with a real store ------------------------------------------------------------------------------------------------


async def test_against_the_embedded_store(tmp_path: Path) -> None:
    store = SqliteControlStore(tmp_path / "sabir.db")
    try:
        directory = Directory(store, TTL)
        assert await directory.find(SECRET, now=NOW) is None
        documents: dict[ItemKey, Mapping[str, Json]] = {
            org_place("acme"): org_document(ORG),
            key_place("acme", "abcdefg234"): key_document(KEY),
            health_place("acme"): health_document(HEALTH),
        }
        await store.write([Put(place, document, 0) for place, document in documents.items()], now=NOW)
        known = await directory.find(SECRET, now=NOW + 2)
        assert known == Known(replace(ORG, version=1), replace(KEY, version=1), HEALTH)
        revoked = key_document(replace(KEY, revoked_at=NOW + 3))
        await store.write([Put(key_place("acme", "abcdefg234"), revoked, 1)], now=NOW + 3)
        again = await directory.find(SECRET, now=NOW + 13)
        assert again is not None
        assert again.verdict(NOW + 13) == "revoked"
    finally:
        await store.close()
    with pytest.raises(ControlFault):
        await directory.find(SECRET, now=NOW + 100)
