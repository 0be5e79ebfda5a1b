"""Org and key records to documents and back, and what of a document cannot be read."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.control.codec import key_document, org_document, read_key, read_org
from infra.control.records import Limits, Org, SabirKey, key_place, org_place
from infra.control.store import ControlFault, Item, ItemKey
from providers.routing.virtual import FALLBACKS, STRATEGIES, Candidate, VirtualModel

if TYPE_CHECKING:
    from collections.abc import Callable

WHOLE = st.integers(min_value=0)
LIMITS = st.builds(Limits, *(st.none() | WHOLE for _ in fields(Limits)))
CANDIDATES = st.builds(Candidate, model=st.text(), endpoint=st.none() | st.text(), weight=WHOLE)
MODELS = st.builds(
    VirtualModel,
    name=st.text(),
    candidates=st.lists(CANDIDATES, max_size=3).map(tuple),
    strategy=st.sampled_from(STRATEGIES),
    fallback_on=st.frozensets(st.sampled_from(FALLBACKS)),
)
ORGS = st.builds(
    Org,
    org_id=st.text(),
    created_at=WHOLE,
    share_cache=st.booleans(),
    cache_epoch=WHOLE,
    limits=LIMITS,
    limits_when_down=st.sampled_from(["open", "closed"]),
    assumed_output_tokens=WHOLE,
    content_log_percent=WHOLE,
    content_log_seconds=WHOLE,
    models=st.lists(MODELS, max_size=3).map(tuple),
    version=WHOLE,
)
KEYS = st.builds(
    SabirKey,
    org_id=st.text(),
    key_id=st.text(),
    hash=st.binary(min_size=32, max_size=32),
    name=st.text(),
    created_at=WHOLE,
    owner=st.none() | st.text(),
    expires_at=st.none() | WHOLE,
    revoked_at=st.none() | WHOLE,
    models=st.lists(st.text(), max_size=3).map(tuple),
    providers=st.lists(st.text(), max_size=3).map(tuple),
    limits=LIMITS,
    wrapped_cache_key=st.binary(),
    version=WHOLE,
)

ACME = Org(
    "acme",
    1_800_000_000,
    limits=Limits(requests_per_minute=60),
    models=(VirtualModel("smart", (Candidate("gpt-5"), Candidate("claude-x", "eu", 0)), "weighted"),),
)
ACME_KEY = SabirKey("acme", "7f3kq2mz4a", bytes(range(32)), "ci", 1_800_000_000, models=("gpt-*",))


def as_json(document: dict[str, Any]) -> Any:
    return json.loads(json.dumps(document))


def org_item(document: dict[str, Any], *, version: int = 1) -> Item:
    return Item(org_place("acme"), document, version)


def key_item(document: dict[str, Any], *, version: int = 1) -> Item:
    return Item(key_place("acme", "7f3kq2mz4a"), document, version)


@given(ORGS)
def test_an_org_comes_back_from_its_document_as_json_text(org: Org) -> None:
    document = as_json(org_document(org))
    assert read_org(Item(org_place(org.org_id), document, org.version)) == org


@given(KEYS)
def test_a_key_comes_back_from_its_document_as_json_text(key: SabirKey) -> None:
    document = as_json(key_document(key))
    assert read_key(Item(key_place(key.org_id, key.key_id), document, key.version)) == key


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (Org, org_document(ACME)),
        (SabirKey, key_document(ACME_KEY)),
        (Limits, org_document(ACME)["limits"]),
        (VirtualModel, as_json(org_document(ACME))["models"][0]),
        (Candidate, as_json(org_document(ACME))["models"][0]["candidates"][0]),
    ],
)
def test_a_document_names_every_member_of_its_record(kind: type[Any], document: dict[str, Any]) -> None:
    assert document.keys() - {"schema"} == {member.name for member in fields(kind)} - {"version"}


def test_equal_orgs_have_equal_documents() -> None:
    models = [VirtualModel("m", (), fallback_on=frozenset(order)) for order in (FALLBACKS, FALLBACKS[::-1])]
    first, second = (org_document(Org("acme", 0, models=(model,))) for model in models)
    assert json.dumps(first) == json.dumps(second)


def test_the_version_is_the_items_and_no_member() -> None:
    document = org_document(ACME)
    assert "version" not in document
    assert read_org(org_item(document | {"version": 9}, version=7)).version == 7


def test_what_a_newer_release_has_added_is_passed_over() -> None:
    document: dict[str, Any] = as_json(org_document(ACME) | {"region": "eu"})
    document["limits"]["requests_per_day"] = 1
    document["models"][0]["cost"] = {"ceiling": 1}
    document["models"][0]["candidates"][0]["timeout"] = 1.5
    assert read_org(org_item(document, version=0)) == ACME


def test_what_an_older_release_did_not_write_has_its_default() -> None:
    org = {"schema": 1, "org_id": "acme", "created_at": 5, "models": [{"name": "m", "candidates": [{"model": "x"}]}]}
    model = VirtualModel("m", (Candidate("x"),))
    assert read_org(org_item(org)) == Org("acme", 5, models=(model,), version=1)
    key = key_document(ACME_KEY)
    needed = {name: key[name] for name in ("schema", "org_id", "key_id", "hash", "name", "created_at")}
    assert read_key(key_item(needed)) == SabirKey(
        "acme", "7f3kq2mz4a", bytes(range(32)), "ci", 1_800_000_000, version=1
    )


@pytest.mark.parametrize("name", ["org_id", "key_id", "hash", "name", "created_at"])
def test_a_member_that_must_be_there_is_missed_by_its_name(name: str) -> None:
    document = key_document(ACME_KEY)
    del document[name]
    with pytest.raises(ControlFault, match=f"KEY#7f3kq2mz4a cannot be read: {name} is not there"):
        read_key(key_item(document))


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_a_schema_of_another_release_is_a_fault(schema: object) -> None:
    for read, item in (
        (read_org, org_item({**org_document(ACME), "schema": schema})),
        (read_key, key_item({**key_document(ACME_KEY), "schema": schema})),
    ):
        with pytest.raises(ControlFault, match="of a schema that this release does not know"):
            read(item)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["org_id"], 7, "org_id is not text"),
        (["created_at"], 5.0, "created_at is not a whole number"),
        (["created_at"], None, "created_at is not a whole number"),
        (["cache_epoch"], True, "cache_epoch is not a whole number"),
        (["share_cache"], 1, "share_cache is not true or false"),
        (["limits"], [], "limits is not an object"),
        (["limits", "nano_usd_per_day"], "10", "limits.nano_usd_per_day is not a whole number"),
        (["limits_when_down"], "shut", "limits_when_down is not one of open, closed"),
        (["assumed_output_tokens"], None, "assumed_output_tokens is not a whole number"),
        (["models"], {}, "models is not a list"),
        (["models", 0], "m", "models[0] is not an object"),
        (["models", 0, "strategy"], "random", "models[0].strategy is not one of priority, weighted, cheapest, fastest"),
        (["models", 0, "fallback_on"], ["hush"], "models[0].fallback_on[0] is not one of context_window"),
        (["models", 0, "candidates", 1], {"weight": 1}, "models[0].candidates[1].model is not there"),
        (["models", 0, "candidates", 1, "endpoint"], 3, "models[0].candidates[1].endpoint is not text"),
    ],
)
def test_a_member_of_a_wrong_type_is_named_and_not_quoted(path: list[str | int], value: object, message: str) -> None:
    document = as_json(org_document(ACME))
    at = document
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(ControlFault) as caught:
        read_org(org_item(document))
    assert str(caught.value).startswith(f"the item ORG#acme ORG cannot be read: {message}")
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hash": "AAAA"}, "hash is not base64 of 32 bytes"),
        ({"hash": "hush!"}, "hash is not base64 of 32 bytes"),
        ({"hash": None}, "hash is not base64 of 32 bytes"),
        ({"wrapped_cache_key": "é"}, "wrapped_cache_key is not base64"),
        ({"wrapped_cache_key": "AAA"}, "wrapped_cache_key is not base64"),
        ({"models": "gpt-*"}, "models is not a list"),
        ({"providers": [None]}, r"providers\[0\] is not text"),
        ({"expires_at": "tomorrow"}, "expires_at is not a whole number"),
        ({"revoked_at": False}, "revoked_at is not a whole number"),
    ],
)
def test_a_wrong_member_of_a_key_is_named_too(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ControlFault, match=f"cannot be read: {message}"):
        read_key(key_item({**key_document(ACME_KEY), **change}))


@pytest.mark.parametrize(
    ("read", "place", "document"),
    [
        (read_org, org_place("other"), org_document(ACME)),
        (read_org, ItemKey("ORG#acme", "KEY#acme"), org_document(ACME)),
        (read_key, key_place("other", "7f3kq2mz4a"), key_document(ACME_KEY)),
        (read_key, key_place("acme", "another"), key_document(ACME_KEY)),
    ],
)
def test_a_record_that_was_copied_to_another_place_is_nobodys(
    read: Callable[[Item], object], place: ItemKey, document: dict[str, Any]
) -> None:
    with pytest.raises(
        ControlFault, match=f"the item {place.partition} {place.sort} holds the record of another place"
    ):
        read(Item(place, document, 1))


def test_a_key_shows_neither_its_hash_nor_its_wrapped_cache_key() -> None:
    assert "hash" not in repr(ACME_KEY)
    assert "wrapped_cache_key" not in repr(ACME_KEY)
