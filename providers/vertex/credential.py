"""What a secret of Vertex AI is, by its looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.base import Credential, GoogleServiceAccount
from providers.secret import members_of

if TYPE_CHECKING:
    from providers.base import Target

SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_API_KEYS: Final = ("AIza", "AQ.")


def credential_of(target: Target) -> Credential:
    """A service account's key file, as JSON or base64 of it; an API key; else an access token."""
    secret = target.credential.secret
    if members_of(secret):
        return Credential(secret, scheme=GoogleServiceAccount(SCOPE))
    if secret.reveal().startswith(_API_KEYS):
        return Credential(secret, header="x-goog-api-key", prefix="")
    return Credential(secret)
