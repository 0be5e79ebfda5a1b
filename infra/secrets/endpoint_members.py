"""What an endpoint of an operator, or of a stored document, must look like. No message quotes a value.

`name` is the exception, once it is known to be one: it shows in answers and logs anyway.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from providers.routing.endpoint import Endpoint
from providers.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.control.store import Json

MAX_WEIGHT: Final = 1000
MAX_SECRET: Final = 16_384
"""Characters. What a header can carry: servers refuse lines of more than 8 to 16 KB."""
MAX_TEXT: Final = 1024

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PROVIDER: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")  # a folder of providers/
_REGION: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")  # it becomes a part of a host name
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")  # RFC 9110 §5.6.2
_VISIBLE: Final = re.compile(r"[!-~]+")
_LINE: Final = re.compile(r"[ -~]+")

# What belongs to the connection (RFC 9110 §7.6.1) or is derived from the body, which another host would misread …
_OF_THE_CONNECTION: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# … and where the endpoint's secret itself may go: two credentials in one request, and nobody knows which one counts.
_OF_THE_SECRET: Final = frozenset({"api-key", "authorization", "cookie", "x-api-key", "x-goog-api-key"})

_MEMBERS: Final = (
    "name", "provider", "secret", "base_url", "models", "aliases", "weight", "headers", "region", "enabled"
)  # fmt: skip


class BadDocument(ValueError):
    """A document or an endpoint is not as it must be. The text says what is wrong, for the operator, and no value."""


def read_endpoint(document: Json) -> Endpoint:
    """Header names come out in lower case, a base URL without its last slash. Raises `BadDocument`.

    `http:` is allowed in a base URL, for model servers in one's own network; the secret then goes in the clear.
    """
    if not isinstance(document, dict):
        raise BadDocument("an endpoint must be an object")
    name = _name(document)
    try:
        return _read_members(name, document)
    except BadDocument as fault:
        raise BadDocument(f"{name}: {fault}") from None


def _read_members(name: str, document: Mapping[str, Json]) -> Endpoint:
    if not set(document) <= set(_MEMBERS):
        # Not which: who mixes up the places may have put the secret there.
        raise BadDocument(f"it has a member that an endpoint does not have; there are {', '.join(_MEMBERS)}")
    return Endpoint(
        name=name,
        provider=_matching(document, "provider", _PROVIDER, "the id of a provider"),
        secret=_secret(document),
        base_url=_base_url(document.get("base_url")),
        models=_models(document.get("models")),
        aliases=_aliases(document.get("aliases")),
        weight=_weight(document.get("weight", 1)),
        headers=_headers(document.get("headers")),
        region=None
        if document.get("region") is None
        else _matching(document, "region", _REGION, "lower-case letters, digits and hyphens"),
        enabled=_enabled(document.get("enabled", True)),
    )


def _name(document: Mapping[str, Json]) -> str:
    rule = "1 to 64 letters, digits, dots, underscores and hyphens, beginning with a letter or digit"
    return _matching(document, "name", _NAME, rule)


def _matching(document: Mapping[str, Json], member: str, pattern: re.Pattern[str], rule: str) -> str:
    value = document.get(member)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise BadDocument(f"{member} must be {rule}")
    return value


def _secret(document: Mapping[str, Json]) -> Secret:
    value = document.get("secret")
    key_file = _key_file(value)
    if key_file is not None:
        value, form = key_file, _LINE
    else:
        form = _VISIBLE
    if not isinstance(value, str) or not form.fullmatch(value) or len(value) > MAX_SECRET:
        raise BadDocument(
            f"secret must be 1 to {MAX_SECRET} printable ASCII characters without blanks, or the text of a JSON object"
        )
    return Secret(value)


def _key_file(value: Json) -> str | None:
    """A secret that is the text of a JSON object, as a service account's key file is: on one line of ASCII."""
    if not isinstance(value, str) or value.lstrip()[:1] != "{":
        return None
    try:
        return json.dumps(json.loads(value), separators=(",", ":"))
    except (ValueError, RecursionError):
        return None


def _base_url(value: Json) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _sound_url(value):
        raise BadDocument("base_url must be an http or https URL without user, query or fragment")
    return value.rstrip("/")


def _sound_url(value: str) -> bool:
    # First its characters: `urlsplit` drops line breaks and tabs, and an empty query or fragment, without a word.
    if len(value) > MAX_TEXT or not _VISIBLE.fullmatch(value) or "?" in value or "#" in value:
        return False
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None and port != 0


def _models(value: Json) -> tuple[str, ...]:
    rule = "models must be a list of model names, in which * and ? stand for anything"
    if value is None:
        return ()
    if not isinstance(value, list):
        raise BadDocument(rule)
    return tuple(_line(each, rule) for each in value)


def _aliases(value: Json) -> dict[str, str]:
    rule = "aliases must be an object of model names: the caller's, and the provider's for it"
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadDocument(rule)
    return {_line(alias, rule): _line(model, rule) for alias, model in value.items()}


def _weight(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_WEIGHT:
        raise BadDocument(f"weight must be a whole number from 0 to {MAX_WEIGHT}")
    return value


def _headers(value: Json) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadDocument("headers must be an object of names and values")
    headers = {
        _header_name(name): _line(text, "a header must have a value of printable ASCII") for name, text in value.items()
    }
    if len(headers) != len(value):
        raise BadDocument("a header is there twice, its name in upper and lower case")
    return headers


def _header_name(name: str) -> str:
    lower = name.lower()
    if not _TOKEN.fullmatch(name):
        raise BadDocument("a header's name has characters that no name may have")
    if lower in _OF_THE_CONNECTION:
        raise BadDocument(f"the header {lower} belongs to the connection and cannot be set")
    if lower in _OF_THE_SECRET:
        raise BadDocument(f"the header {lower} is where a credential goes: put it into secret")
    return lower


def _enabled(value: Json) -> bool:
    if not isinstance(value, bool):
        raise BadDocument("enabled must be true or false")
    return value


def _line(value: Json, rule: str) -> str:
    """Printable ASCII on one line, with no blank at its ends, which HTTP would take away."""
    if not isinstance(value, str) or len(value) > MAX_TEXT or not _LINE.fullmatch(value) or value != value.strip():
        raise BadDocument(rule)
    return value
