from __future__ import annotations

import pytest

from infra.settings import Misconfigured, Settings, Timeouts, read_settings, variable_name
from providers import registry

PROVIDERS = ("openai", "anthropic", "vercel_gateway")


def test_nothing_set_is_the_defaults() -> None:
    assert read_settings({}, PROVIDERS) == Settings()
    assert (
        read_settings({"SABIR_CACHE_PATH": "", "OPENAI_BASE_URL": "", "SABIR_PING_SECONDS": ""}, PROVIDERS)
        == Settings()
    )


def test_the_defaults_end_before_api_gateway_does() -> None:
    limits = Timeouts()
    # 15 minutes for a stream; 5 minutes for a silence, which the comments have to break.
    assert limits.connect < limits.total < 900
    assert limits.first_event + limits.ping < 300


@pytest.mark.parametrize(
    ("provider", "variable"),
    [("openai", "OPENAI_BASE_URL"), ("anthropic", "ANTHROPIC_BASE_URL"), ("perplexity", "PERPLEXITY_BASE_URL"),
     ("vercel_gateway", "VERCEL_GATEWAY_BASE_URL")],
)  # fmt: skip
def test_variables_are_named_as_in_the_official_sdks(provider: str, variable: str) -> None:
    assert variable_name(provider, "BASE_URL") == variable


def test_every_provider_can_be_put_elsewhere() -> None:
    names = registry.names()
    env = {variable_name(name, "BASE_URL"): f"https://{number}.example/v1" for number, name in enumerate(names)}
    assert len(env) == len(names) > 3
    assert read_settings(env, names).base_urls == {name: f"https://{n}.example/v1" for n, name in enumerate(names)}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://proxy.example/v1", "https://proxy.example/v1"),
        ("https://proxy.example/v1/", "https://proxy.example/v1"),
        ("  http://127.0.0.1:4000//  ", "http://127.0.0.1:4000"),
        ("http://[::1]:4000/v1", "http://[::1]:4000/v1"),
        ("HTTPS://Proxy.Example", "HTTPS://Proxy.Example"),
    ],
)
def test_a_base_url_is_kept_without_its_last_slash(given: str, kept: str) -> None:
    assert read_settings({"OPENAI_BASE_URL": given}, PROVIDERS).base_urls == {"openai": kept}


@pytest.mark.parametrize(
    "url",
    [
        "proxy.example",
        "ftp://proxy.example",
        "file:///etc/passwd",
        "https://",
        "https:///v1",
        "https://user:hunter2@proxy.example",
        "https://hunter2@proxy.example",
        "https://proxy.example/v1?key=hunter2",
        "https://proxy.example/v1#hunter2",
        "https://proxy.example:0",
        "https://proxy.example:99999",
        "https://proxy.example:port",
        "https://[::1",
    ],
)
def test_a_base_url_that_is_none_is_refused_by_the_name_of_its_variable(url: str) -> None:
    with pytest.raises(Misconfigured) as fault:
        read_settings({"OPENAI_BASE_URL": url}, PROVIDERS)
    assert str(fault.value).startswith("OPENAI_BASE_URL must be ")
    assert "hunter2" not in str(fault.value)


def test_keys_are_taken_only_where_they_are_wanted_and_never_shown() -> None:
    env = {"OPENAI_API_KEY": "sk-hunter2", "ANTHROPIC_API_KEY": "", "SOMEBODY_API_KEY": "x"}
    assert read_settings(env, PROVIDERS).provider_keys == {}
    settings = read_settings(env, PROVIDERS, with_keys=True)
    assert {name: key.reveal() for name, key in settings.provider_keys.items()} == {"openai": "sk-hunter2"}
    assert "hunter2" not in repr(settings)


def test_numbers_are_read_in_the_units_of_their_names() -> None:
    settings = read_settings(
        {
            "SABIR_CACHE_READ_MS": "250",
            "SABIR_MAX_BODY_BYTES": "1e6",
            "SABIR_TIMEOUT_CONNECT_SECONDS": "1",
            "SABIR_TIMEOUT_IDLE_SECONDS": "2",
            "SABIR_TIMEOUT_TOTAL_SECONDS": "3",
            "SABIR_FIRST_EVENT_SECONDS": "0.5",
            "SABIR_PING_SECONDS": "0.25",
            "SABIR_CACHE_TABLE": "table",
            "SABIR_CACHE_PATH": "/data/cache.db",
            "SABIR_SERVICE": "sabir",
        },
        PROVIDERS,
    )
    assert settings.service == "sabir"
    assert settings.cache_read_deadline == 0.25
    assert settings.max_body == 1_000_000
    assert settings.timeouts == Timeouts(connect=1, idle=2, total=3, first_event=0.5, ping=0.25)
    assert (settings.cache_table, settings.cache_path) == ("table", "/data/cache.db")


@pytest.mark.parametrize("value", ["0", "-1", "soon", "nan", "inf", "1e13", "0x10"])
@pytest.mark.parametrize("variable", ["SABIR_CACHE_READ_MS", "SABIR_MAX_BODY_BYTES", "SABIR_TIMEOUT_IDLE_SECONDS"])
def test_a_number_that_is_none_is_refused_by_the_name_of_its_variable(variable: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=f"^{variable} must be a number greater than 0$"):
        read_settings({variable: value}, PROVIDERS)


def test_settings_of_others_are_nobodys_business() -> None:
    env = {"DATABASE_BASE_URL": "not a url", "SABIR_UNKNOWN": "x", "OPENAI_BASE": "y"}
    assert read_settings(env, PROVIDERS) == Settings()


@pytest.mark.parametrize("value", ["  ", "hunter2 two", "hunter2\n\nx", "hunter2é"])
def test_a_key_that_cannot_be_one_is_refused_at_the_start_and_not_quoted(value: str) -> None:
    with pytest.raises(Misconfigured, match=r"^OPENAI_API_KEY ") as fault:
        read_settings({"OPENAI_API_KEY": value}, PROVIDERS, with_keys=True)
    assert "hunter2" not in str(fault.value)
    assert read_settings({"OPENAI_API_KEY": value}, PROVIDERS) == Settings()
