"""An org's document: what comes back from it, what it must be, and that no message quotes it."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.secrets.org_secrets import (
    BadDocument,
    cache_key_document,
    cache_key_name,
    endpoint_document,
    org_document_name,
    org_secrets_document,
    read_cache_key,
    read_endpoint,
    read_org_secrets,
)
from infra.secrets.store import SecretDocument
from providers.routing.endpoint import Endpoint
from providers.secret import Secret

KEY = base64.b64encode(bytes(range(32))).decode()
SECRET = "sk-very-secret"

_lines = st.from_regex(r"[!-~]([ -~]{0,20}[!-~])?", fullmatch=True)
_endpoints = st.builds(
    Endpoint,
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
    provider=st.sampled_from(["openai", "anthropic", "vercel_gateway"]),
    secret=st.from_regex(r"[!-~]{1,40}", fullmatch=True).map(Secret),
    base_url=st.sampled_from([None, "https://eu.example.com", "http://10.0.0.1:8000/v1"]),
    models=st.lists(_lines, max_size=3).map(tuple),
    aliases=st.dictionaries(_lines, _lines, max_size=3),
    weight=st.integers(0, 1000),
    headers=st.dictionaries(st.sampled_from(["anthropic-beta", "x-team", "cf-aig-authorization"]), _lines),
    region=st.sampled_from([None, "eu-central-1", "us-central1"]),
    enabled=st.booleans(),
)


def document(**members: Any) -> SecretDocument:
    return SecretDocument({"schema": 1, "endpoints": [], "token_key": KEY, **members}, "v7")


@given(endpoints=st.lists(_endpoints, max_size=3, unique_by=lambda endpoint: endpoint.name))
def test_what_was_written_is_read_again(endpoints: list[Endpoint]) -> None:
    stored = json.loads(json.dumps(org_secrets_document(endpoints, Secret(KEY))))
    found = read_org_secrets(SecretDocument(stored, "v7"))
    assert found.endpoints == tuple(endpoints)
    assert (found.token_key.reveal(), found.version) == (KEY, "v7")


@given(endpoint=_endpoints)
def test_an_endpoint_comes_back_from_its_document(endpoint: Endpoint) -> None:
    assert read_endpoint(endpoint_document(endpoint)) == endpoint


def test_each_document_has_its_name() -> None:
    assert (org_document_name("acme"), cache_key_name("acme")) == ("org/acme", "cache-key/acme")


def test_an_org_may_have_no_endpoints_yet() -> None:
    assert read_org_secrets(document()).endpoints == ()


def test_nothing_of_it_shows_by_accident() -> None:
    endpoint = {"name": "main", "provider": "openai", "secret": SECRET, "headers": {"x-team": "sk-in-a-header"}}
    found = read_org_secrets(document(endpoints=[endpoint]))
    shown = f"{found!r} {found} {document(endpoints=[endpoint])!r}"
    assert "sk-" not in shown
    assert KEY not in shown


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"schema": 2}, "its schema is not 1: another version of Sabir wrote it"),
        ({"schema": None}, "its schema is not 1"),
        ({"endpoints": {}}, "endpoints must be a list"),
        ({"endpoints": None}, "endpoints must be a list"),
        ({"endpoints": [SECRET]}, "endpoint 1 of the list: an endpoint must be an object"),
        ({"token_key": None}, "token_key must be base64 of 32 bytes"),
        ({"token_key": SECRET}, "token_key must be base64 of 32 bytes"),
        ({"token_key": "sk-very-secret-ü"}, "token_key must be base64 of 32 bytes"),
        ({"token_key": KEY + "\n"}, "token_key must be base64 of 32 bytes"),
        ({"token_key": base64.b64encode(bytes(31)).decode()}, "token_key must be base64 of 32 bytes"),
    ],
)
def test_another_document_is_refused_in_plain_words(members: dict[str, Any], message: str) -> None:
    with pytest.raises(BadDocument) as fault:
        read_org_secrets(document(**members))
    assert str(fault.value).startswith(message)
    assert SECRET not in f"{fault.value!r} {fault.value.__cause__!r}"


def test_a_wrong_endpoint_is_found_by_its_place_and_name() -> None:
    good = {"name": "main", "provider": "openai", "secret": SECRET}
    with pytest.raises(BadDocument, match=r"^endpoint 2 of the list: other: weight must be a whole number"):
        read_org_secrets(document(endpoints=[good, {**good, "name": "other", "weight": "1"}]))


def test_two_endpoints_with_one_name_are_refused() -> None:
    one = {"name": "main", "provider": "openai", "secret": SECRET}
    with pytest.raises(BadDocument, match=r"^there are two endpoints with the name main$"):
        read_org_secrets(document(endpoints=[one, {**one, "name": "other"}, {**one, "provider": "anthropic"}]))


def test_the_cache_key_comes_back_from_its_document() -> None:
    key = bytes(range(32))
    assert cache_key_document(key) == {"cache_key": KEY}
    assert read_cache_key(SecretDocument(cache_key_document(key), "v1")) == key
    for wrong in ({}, {"cache_key": SECRET}, {"cache_key": 5}):
        with pytest.raises(BadDocument, match=r"^cache_key must be base64 of 32 bytes$"):
            read_cache_key(SecretDocument(wrong, "v1"))
