"""The admin API as an ASGI application: who asks, what with, and every failure in the shape of OpenAI's errors."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router

from handlers.admin import audit, endpoints, keys, models, orgs, requests
from handlers.admin.actor import iam_identity, key_holder
from handlers.admin.body import Body
from handlers.admin.call import Call, conflict
from handlers.body import ClientGone, read_body
from handlers.record import places_of
from handlers.request_log.query import once
from infra.control.store import Conflict, ControlFault
from infra.secrets.store import SecretsConflict, SecretsFault
from providers.dialects import openai
from providers.errors import InvalidRequest, MethodNotAllowed, SabirError, Unavailable, UnknownRoute
from providers.jsonwalk import MalformedJson, dump, load_object

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from starlette.types import Receive, Scope, Send

    from handlers.admin.call import Reply
    from handlers.admin.services import AdminServices
    from providers.jsonwalk import JsonObject

    Answer: TypeAlias = Callable[[Call], Awaitable[Reply]]
    Admit: TypeAlias = Callable[[Request, AdminServices], Awaitable[str]]

# More than an org's record may hold; nothing else comes near.
_MAX_BODY: Final = 256 * 1024

_ROUTES: Final[Mapping[str, Mapping[str, Answer]]] = {
    "/orgs": {"POST": orgs.create, "GET": orgs.everyone},
    "/orgs/{org}": {"GET": orgs.show, "PATCH": orgs.change},
    "/orgs/{org}/purge-cache": {"POST": orgs.purge_cache},
    "/orgs/{org}/endpoints": {"GET": endpoints.everyone},
    "/orgs/{org}/endpoints/{name}": {"GET": endpoints.show, "PUT": endpoints.put, "DELETE": endpoints.remove},
    "/orgs/{org}/endpoints/{name}/rotate": {"POST": endpoints.rotate},
    "/orgs/{org}/endpoints/{name}/test": {"POST": endpoints.test},
    "/orgs/{org}/models/{name:path}": {"PUT": models.put, "DELETE": models.remove},
    "/orgs/{org}/keys": {"POST": keys.issue, "GET": keys.everyone},
    "/orgs/{org}/keys/{key_id}": {"GET": keys.show, "PATCH": keys.change, "DELETE": keys.revoke},
    "/orgs/{org}/audit": {"GET": audit.trail},
    "/orgs/{org}/requests": {"GET": requests.everyone},
    "/orgs/{org}/requests/{request_id}": {"GET": requests.show},
    "/orgs/{org}/usage": {"GET": requests.usage},
}


def create_admin_app(services: AdminServices) -> Starlette:
    """The same routes twice: under `/admin/v1` for the admin key, under `/admin-iam/v1` for IAM and for nothing else.

    The services are closed when the application shuts down.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await services.close()

    app = Starlette(
        routes=[
            Mount("/admin/v1", _routes(services, _by_key)),
            Mount("/admin-iam/v1", _routes(services, _by_iam)),
        ],
        lifespan=lifespan,
        exception_handlers={404: _not_found, 405: _not_allowed},
    )
    app.router.redirect_slashes = False
    return app


def _routes(services: AdminServices, admit: Admit) -> Router:
    routes = [
        Route(path, _Resource(answers, admit, services), methods=list(answers)) for path, answers in _ROUTES.items()
    ]
    # A redirect would tell strangers what there is, and lead whoever follows it, admin key in hand, to plain HTTP.
    return Router(routes, redirect_slashes=False)


async def _by_key(request: Request, services: AdminServices) -> str:
    return await key_holder(request.headers, services)


async def _by_iam(request: Request, _: AdminServices) -> str:
    return iam_identity(request.scope)


class _Resource:
    """One path. Whoever is not admitted learns nothing of what is there, and their body is not read."""

    def __init__(self, answers: Mapping[str, Answer], admit: Admit, services: AdminServices) -> None:
        self._answers = answers
        self._admit = admit
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            await (await self._answer(request, receive))(scope, receive, send)
        except ClientGone:
            return

    async def _answer(self, request: Request, receive: Receive) -> Response:
        try:
            reply = await self._replied(request, receive)
        except SabirError as error:
            return _failure(error)
        except (Conflict, SecretsConflict):
            return _failure(conflict("Somebody else wrote the same thing at the same time; look again, then repeat."))
        except (ControlFault, SecretsFault) as fault:
            self._services.report(json.dumps({"admin": "outage", "fault": str(fault)}))
            return _failure(_outage(fault))
        except ClientGone:
            raise
        except Exception as bug:  # noqa: BLE001 - the last line of defence; its text may quote a secret, its places not
            self._services.report(json.dumps({"admin": "bug", "places": places_of(bug)}))
            return _failure(SabirError("Sabir failed to handle this request.", code="internal_error"))
        return _json(dump(reply.value), reply.status)

    async def _replied(self, request: Request, receive: Receive) -> Reply:
        # HEAD is answered as GET, without its body, by whatever server there is.
        answer = self._answers["GET" if request.method == "HEAD" else request.method]
        actor = await self._admit(request, self._services)
        call = Call(
            self._services,
            actor,
            request.path_params,
            once(request.query_params.multi_items()),
            Body(await _body(request, receive)),
            int(self._services.now()),
        )
        return await answer(call)


async def _body(request: Request, receive: Receive) -> JsonObject:
    """No body at all is an empty object: a test, a purge and a removal have nothing to say."""
    raw = await read_body(receive, request.headers, _MAX_BODY)
    try:
        return load_object(raw) if raw.strip() else {}
    except MalformedJson as fault:
        raise InvalidRequest(
            f"We could not read the JSON body of your request: {fault}.", code="invalid_json"
        ) from None


def _outage(fault: ControlFault | SecretsFault) -> Unavailable:
    match fault:
        case ControlFault():
            return Unavailable("The store of orgs and keys cannot be reached; try again.", code="key_store_unavailable")
        case SecretsFault():
            return Unavailable("The store of secrets cannot be reached; try again.", code="secret_store_unavailable")
        case _:  # pragma: no cover
            assert_never(fault)


def _failure(error: SabirError) -> Response:
    answer = _json(openai.DIALECT.error(error), error.status)
    if error.status == 401:
        answer.headers["www-authenticate"] = "Bearer"  # RFC 9110 §15.5.2
    return answer


def _json(body: bytes, status: int) -> Response:
    # A key is in one of these answers, and none is anybody's to keep.
    return Response(body, status, {"cache-control": "no-store"}, media_type="application/json")


async def _not_found(request: Request, _: Exception) -> Response:
    return _failure(UnknownRoute(f"There is nothing at this URL ({request.method} of it); the API is under /admin/v1."))


async def _not_allowed(request: Request, refused: Exception) -> Response:
    answer = _failure(MethodNotAllowed(f"This URL does not take {request.method}."))
    if isinstance(refused, HTTPException) and refused.headers:
        answer.headers.update(refused.headers)
    return answer
