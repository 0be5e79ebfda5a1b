"""Orgs: made, shown, set, and their shared cache purged."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from handlers.admin.audit import differences, recorded
from handlers.admin.body import flag, matching, one_of, whole
from handlers.admin.call import Reply, conflict, listing, org_write, retried
from handlers.admin.limits import limits_over, limits_shown
from handlers.admin.models import MODELS, distinct, model_shown
from infra.control.key_text import ORG_ID
from infra.control.records import Org, WhenDown, org_place
from infra.control.store import Conflict, ItemKey, Put
from infra.secrets.org_secrets import (
    KEY_SIZE,
    cache_key_document,
    cache_key_name,
    org_document_name,
    org_secrets_document,
)
from infra.secrets.store import SecretsConflict
from providers.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handlers.admin.body import Body
    from handlers.admin.call import Call
    from infra.control.store import Item, Json
    from providers.jsonwalk import JsonObject

_ORG_ID: Final = matching(ORG_ID, "must have 1 to 40 lower-case letters, digits and inner hyphens, such as acme-eu")
_WHEN_DOWN: Final[tuple[WhenDown, ...]] = ("open", "closed")
_OUTPUT_TOKENS: Final = whole(1, 1_000_000)
_PERCENT: Final = whole(0, 100)
_CONTENT_SECONDS: Final = whole(60, 30 * 86_400)  # what is kept longer than a debugging session takes is a liability

_LIST: Final = "ORGS"


async def create(call: Call) -> Reply:
    """`POST /orgs`. The org's record comes last and makes it one, so that a creation that broke off can be repeated."""
    org = _settings(call.body, Org(org_id=call.body.read("org_id", _ORG_ID), created_at=call.now))
    call.body.finish()
    control = call.services.control
    if await control.get([org_place(org.org_id)], now=call.now):
        raise _exists(org.org_id)
    written = org_write(org)
    async with recorded(call, "org.create", org.org_id, differences({}, _settings_shown(org)), org_id=org.org_id):
        cache_key, token_key = call.services.random(KEY_SIZE), call.services.random(KEY_SIZE)
        await _keep(call, cache_key_name(org.org_id), cache_key_document(cache_key))
        signing = Secret(base64.b64encode(token_key).decode("ascii"))
        await _keep(call, org_document_name(org.org_id), org_secrets_document((), signing))
        listed: JsonObject = {"org_id": org.org_id, "created_at": org.created_at}
        try:
            await control.write(
                [
                    written,
                    Put(ItemKey(_LIST, org.org_id), listed, version=None),
                ],
                now=call.now,
            )
        except Conflict:
            raise _exists(org.org_id) from None
    return Reply(org_shown(org), 201)


async def everyone(call: Call) -> Reply:
    """`GET /orgs`: their ids; what they have set is asked for one by one."""
    return await listing(call, _LIST, "", _listed)


async def show(call: Call) -> Reply:
    return Reply(org_shown(await call.org()))


async def change(call: Call) -> Reply:
    """`PATCH /orgs/{org}`: what is named changes, everything else stays."""

    async def attempt() -> Reply:
        org = await call.org()
        changed = _settings(call.body, org)
        call.body.finish()
        return await _write(call, "org.set", org, changed)

    return await retried(attempt)


async def purge_cache(call: Call) -> Reply:
    """`POST /orgs/{org}/purge-cache`: entries of earlier epochs are sealed under keys that nobody derives any more."""
    call.body.finish()

    async def attempt() -> Reply:
        org = await call.org()
        return await _write(call, "org.purge_cache", org, replace(org, cache_epoch=org.cache_epoch + 1))

    return await retried(attempt)


def org_shown(org: Org) -> JsonObject:
    return {"object": "org", "org_id": org.org_id, "created_at": org.created_at, **_settings_shown(org)}


def _settings(body: Body, org: Org) -> Org:
    return replace(
        org,
        share_cache=body.read("share_cache", flag, org.share_cache),
        limits=body.read("limits", limits_over(org.limits), org.limits),
        limits_when_down=body.read("limits_when_down", one_of(_WHEN_DOWN), org.limits_when_down),
        assumed_output_tokens=body.read("assumed_output_tokens", _OUTPUT_TOKENS, org.assumed_output_tokens),
        content_log_percent=body.read("content_log_percent", _PERCENT, org.content_log_percent),
        content_log_seconds=body.read("content_log_seconds", _CONTENT_SECONDS, org.content_log_seconds),
        models=distinct(body.read("models", MODELS, org.models)),
    )


def _settings_shown(org: Org) -> JsonObject:
    return {
        "share_cache": org.share_cache,
        "cache_epoch": org.cache_epoch,
        "limits": limits_shown(org.limits),
        "limits_when_down": org.limits_when_down,
        "assumed_output_tokens": org.assumed_output_tokens,
        "content_log_percent": org.content_log_percent,
        "content_log_seconds": org.content_log_seconds,
        "models": [model_shown(model) for model in org.models],
    }


async def _write(call: Call, action: str, before: Org, after: Org) -> Reply:
    changes = differences(_settings_shown(before), _settings_shown(after))
    if changes:
        written = org_write(after)
        async with recorded(call, action, after.org_id, changes):
            await call.services.control.write([written], now=call.now)
    return Reply(org_shown(after))


async def _keep(call: Call, name: str, document: Mapping[str, Json]) -> None:
    """Write a document that is made once and never again: an earlier attempt's is as good, and may be in use."""
    secrets = call.services.secrets
    if await secrets.read(name) is None:
        try:
            await secrets.write(name, document, version=None)
        except SecretsConflict:
            if await secrets.read(name) is None:
                raise


def _listed(item: Item) -> JsonObject:
    return {"object": "org", "org_id": item.key.sort, "created_at": item.document.get("created_at")}  # type: ignore[dict-item]


def _exists(org_id: str) -> Exception:
    return conflict(f"There is an org {org_id!r} already.")
