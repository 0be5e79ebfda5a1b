"""Members of orgs: who a Sabir key or a temporary credential is, and what it brings along.

An outage of a store is a 503 that names the store. It is never "invalid key", for nobody could look.
"""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from cache import wrapped
from cache.errors import CacheFault
from handlers.caller import CacheRoot, Member
from infra.control import tokens
from infra.control.store import ControlFault
from infra.secrets.store import SecretsFault
from providers.errors import Unauthenticated, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from handlers.health import HealthBoard
    from handlers.stores import Stores
    from infra.control.directory import Directory, Known
    from infra.control.records import Org, SabirKey
    from infra.control.tokens import TokenClaims
    from infra.limits.limiter import Limiter
    from infra.secrets.org_secrets import OrgSecrets
    from infra.secrets.reader import SecretsReader
    from providers.secret import Secret

_R = TypeVar("_R")

_NO_SUCH_TOKEN: Final = "The temporary credential is not valid, or has expired."  # noqa: S105 - says so, is none
# A member's stores answer in milliseconds or not at all; a client that waits longer has given up.
_PATIENCE: Final = 10.0
# After a provider's 401, for each of two readings: the client has waited for the provider already.
_PATIENCE_AGAIN: Final = 5.0


@dataclass(frozen=True, slots=True)
class Orgs:
    """`nonce`: 12 random bytes at each call."""

    directory: Directory
    secrets: SecretsReader
    limiter: Limiter
    health: HealthBoard
    nonce: Callable[[], bytes]
    stores: Stores

    async def member(self, presented: Secret, *, now: float) -> Member:
        """Raises `Unauthenticated` for what is no good key, `Unavailable` where that cannot be known."""
        if tokens.looks_like(presented):
            return await self._bearer_of_token(presented, now)
        known = _usable(await _key_known(self.directory.find(presented, now=now)), now)
        secrets = await self._secrets_of(known, now)
        data_key = partial(_key_by_key, known.key, presented)
        return Member(known.org, known.key, secrets, known.health, _root(known.org, data_key, presented), data_key)

    async def another_secret(self, member: Member, endpoint: str, refused: Secret, *, now: float) -> Secret | None:
        """After a provider's 401: what the secret is by now, or was before; None where neither is another one."""
        org_id = member.org.org_id
        for read in (
            partial(self.secrets.renewed, org_id, member.secrets.version),
            partial(self.secrets.previous, org_id),
        ):
            try:
                async with asyncio.timeout(_PATIENCE_AGAIN):
                    found = await read(now=now)
            except (SecretsFault, TimeoutError):
                continue
            for one in found.endpoints if found else ():
                if one.name == endpoint and one.secret != refused:
                    return one.secret
        return None

    def mint(self, member: Member, model: str, ttl: int, *, token_id: str, now: int) -> tuple[str, int]:
        """A temporary credential and when it ends. `member` presents its key itself.

        It carries the org's data key, sealed, only where the org needs it there: to share its cache or log content.
        """
        token_key = _token_key(member.secrets)
        ends = tokens.ends_at(member.key, ttl, now=now)
        needed = member.org.share_cache or member.org.content_log_percent > 0
        data_key = member.data_key() if needed else None
        sealed = None
        if data_key is not None:
            sealed = wrapped.seal_for_token(data_key, token_key, token_id=token_id, nonce=self.nonce())
        claims = tokens.TokenClaims(member.org.org_id, member.key.key_id, (model,), token_id, now, ends, sealed)
        return tokens.mint(claims, token_key), ends

    async def close(self) -> None:
        await self.stores.close()

    async def _secrets_of(self, known: Known, now: float) -> OrgSecrets:
        secrets = await _secrets_known(self.secrets.of(known.org.org_id, now=now))
        if secrets is None:
            raise Unavailable(
                "This organisation's provider secrets are missing; ask its administrator.", code="secrets_missing"
            )
        return secrets

    async def _bearer_of_token(self, presented: Secret, now: float) -> Member:
        """What the token says of itself only finds its key, and the org's signing key; these say whether it is true."""
        said = tokens.ids_of(presented)
        if said is None:
            raise Unauthenticated(_NO_SUCH_TOKEN)
        found = await _key_known(self.directory.find_by_id(said.org_id, said.key_id, now=now))
        if found is None:
            raise Unauthenticated(_NO_SUCH_TOKEN)
        secrets = await self._secrets_of(found, now)
        try:
            claims = tokens.verify(presented, _token_key(secrets), now=now)
        except tokens.InvalidToken:
            raise Unauthenticated(_NO_SUCH_TOKEN) from None
        known = _usable(found, now)
        data_key = partial(_key_by_token, claims, secrets)
        root = _root(known.org, data_key, presented)
        return Member(known.org, known.key, secrets, known.health, root, data_key, claims.models)


async def _key_known(reading: Awaitable[_R]) -> _R:
    """What the store of the keys says, in time."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await reading
    except (ControlFault, TimeoutError):
        raise Unavailable(
            "The store of the keys is out, so it is not known whether yours is good. Try again in a moment.",
            code="key_store_unavailable",
            retry_after="1",
        ) from None


async def _secrets_known(reading: Awaitable[_R]) -> _R:
    """What the store of the provider secrets says, in time."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await reading
    except (SecretsFault, TimeoutError):
        raise Unavailable(
            "The store of the provider secrets is out. Try again in a moment.",
            code="secret_store_unavailable",
            retry_after="1",
        ) from None


def _usable(known: Known | None, now: float) -> Known:
    if known is None:
        raise Unauthenticated("There is no such Sabir key.")
    match known.verdict(now):
        case "usable":
            return known
        case "expired":
            raise Unauthenticated("This Sabir key has expired.", code="expired_api_key")
        case "revoked":
            raise Unauthenticated("This Sabir key was revoked.", code="revoked_api_key")


def _key_by_key(key: SabirKey, presented: Secret) -> bytes | None:
    """The org's data key, from the copy that is wrapped under the presented key; None where that does not open."""
    if not key.wrapped_cache_key:
        return None
    try:
        return wrapped.unwrap(key.wrapped_cache_key, presented.reveal().encode(), org_id=key.org_id, key_id=key.key_id)
    except CacheFault:
        return None


def _key_by_token(claims: TokenClaims, secrets: OrgSecrets) -> bytes | None:
    """The same, from the copy that the temporary credential carries."""
    if not claims.sealed_cache_key:
        return None
    try:
        return wrapped.open_from_token(claims.sealed_cache_key, _token_key(secrets), token_id=claims.token_id)
    except CacheFault:
        return None


def _root(org: Org, data_key: Callable[[], bytes | None], presented: Secret) -> CacheRoot:
    """A purge raises the epoch, which is in every root and scope: nothing that was kept before is found again.

    A copy of the data key that does not open leaves its bearer with a cache of its own: the cache can never fail a
    request.
    """
    scope = wrapped.org_scope(org.org_id, org.cache_epoch)
    shared = data_key() if org.share_cache else None
    if shared is not None:
        return CacheRoot(wrapped.org_root(shared, org.cache_epoch), scope)
    return CacheRoot(presented.reveal().encode(), scope)


def _token_key(secrets: OrgSecrets) -> bytes:
    return base64.b64decode(secrets.token_key.reveal())
