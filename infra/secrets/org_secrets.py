"""An org's document in the secret store, and what it must be.

    org/<org_id>        {"schema": 1, "endpoints": [{"name": …, "provider": …, "secret": …, …}], "token_key": base64}
    cache-key/<org_id>  {"cache_key": base64}

An endpoint's members are the fields of `providers.routing.endpoint.Endpoint`; `name`, `provider` and `secret` must be
there. Unknown ones are refused: a misspelt `weigth` would otherwise be a weight of 1 that nobody asked for.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.secrets.endpoint_members import BadDocument, read_endpoint
from providers.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infra.control.store import Json
    from infra.secrets.store import SecretDocument
    from providers.routing.endpoint import Endpoint

__all__ = [
    "BadDocument",
    "OrgSecrets",
    "cache_key_document",
    "cache_key_name",
    "endpoint_document",
    "org_document_name",
    "org_secrets_document",
    "read_cache_key",
    "read_endpoint",
    "read_org_secrets",
]

SCHEMA: Final = 1
KEY_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class OrgSecrets:
    """`token_key`: base64 of the 32 bytes that sign the org's temporary credentials. `version`: the document's."""

    endpoints: tuple[Endpoint, ...]
    token_key: Secret
    version: str


def org_document_name(org_id: str) -> str:
    return f"org/{org_id}"


def cache_key_name(org_id: str) -> str:
    """A document of its own, for the proxy may not read it: it unwraps its copy with the key that it is shown."""
    return f"cache-key/{org_id}"


def read_org_secrets(document: SecretDocument) -> OrgSecrets:
    """Raises `BadDocument`."""
    value = document.value
    if value.get("schema") != SCHEMA:
        raise BadDocument(f"its schema is not {SCHEMA}: another version of Sabir wrote it")
    listed = value.get("endpoints")
    if not isinstance(listed, list):
        raise BadDocument("endpoints must be a list")
    endpoints = tuple(_read_listed(number, each) for number, each in enumerate(listed, start=1))
    names = [endpoint.name for endpoint in endpoints]
    for name in names:
        if names.count(name) > 1:
            raise BadDocument(f"there are two endpoints with the name {name}")
    return OrgSecrets(endpoints, Secret(_key_text(value, "token_key")), document.version)


def org_secrets_document(endpoints: Iterable[Endpoint], token_key: Secret) -> dict[str, Json]:
    """What `read_org_secrets` reads. `token_key`: base64 of 32 random bytes."""
    listed = [endpoint_document(endpoint) for endpoint in endpoints]
    return {"schema": SCHEMA, "endpoints": listed, "token_key": token_key.reveal()}


def endpoint_document(endpoint: Endpoint) -> dict[str, Json]:
    """With its secret in the clear: it goes into the secret store and nowhere else."""
    document: dict[str, Json] = {
        "name": endpoint.name,
        "provider": endpoint.provider,
        "secret": endpoint.secret.reveal(),
        "models": list(endpoint.models),
        "aliases": dict(endpoint.aliases),
        "weight": endpoint.weight,
        "headers": dict(endpoint.headers),
        "enabled": endpoint.enabled,
    }
    if endpoint.base_url is not None:
        document["base_url"] = endpoint.base_url
    if endpoint.region is not None:
        document["region"] = endpoint.region
    return document


def read_cache_key(document: SecretDocument) -> bytes:
    """The org's 32 random bytes. Raises `BadDocument`."""
    return base64.b64decode(_key_text(document.value, "cache_key"))


def cache_key_document(cache_key: bytes) -> dict[str, Json]:
    return {"cache_key": base64.b64encode(cache_key).decode("ascii")}


def _read_listed(number: int, each: Json) -> Endpoint:
    try:
        return read_endpoint(each)
    except BadDocument as fault:
        raise BadDocument(f"endpoint {number} of the list: {fault}") from None


def _key_text(value: Mapping[str, Json], member: str) -> str:
    text = value.get(member)
    try:
        key = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        # `binascii.Error` for base64, ValueError for what is not ASCII. Without its cause: it is a secret's.
        key = b""
    if not isinstance(text, str) or len(key) != KEY_SIZE:
        raise BadDocument(f"{member} must be base64 of {KEY_SIZE} bytes")
    return text
