"""What an operator decides, read once from the environment. A client can set none of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from providers.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping


class Misconfigured(Exception):
    """A setting is wrong: raised at start only, with the variable's name in the text and never its value."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `idle`: no byte from the provider, before or within the answer; `total`: the whole upstream call.

    `total` ends well before API Gateway's 900 s, so that the client hears the reason from us. `first_event`: how long
    the status line is held back for a first token; `ping`: silence after which a stream gets an SSE comment, so that
    no hop on the way takes a thinking model for a dead one. `unread`: how long after `total` a client that does not
    read may still hold the connection to the provider.

    Only while there is another endpoint to turn to: `first_token`, how long a stream may say nothing meaningful, and
    `attempt`, how long a whole answer may take.
    """

    connect: float = 10.0
    idle: float = 600.0
    total: float = 840.0
    first_event: float = 20.0
    ping: float = 15.0
    unread: float = 30.0
    first_token: float = 60.0
    attempt: float = 300.0


@dataclass(frozen=True, slots=True)
class Settings:
    """`base_urls` and `provider_keys` by provider id. `cache_table`: DynamoDB, on Lambda; else `cache_path`: SQLite.

    `control_table` and `secrets_prefix`, or `control_path` and `master_key_path`: where the orgs are; none is a proxy
    without orgs. `key_seconds`: how long a key's record is trusted, and so how long a revoked one may go on;
    `secret_seconds`: the same of provider secrets, which a provider's 401 renews at once. `request_days`: how long the
    record of a request is kept; 0 is not at all.

    `service`: by what name CloudWatch is to have our metrics, which then go with the log; None is a log without them.
    """

    base_urls: Mapping[str, str] = field(default_factory=dict)
    provider_keys: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    cache_table: str | None = None
    cache_path: str | None = None
    cache_read_deadline: float = 0.05
    service: str | None = None
    control_table: str | None = None
    secrets_prefix: str = "sabir/"
    control_path: str | None = None
    master_key_path: str | None = None
    key_seconds: float = 10.0
    secret_seconds: float = 60.0
    max_body: int = 20 * 1024 * 1024
    max_recorded: int = 5 * 1024 * 1024
    request_days: float = 30.0
    timeouts: Timeouts = field(default_factory=Timeouts)


def read_settings(env: Mapping[str, str], providers: Container[str], *, with_keys: bool = False) -> Settings:
    """`with_keys`: also take `<PROVIDER>_API_KEY`, for a proxy that serves one person on their own machine.

    Raises `Misconfigured`.
    """
    defaults = Settings()
    return Settings(
        base_urls={name: _url(env, variable) for name, variable in _set_for(providers, env, "_BASE_URL")},
        provider_keys=_keys(env, providers) if with_keys else {},
        cache_table=env.get("SABIR_CACHE_TABLE") or None,
        cache_path=env.get("SABIR_CACHE_PATH") or None,
        cache_read_deadline=_number(env, "SABIR_CACHE_READ_MS", defaults.cache_read_deadline * 1000) / 1000,
        service=env.get("SABIR_SERVICE") or None,
        control_table=env.get("SABIR_CONTROL_TABLE") or None,
        secrets_prefix=env.get("SABIR_SECRETS_PREFIX") or defaults.secrets_prefix,
        control_path=env.get("SABIR_CONTROL_PATH") or None,
        master_key_path=env.get("SABIR_MASTER_KEY_PATH") or None,
        key_seconds=_number(env, "SABIR_KEY_SECONDS", defaults.key_seconds),
        secret_seconds=_number(env, "SABIR_SECRET_SECONDS", defaults.secret_seconds),
        max_body=int(_number(env, "SABIR_MAX_BODY_BYTES", defaults.max_body)),
        request_days=_days(env, "SABIR_REQUEST_DAYS", defaults.request_days),
        timeouts=_timeouts(env, defaults.timeouts),
    )


def variable_name(provider: str, what: str) -> str:
    """`("openai", "BASE_URL")` → `OPENAI_BASE_URL`: the official SDKs' own variables."""
    return f"{provider.upper()}_{what}"


def _set_for(providers: Container[str], env: Mapping[str, str], suffix: str) -> Iterator[tuple[str, str]]:
    """Provider and variable for every variable of this kind that is set; asks only after providers that have one."""
    for variable, value in env.items():
        name = variable.removesuffix(suffix).lower()
        if value and variable == variable_name(name, suffix.lstrip("_")) and name in providers:
            yield name, variable


def _keys(env: Mapping[str, str], providers: Container[str]) -> dict[str, Secret]:
    return {name: _key(env, variable) for name, variable in _set_for(providers, env, "_API_KEY")}


def _key(env: Mapping[str, str], variable: str) -> Secret:
    value = env[variable].strip()
    if not value or any(not "!" <= letter <= "~" for letter in value):
        raise Misconfigured(f"{variable} is blank or holds characters that no API key has")
    return Secret(value)


def _timeouts(env: Mapping[str, str], defaults: Timeouts) -> Timeouts:
    return Timeouts(
        connect=_number(env, "SABIR_TIMEOUT_CONNECT_SECONDS", defaults.connect),
        idle=_number(env, "SABIR_TIMEOUT_IDLE_SECONDS", defaults.idle),
        total=_number(env, "SABIR_TIMEOUT_TOTAL_SECONDS", defaults.total),
        first_event=_number(env, "SABIR_FIRST_EVENT_SECONDS", defaults.first_event),
        ping=_number(env, "SABIR_PING_SECONDS", defaults.ping),
        first_token=_number(env, "SABIR_TIMEOUT_FIRST_TOKEN_SECONDS", defaults.first_token),
        attempt=_number(env, "SABIR_TIMEOUT_ATTEMPT_SECONDS", defaults.attempt),
    )


def _url(env: Mapping[str, str], variable: str) -> str:
    value = env[variable].strip().rstrip("/")
    try:
        parts = urlsplit(value)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
        sound = sound and parts.username is None and (parts.port is None or parts.port > 0)
    except ValueError:
        sound = False
    if not sound:
        raise Misconfigured(f"{variable} must be an http or https URL without user, query or fragment")
    return value


def _days(env: Mapping[str, str], variable: str, default: float) -> float:
    """As `_number`; nought, too, which is not at all."""
    return 0.0 if (env.get(variable) or "").strip() == "0" else _number(env, variable, default)


def _number(env: Mapping[str, str], variable: str, default: float) -> float:
    value = env.get(variable)
    if not value:
        return default
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e12:
        raise Misconfigured(f"{variable} must be a number greater than 0")
    return number
