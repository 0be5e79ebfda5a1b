"""Sabir keys: issued once, shown once, kept as a hash; set, and revoked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cache.sealed import NONCE_SIZE
from cache.wrapped import wrap
from handlers.admin.audit import differences, recorded
from handlers.admin.body import listed, one_of, optional, text, whole, wrong
from handlers.admin.call import Reply, conflict, listing, missing, retried
from handlers.admin.limits import limits_over, limits_shown
from infra.control.codec import LOG_ACCESS, key_document, read_key
from infra.control.key_text import KEY_ID, KEY_ID_BYTES, RANDOM_BYTES, hash_of, mint, new_key_id
from infra.control.records import SabirKey, key_place
from infra.control.store import Put
from infra.secrets.org_secrets import BadDocument, cache_key_name, read_cache_key
from infra.secrets.store import SecretsFault
from providers import registry
from providers.errors import InvalidRequest

if TYPE_CHECKING:
    from handlers.admin.body import Body
    from handlers.admin.call import Call
    from infra.control.store import Item
    from providers.jsonwalk import Json, JsonObject

_PREFIX: Final = "KEY#"

_NAME: Final = text(128)
_OWNER: Final = optional(text(256))
_MODELS: Final = listed(text(256))
# Epoch seconds up to the year 9999: more is milliseconds by mistake.
_TIME: Final = optional(whole(0, 253_402_300_799))


async def issue(call: Call) -> Reply:
    """`POST /orgs/{org}/keys`: the one answer with the key's text in it."""
    org = await call.org()
    services = call.services
    key_id = new_key_id(services.random(KEY_ID_BYTES))
    blank = SabirKey(org.org_id, key_id, b"", "", call.now)
    wanted = replace(_settings(call.body, blank, call.now), name=call.body.read("name", _NAME))
    call.body.finish()
    async with recorded(call, "key.create", key_id, differences({}, _settings_shown(wanted))):
        secret = mint(org.org_id, key_id, services.random(RANDOM_BYTES))
        wrapped = wrap(
            await _cache_key(call),
            secret.reveal().encode(),
            org_id=org.org_id,
            key_id=key_id,
            nonce=services.random(NONCE_SIZE),
        )
        key = replace(wanted, hash=hash_of(secret), wrapped_cache_key=wrapped)
        await _put(call, key)
    return Reply({**key_shown(key, call.now), "key": secret.reveal()}, 201)


async def everyone(call: Call) -> Reply:
    """`GET /orgs/{org}/keys`, revoked and expired ones too: they are part of the story."""
    await call.org()

    def show_item(item: Item) -> JsonObject:
        return key_shown(read_key(item), call.now)

    return await listing(call, f"ORG#{call.org_id}", _PREFIX, show_item)


async def show(call: Call) -> Reply:
    return Reply(key_shown(await _key(call), call.now))


async def change(call: Call) -> Reply:
    """`PATCH …/keys/{key_id}`: what is named changes, everything else stays."""

    async def attempt() -> Reply:
        before = await _key(call)
        after = _settings(call.body, before, call.now)
        call.body.finish()
        if before.revoked_at is not None:
            raise conflict(f"The key {before.key_id} is revoked, and stays so; issue another one.")
        changes = differences(_settings_shown(before), _settings_shown(after))
        if changes:
            async with recorded(call, "key.set", after.key_id, changes):
                await _put(call, after)
        return Reply(key_shown(after, call.now))

    return await retried(attempt)


async def revoke(call: Call) -> Reply:
    """`DELETE …/keys/{key_id}`: the record stays, for the log names the key, without what it could open."""
    call.body.finish()

    async def attempt() -> Reply:
        before = await _key(call)
        if before.revoked_at is not None:
            return Reply(key_shown(before, call.now))
        after = replace(before, revoked_at=call.now, wrapped_cache_key=b"")
        async with recorded(call, "key.revoke", after.key_id, {"revoked_at": {"before": None, "after": call.now}}):
            await _put(call, after)
        return Reply(key_shown(after, call.now))

    return await retried(attempt)


def key_shown(key: SabirKey, now: int) -> JsonObject:
    return {
        "object": "key",
        "org_id": key.org_id,
        "key_id": key.key_id,
        "status": _status(key, now),
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
        **_settings_shown(key),
    }


def _status(key: SabirKey, now: int) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now else "active"


def _settings(body: Body, key: SabirKey, now: int) -> SabirKey:
    expires_at = body.read("expires_at", _TIME, key.expires_at)
    if expires_at is not None and expires_at != key.expires_at and expires_at <= now:
        raise InvalidRequest("expires_at: has passed already.", param="expires_at", code="invalid_value")
    return replace(
        key,
        name=body.read("name", _NAME, key.name),
        owner=body.read("owner", _OWNER, key.owner),
        expires_at=expires_at,
        models=body.read("models", _MODELS, key.models),
        providers=body.read("providers", listed(_provider), key.providers),
        limits=body.read("limits", limits_over(key.limits), key.limits),
        log_access=body.read("log_access", one_of(LOG_ACCESS), key.log_access),
    )


def _provider(value: Json, where: str) -> str:
    """A pattern, as for models; a plain name must be one that there is."""
    pattern = text(64)(value, where)
    if set(pattern) & set("*?") or pattern in registry.AVAILABLE:
        return pattern
    raise wrong(where, f"{pattern} is none of {', '.join(registry.names())}")


def _settings_shown(key: SabirKey) -> JsonObject:
    return {
        "name": key.name,
        "owner": key.owner,
        "expires_at": key.expires_at,
        "models": [*key.models],
        "providers": [*key.providers],
        "limits": limits_shown(key.limits),
        "log_access": key.log_access,
    }


async def _key(call: Call) -> SabirKey:
    key_id = call.path["key_id"]
    if KEY_ID.fullmatch(key_id) is None:
        raise missing("key", key_id)
    place = key_place(call.org_id, key_id)
    found = await call.services.control.get([place], now=call.now)
    if place not in found:
        raise missing("key", key_id)
    return read_key(found[place])


async def _put(call: Call, key: SabirKey) -> None:
    """A new key's version is 0, so that an id that is taken by chance is a `Conflict`, not somebody's end."""
    place = key_place(key.org_id, key.key_id)
    await call.services.control.write([Put(place, key_document(key), version=key.version)], now=call.now)


async def _cache_key(call: Call) -> bytes:
    name = cache_key_name(call.org_id)
    document = await call.services.secrets.read(name)
    if document is None:
        raise SecretsFault(f"the document {name} is not there, though the org is")
    try:
        return read_cache_key(document)
    except BadDocument as fault:
        raise SecretsFault(f"the document {name} cannot be read: {fault}") from None
