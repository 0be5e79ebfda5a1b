from __future__ import annotations

import pytest

from cache.sealed import CacheEntry
from cache.sealed_cache import Hit, Miss
from handlers.headers import cache_headers, dropped_names, for_client, for_provider, meaningful
from providers.errors import InvalidRequest


@pytest.mark.parametrize(
    ("provider", "passed"),
    [
        ("openai", {"openai-beta", "openai-organization", "openai-project", "idempotency-key"}),
        ("anthropic", {"anthropic-beta", "anthropic-version"}),
        ("perplexity", set[str]()),
        ("one-of-tomorrow", set[str]()),
    ],
)
def test_pitfall_33_a_provider_sees_its_own_headers_only(provider: str, passed: set[str]) -> None:
    names = ("cookie", "authorization", "x-api-key", "x-forwarded-for", "host", "openai-beta", "openai-organization",
             "openai-project", "anthropic-beta", "anthropic-version", "idempotency-key", "user-agent")  # fmt: skip
    assert set(for_provider(provider, dict.fromkeys(names, "value"))) == passed


def test_an_idempotency_key_does_not_make_another_request() -> None:
    assert meaningful({"idempotency-key": "1", "openai-beta": "x"}) == {"openai-beta": "x"}


def test_pitfall_31_a_client_sees_limits_and_the_providers_request_id_and_no_more() -> None:
    given = {
        "set-cookie": "a=b",
        "authorization": "Bearer x",
        "content-encoding": "gzip",
        "content-length": "5",
        "transfer-encoding": "chunked",
        "connection": "close",
        "server": "cloudflare",
        "openai-organization": "org-1",
        "anthropic-organization-id": "0",
        "x-ratelimit-remaining-requests": "5",
        "anthropic-ratelimit-tokens-reset": "soon",
        "openai-processing-ms": "12",
        "x-request-id": "req_1",
        "access-control-allow-origin": "*",
        "location": "https://elsewhere.invalid",
        "x-bt-cached": "HIT",
        "cache-status": "fake; hit",
    }
    assert for_client(given) == {
        "x-ratelimit-remaining-requests": "5",
        "anthropic-ratelimit-tokens-reset": "soon",
        "openai-processing-ms": "12",
        "x-upstream-request-id": "req_1",
    }
    assert for_client({"request-id": "req_2"}) == {"x-upstream-request-id": "req_2"}
    assert for_client({}) == {}


def test_the_verdict_of_the_cache_in_headers() -> None:
    assert cache_headers(Hit(CacheEntry(b"", 0, 100), age=40, remaining=60)) == {
        "x-bt-cached": "HIT",
        "age": "40",
        "cache-control": "max-age=60",
        "cache-status": "sabir; hit; ttl=60",
        "x-sabir-cost-usd": "0",
    }
    assert cache_headers(Miss("not-deterministic", None, may_forward=True)) == {
        "x-bt-cached": "MISS",
        "cache-status": "sabir; fwd=bypass; detail=not-deterministic",
    }


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("frequency_penalty", "frequency_penalty"),
        ("messages[].name", "messages[].name"),
        ("x\r\nset-cookie: a=b", "x%0D%0Aset-cookie%3A%20a%3Db"),
        ("naïve, 海", "na%C3%AFve%2C%20%E6%B5%B7"),
        ("x" * 500, "x" * 64),
    ],
)
def test_the_name_of_a_dropped_parameter_can_break_no_header(name: str, shown: str) -> None:
    assert dropped_names((name,)) == (shown,)


def test_thousands_of_dropped_parameters_still_fit_into_a_header() -> None:
    named = dropped_names(tuple(f"海{number}" * 100 for number in range(5000)))
    assert named[-1] == "..."
    assert len(", ".join(named)) < 4000


@pytest.mark.parametrize("value", ["caf\u00e9", "a\r\nx: y", "a\x00b", "\x7f"])
def test_a_header_that_cannot_be_sent_is_the_clients_mistake(value: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        for_provider("anthropic", {"anthropic-beta": value})
    assert (refused.value.param, refused.value.code) == ("anthropic-beta", "invalid_header")
    assert value not in refused.value.message


def test_of_a_providers_headers_only_few_and_sound_ones_are_passed_on() -> None:
    many = {f"x-ratelimit-{number}": "1" for number in range(1000)}
    odd = {"x-request-id": "caf\u00e9", "x-ratelimit-long": "x" * 1000, f"x-ratelimit-{'n' * 100}": "1"}
    passed = for_client(odd | many)
    assert 0 < len(passed) < 50
    assert odd.keys() & passed.keys() == set()
    assert "x-upstream-request-id" not in passed
