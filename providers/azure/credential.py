"""What a secret of Azure is, by its looks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from providers.base import Credential, EntraClient
from providers.secret import members_of

if TYPE_CHECKING:
    from providers.base import Target

# Of the resources of all of Azure AI. Foundry's newer `https://ai.azure.com` is not taken by older resources, this one
# is taken by all: https://github.com/microsoft/PyRIT/pull/1453.
_RESOURCE: Final = "https://cognitiveservices.azure."
_CLOUDS: Final = ("us", "cn")  # Azure Government and Azure in China, whose hosts end so

_ACCESS_TOKEN: Final = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")  # Entra's are JWTs, and no API key has dots


def credential_of(target: Target) -> Credential:
    """An application's `tenant`, `client_id` and `client_secret`, as JSON or base64 of it; an access token; a key."""
    secret = target.credential.secret
    if members_of(secret):
        return Credential(secret, scheme=EntraClient(f"{_RESOURCE}{_cloud(target.profile.base_url)}/.default"))
    if _ACCESS_TOKEN.fullmatch(secret.reveal()):
        return Credential(secret)
    return Credential(secret, header="api-key", prefix="")


def _cloud(base_url: str) -> str:
    host = urlsplit(base_url).hostname or ""
    return next((cloud for cloud in _CLOUDS if host.endswith(f".azure.{cloud}")), "com")
