"""An org's endpoints: its provider secrets, which go in here and never come out again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from handlers.admin.addresses import check_address
from handlers.admin.admin_key import fingerprint
from handlers.admin.audit import differences, recorded
from handlers.admin.body import optional, text
from handlers.admin.call import Reply, missing, retried
from handlers.admin.trial import choose_model, try_endpoint
from infra.secrets.org_secrets import (
    BadDocument,
    endpoint_document,
    org_document_name,
    org_secrets_document,
    read_endpoint,
    read_org_secrets,
)
from infra.secrets.store import SecretsFault
from providers import keys, registry
from providers.errors import CallerError, InvalidRequest
from providers.secret import Secret

if TYPE_CHECKING:
    from handlers.admin.body import Body
    from handlers.admin.call import Call
    from infra.secrets.org_secrets import OrgSecrets
    from providers.jsonwalk import Json, JsonObject
    from providers.routing.endpoint import Endpoint

_MEMBERS: Final = ("provider", "secret", "base_url", "models", "aliases", "weight", "headers", "region", "enabled")

# Of a shorter secret its last four characters would be too much of it.
_SHOWS_ITS_END: Final = 16


async def everyone(call: Call) -> Reply:
    """`GET /orgs/{org}/endpoints`: all of them; an org has no more than fit into one document."""
    found = await _secrets(call)
    return Reply({"object": "list", "data": [endpoint_shown(each) for each in found.endpoints], "next": None})


async def show(call: Call) -> Reply:
    return Reply(endpoint_shown(_named(await _secrets(call), call.path["name"])))


async def put(call: Call) -> Reply:
    """`PUT …/endpoints/{name}`: made where there is none; else what is named changes, everything else stays."""
    sent = _sent(call.body)
    call.body.finish()

    async def attempt() -> Reply:
        found = await _secrets(call)
        name = call.path["name"]
        before = next((each for each in found.endpoints if each.name == name), None)
        after = _read(_merged(name, before, sent))
        _check_provider(after)
        check_address(after, in_lambda=call.services.in_lambda)
        shown = await _write(call, "endpoint.set" if before else "endpoint.add", found, before, after)
        return Reply(shown, 200 if before else 201)

    return await retried(attempt)


async def rotate(call: Call) -> Reply:
    """`POST …/endpoints/{name}/rotate`: what was the secret stays as the document's previous version."""
    secret = call.body.read("secret", _as_it_is)
    call.body.finish()

    async def attempt() -> Reply:
        found = await _secrets(call)
        before = _named(found, call.path["name"])
        after = _read({**endpoint_document(before), "secret": secret})
        _check_provider(after)
        check_address(after, in_lambda=call.services.in_lambda)
        if after == before:
            raise InvalidRequest("secret: is the one that this endpoint has.", param="secret", code="same_secret")
        return Reply(await _write(call, "endpoint.rotate", found, before, after))

    return await retried(attempt)


async def remove(call: Call) -> Reply:
    call.body.finish()

    async def attempt() -> Reply:
        found = await _secrets(call)
        before = _named(found, call.path["name"])
        await _write(call, "endpoint.remove", found, before, None)
        return Reply({"object": "endpoint", "name": before.name, "deleted": True})

    return await retried(attempt)


async def test(call: Call) -> Reply:
    """`POST …/endpoints/{name}/test`: one real call, which costs as much as 16 tokens do."""
    model = call.body.read("model", optional(text(256)), None)
    call.body.finish()
    endpoint = _named(await _secrets(call), call.path["name"])
    chosen = choose_model(endpoint, model)
    async with recorded(call, "endpoint.test", endpoint.name, {}):
        return Reply(await try_endpoint(call.services, endpoint, chosen))


def endpoint_shown(endpoint: Endpoint) -> JsonObject:
    """Secrets, and headers, which may be secret too, as fingerprints: enough to tell two apart."""
    return {
        "object": "endpoint",
        "name": endpoint.name,
        "provider": endpoint.provider,
        "secret": _secret_shown(endpoint.secret),
        "base_url": endpoint.base_url,
        "models": [*endpoint.models],
        "aliases": {**endpoint.aliases},
        "weight": endpoint.weight,
        "headers": {name: {"fingerprint": fingerprint(Secret(value))} for name, value in endpoint.headers.items()},
        "region": endpoint.region,
        "enabled": endpoint.enabled,
    }


