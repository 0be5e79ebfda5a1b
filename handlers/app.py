"""The proxy as an ASGI application."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handlers import pipeline, temporary
from handlers.endpoint import Endpoint
from providers.dialects import anthropic, openai
from providers.errors import MethodNotAllowed, UnknownRoute

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from starlette.requests import Request

    from handlers.answer import Whole
    from handlers.asked import Asked
    from handlers.services import Services

# The second one is for clients of the service that this one follows: they need to change nothing but the host.
_PREFIXES = ("/v1", "/v1/proxy")


# Any page may call, as any program may: who asks is told by the key in the request alone, and there are no cookies.
_CORS = Middleware(
    CORSMiddleware,
    allow_origins=["*"],
    allow_methods=["GET", "POST"],
    allow_headers=["*"],
    expose_headers=["*"],
    max_age=86_400,
)


def create_app(services: Services) -> Starlette:
    """Routes for every dialect, under both prefixes. The services are closed when the application shuts down."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await services.close()

    app = Starlette(
        routes=[*_routes(services), Route("/healthz", _healthy, methods=["GET"])],
        middleware=[_CORS],
        lifespan=lifespan,
        exception_handlers={404: _not_found, 405: _not_allowed},
    )
    app.router.redirect_slashes = False
    return app


def _routes(services: Services) -> Iterator[Route]:
    """One instance of each endpoint, under all of its addresses."""
    writers, messages, readers = _writers(services), _messages(services), _readers(services)
    for prefix in _PREFIXES:
        for endpoint in writers:
            yield Route(f"{prefix}/{endpoint.name}", endpoint, methods=["POST"])
        for endpoint in messages:
            yield Route(f"{prefix}/{endpoint.name}", endpoint, methods=["POST"])
            # Anthropic's SDKs put `/v1` behind a base URL themselves, which may end in it.
            yield Route(f"{prefix}/v1/{endpoint.name}", endpoint, methods=["POST"])
        for endpoint, items in readers.items():
            for item in ("", *items):
                yield Route(f"{prefix}/{endpoint.name}{item}", endpoint, methods=["GET"])


def _writers(services: Services) -> list[Endpoint]:
    return [
        Endpoint("chat/completions", openai.DIALECT, services, pipeline.answer, operation="chat"),
        Endpoint("chat/completions/input_tokens", openai.DIALECT, services, _count, operation="count_tokens"),
        Endpoint("embeddings", openai.DIALECT, services, _embeddings, operation="embeddings"),
        Endpoint("credentials", openai.DIALECT, services, temporary.answer, operation="credentials"),
    ]


def _messages(services: Services) -> list[Endpoint]:
    return [
        Endpoint("messages", anthropic.DIALECT, services, pipeline.answer, operation="chat"),
        Endpoint("messages/count_tokens", anthropic.TOKEN_COUNT, services, _count, operation="count_tokens"),
    ]


def _readers(services: Services) -> dict[Endpoint, list[str]]:
    """What is read with GET, and what may follow its name in the URL."""
    return {
        Endpoint("models", openai.DIALECT, services, _models, operation="models"): ["/{item:path}"],
        Endpoint("requests", openai.DIALECT, services, _requests, operation="requests"): ["/{item}"],
        Endpoint("requests/{item}/content", openai.DIALECT, services, _content, operation="content"): [],
        Endpoint("usage", openai.DIALECT, services, _usage, operation="usage"): [],
    }


async def _embeddings(asked: Asked, services: Services) -> Whole:
    from handlers import embeddings  # not needed by a cold start for a chat

    return await embeddings.answer(asked, services)


async def _count(asked: Asked, services: Services) -> Whole:
    from handlers import count

    return await count.answer(asked, services)


async def _models(asked: Asked, services: Services) -> Whole:
    from handlers import models

    return await models.answer(asked, services)


async def _requests(asked: Asked, services: Services) -> Whole:
    from handlers import requests

    return await requests.answer(asked, services)


async def _usage(asked: Asked, services: Services) -> Whole:
    from handlers import requests

    return await requests.usage(asked, services)


async def _content(asked: Asked, services: Services) -> Whole:
    from handlers import recall

    return await recall.answer(asked, services)


async def _healthy(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _not_found(request: Request, _: Exception) -> Response:
    paths = ", ".join(f"POST {prefix}/chat/completions" for prefix in _PREFIXES)
    error = UnknownRoute(
        f"There is nothing at this URL ({request.method} of it). Sabir serves {paths}, "
        "POST /v1/chat/completions/input_tokens, POST /v1/messages, POST /v1/messages/count_tokens, "
        "POST /v1/embeddings, GET /v1/models, POST /v1/credentials, GET /v1/requests, GET /v1/requests/{id}/content "
        "and GET /v1/usage."
    )
    return _refusal(request, error)


async def _not_allowed(request: Request, refused: Exception) -> Response:
    # `Allow` comes with Starlette's own exception; RFC 9110 §15.5.6 wants it in the answer.
    allowed = refused.headers if isinstance(refused, HTTPException) else None
    return _refusal(request, MethodNotAllowed(f"This URL does not take {request.method}."), allowed)


def _refusal(
    request: Request, error: UnknownRoute | MethodNotAllowed, headers: Mapping[str, str] | None = None
) -> Response:
    """In the words of the API that the address belongs to, as far as that can be told."""
    dialect = anthropic.DIALECT if "/messages" in request.url.path else openai.DIALECT
    return Response(dialect.error(error), error.status, headers, media_type="application/json")
