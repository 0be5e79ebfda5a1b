"""The admin key: 256 random bits in Secrets Manager, for whoever may read that secret."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any, Final

from infra.secrets.store import SecretsFault
from providers.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PREFIX: Final = "sba_"

# How long a key that was replaced in Secrets Manager may go on opening this API.
_TTL: Final = 60.0
# A key that does not match may be newer than ours: look again, but not for every guess.
_LOOK_AGAIN: Final = 5.0


def admin_key_of(stored: str) -> Secret:
    """The key as it is presented, from the secret's text: CloudFormation can make random letters, but no prefix."""
    value = stored.strip()
    return Secret(value if value.startswith(PREFIX) else PREFIX + value)


def fingerprint(key: Secret) -> str:
    """Tells keys and secrets apart where they are shown; eight hexadecimal digits of a hash give no random key away."""
    return hashlib.sha256(key.reveal().encode()).hexdigest()[:8]


class FixedAdminKey:
    """A key that does not change while the process lives."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    async def matches(self, presented: Secret) -> bool:
        return _same(self._key, presented)


class CachedAdminKey:
    """The key in Secrets Manager, read when it is first needed and again after a minute.

    `call` and `clock` as for the stores; `secret_id` is the secret's name or ARN.
    """

    def __init__(
        self,
        call: Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]],
        secret_id: str,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._call = call
        self._secret_id = secret_id
        self._clock = clock
        self._key: Secret | None = None
        self._read_at = 0.0

    async def matches(self, presented: Secret) -> bool:
        """Raises `SecretsFault` while nobody can look: an outage is not a wrong key."""
        if self._key is not None and self._age() < _TTL and _same(self._key, presented):
            return True
        if self._key is None or self._age() >= _LOOK_AGAIN:
            self._key = await self._fetch()
            self._read_at = self._clock()
        return _same(self._key, presented)

    def _age(self) -> float:
        return self._clock() - self._read_at

    async def _fetch(self) -> Secret:
        from infra.aws.credentials import NoAwsCredentials
        from infra.aws.json_client import AwsError

        try:
            answer = await self._call("GetSecretValue", {"SecretId": self._secret_id})
        except (AwsError, NoAwsCredentials, TimeoutError) as fault:
            raise SecretsFault(f"the admin key could not be read: {fault}") from fault
        stored = answer.get("SecretString")
        if not isinstance(stored, str) or not stored.strip():
            raise SecretsFault("the secret of the admin key holds no text")
        return admin_key_of(stored)


def _same(key: Secret, presented: Secret) -> bool:
    return hmac.compare_digest(key.reveal().encode(), presented.reveal().encode())
