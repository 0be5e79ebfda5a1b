from __future__ import annotations

import pytest

from handlers.credentials import ENVIRONMENT_KEY, key_for, presented_key
from infra.settings import Settings
from providers.errors import Unauthenticated
from providers.secret import Secret

ENV = Secret(ENVIRONMENT_KEY)
LOCAL = Settings(provider_keys={"openai": Secret("sk-mine"), "anthropic": Secret("sk-ant-mine")})


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"authorization": "Bearer sk-1"}, "sk-1"),
        ({"authorization": "bearer   sk-1  "}, "sk-1"),
        ({"x-api-key": " sk-2 "}, "sk-2"),
        ({"api-key": "sk-3"}, "sk-3"),
        ({"x-goog-api-key": "sk-4"}, "sk-4"),
        ({"authorization": "Bearer sk-1", "x-api-key": "sk-2"}, "sk-1"),
        ({"authorization": "  ", "x-api-key": "sk-2"}, "sk-2"),
        ({"authorization": "Bearer " + "k" * 8192}, "k" * 8192),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_key_is_found_where_each_sdk_puts_it(headers: dict[str, str], key: str) -> None:
    assert presented_key(headers).reveal() == key


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer  "},
        {"authorization": "Basic dXNlcjpwYXNz"},
        {"authorization": "sk-naked"},
        {"authorization": "Bearer a b"},
        {"authorization": "Bearer a, Bearer b"},
        {"authorization": "Bearer caf\u00e9"},
        {"x-api-key": "a\tb"},
        {"x-api-key": "a\r\nx: y"},
        {"x-api-key": "k" * 8193},
    ],
    ids=lambda headers: str(headers)[:40],
)
def test_what_cannot_be_a_key_is_refused_without_being_quoted(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated) as refused:
        presented_key(headers)
    assert not any(value.strip() and value in str(refused.value) for value in headers.values())
    assert refused.value.status == 401


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_pitfall_34_a_sabir_key_is_shown_to_no_provider_even_where_the_environment_has_keys(provider: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        key_for(provider, Secret("sbr_live_1"), {"host": "localhost"}, LOCAL)
    assert "sbr_live_1" not in str(refused.value)


@pytest.mark.parametrize(
    ("provider", "key", "owner"),
    [
        ("openai", "sk-ant-api03-x", "anthropic"),
        ("anthropic", "sk-proj-x", "openai"),
        ("perplexity", "sk-ant-x", "anthropic"),
        ("anthropic", "pplx-x", "perplexity"),
    ],
)
def test_one_providers_key_is_not_shown_to_another(provider: str, key: str, owner: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        key_for(provider, Secret(key), {}, Settings())
    assert refused.value.code == "key_of_another_provider"
    assert owner in str(refused.value)
    assert key not in str(refused.value)


def test_a_key_goes_to_its_own_provider_and_one_without_a_mark_to_any() -> None:
    for provider, key in [
        ("anthropic", "sk-ant-x"),
        ("openai", "sk-x"),
        ("perplexity", "sk-x"),
        ("openai", "anything"),
    ]:
        assert key_for(provider, Secret(key), {}, Settings()).reveal() == key


def test_where_the_operator_put_another_host_in_a_providers_place_its_keys_are_the_operators_matter() -> None:
    elsewhere = Settings(base_urls={"openai": "http://127.0.0.1:4000/v1"})
    assert key_for("openai", Secret("sk-ant-x"), {}, elsewhere).reveal() == "sk-ant-x"


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8787", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:8787", "[::1]", "[::1]:8787"]
)
def test_the_environments_key_serves_a_client_on_this_machine(host: str) -> None:
    assert key_for("openai", ENV, {"host": host}, LOCAL).reveal() == "sk-mine"
    assert key_for("anthropic", ENV, {"host": host}, LOCAL).reveal() == "sk-ant-mine"


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8787",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8787",
        "localhost@evil.example",
        "evil.example:80:127.0.0.1",
        "192.168.0.7:8787",
        "0.0.0.0:8787",
        "localhost, evil.example",
        "::1",
    ],
)
def test_a_page_that_reaches_us_by_another_name_spends_nobodys_money(host: str) -> None:
    """DNS rebinding: the page's own name, made to resolve to 127.0.0.1, is in the host header all the same."""
    with pytest.raises(Unauthenticated, match="loopback"):
        key_for("openai", ENV, {"host": host} if host else {}, LOCAL)


def test_a_provider_without_a_key_in_the_environment_is_named() -> None:
    with pytest.raises(Unauthenticated, match="no API key for perplexity"):
        key_for("perplexity", ENV, {"host": "localhost"}, LOCAL)


def test_on_lambda_the_word_env_is_a_key_like_any_other() -> None:
    assert key_for("openai", ENV, {"host": "localhost"}, Settings()).reveal() == "env"