def _secret_shown(secret: Secret) -> JsonObject:
    value = secret.reveal()
    return {"fingerprint": fingerprint(secret), "last4": value[-4:] if len(value) >= _SHOWS_ITS_END else ""}


def _as_it_is(value: Json, _: str) -> Json:
    return value


def _sent(body: Body) -> dict[str, Json]:
    """The members that were sent; what they must be, `read_endpoint` says."""
    absent: Any = object()
    members = {name: body.read(name, _as_it_is, absent) for name in _MEMBERS}
    return {name: value for name, value in members.items() if value is not absent}


def _merged(name: str, before: Endpoint | None, sent: dict[str, Json]) -> JsonObject:
    """What was sent over what is there. A secret does not move: with another address it has to be given again, so that
    nobody who may only change endpoints can have a secret sent to a host of their own.
    """
    stored: dict[str, Any] = endpoint_document(before) if before else {}
    moved = any(member in sent and sent[member] != stored.get(member) for member in ("provider", "base_url", "region"))
    if moved:
        stored = {member: value for member, value in stored.items() if member not in ("secret", "headers")}
    merged = {**stored, **sent, "name": name}
    for member in ("provider", "secret"):
        if merged.get(member) is None:
            again = " again, as the endpoint gets another address" if before and moved else ""
            raise InvalidRequest(f"{member}: is needed{again}.", param=member, code="invalid_value")
    return merged


def _read(document: dict[str, Any]) -> Endpoint:
    try:
        return read_endpoint(document)
    except BadDocument as fault:
        raise InvalidRequest(f"{fault}.", code="invalid_value") from None


def _check_provider(endpoint: Endpoint) -> None:
    """Raises `InvalidRequest` for a provider that there is not, and a secret that is plainly somebody else's."""
    if endpoint.provider not in registry.AVAILABLE:
        raise InvalidRequest(
            f"provider: {endpoint.provider} is none of {', '.join(registry.names())}.",
            param="provider",
            code="invalid_value",
        )
    owner = keys.owner(endpoint.secret)
    if keys.is_sabir_key(endpoint.secret):
        raise InvalidRequest("secret: is a Sabir key, not a provider's.", param="secret", code="invalid_value")
    if owner not in (None, endpoint.provider) and endpoint.base_url is None:
        raise InvalidRequest(
            f"secret: is one of {owner}, not of {endpoint.provider}.", param="secret", code="invalid_value"
        )


async def _secrets(call: Call) -> OrgSecrets:
    """The org's secrets as they are now. Raises a 404, and `SecretsFault`."""
    org = await call.org()
    document = await call.services.secrets.read(org_document_name(org.org_id))
    if document is None:
        raise SecretsFault(f"the secrets of the org {org.org_id} are not there, though the org is")
    try:
        return read_org_secrets(document)
    except BadDocument as fault:
        raise SecretsFault(f"the secrets of the org {org.org_id} cannot be read: {fault}") from None


def _named(found: OrgSecrets, name: str) -> Endpoint:
    endpoint = next((each for each in found.endpoints if each.name == name), None)
    if endpoint is None:
        raise missing("endpoint", name)
    return endpoint


async def _write(
    call: Call, action: str, found: OrgSecrets, before: Endpoint | None, after: Endpoint | None
) -> JsonObject:
    """`after` in the place of `before`, or at the end; what is shown of it."""
    was, shown = (endpoint_shown(each) if each else {} for each in (before, after))
    if before == after:
        return shown
    kept = [after if each == before else each for each in found.endpoints]
    endpoints = [each for each in kept if each] if before else [*found.endpoints, *([after] if after else [])]
    document = org_secrets_document(endpoints, found.token_key)
    subject = call.path["name"]
    async with recorded(call, action, subject, differences(was, shown)):
        try:
            await call.services.secrets.write(org_document_name(call.org_id), document, version=found.version)
        except ValueError:
            raise CallerError(
                "The endpoints of one org must fit into one secret of 64 KB; these do not.",
                status=413,
                code="too_large",
            ) from None
    return shown
