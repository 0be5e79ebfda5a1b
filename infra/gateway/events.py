"""HTTP requests as the events that a function gets (API Gateway and Lambda developer guides)."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from infra.runtime.prelude import NOT_FORWARDED

if TYPE_CHECKING:
    from collections.abc import Iterable

DOMAIN = "local.execute-api.localhost"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """``target`` is path and query as they came, without the stage; header names keep their case.

    ``resource`` and ``parameters`` are the route's, for a REST API; ``caller`` is the ARN that its authorizer found.
    """

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    source_ip: str
    request_id: str
    stage: str
    resource: str = "/{proxy+}"
    parameters: dict[str, str] | None = None
    caller: str | None = None


def rest_event(request: HttpRequest) -> bytes:
    """Payload version 1.0 of a REST API that treats every body as binary, as our template says (``*/*``)."""
    url = urlsplit(request.target)
    headers = _multi(_forwarded(request))
    query = _multi(parse_qsl(url.query, keep_blank_values=True))
    event = {
        "resource": request.resource,
        "path": url.path,
        "httpMethod": request.method,
        "headers": _last(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": _last(query) or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": request.parameters,
        "stageVariables": None,
        "requestContext": _rest_context(request, url.path),
        **_body(request.body),
    }
    return json.dumps(event).encode()


def function_url_event(request: HttpRequest) -> bytes:
    """Payload version 2.0, as a function URL sends it."""
    url = urlsplit(request.target)
    headers = {name.lower(): ", ".join(values) for name, values in _multi(_forwarded(request)).items()}
    cookies = headers.pop("cookie", None)
    query = _multi(parse_qsl(url.query, keep_blank_values=True))
    http = {
        "method": request.method,
        "path": url.path,
        "protocol": "HTTP/1.1",
        "sourceIp": request.source_ip,
        "userAgent": headers.get("user-agent", ""),
    }
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": url.path,
        "rawQueryString": url.query,
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "local",
            "domainName": DOMAIN,
            "http": http,
            "requestId": request.request_id,
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": int(time.time() * 1000),
        },
        **_body(request.body),
    }
    if cookies:
        event["cookies"] = cookies.split("; ")
    if query:
        event["queryStringParameters"] = {name: ",".join(values) for name, values in query.items()}
    return json.dumps(event).encode()


def _rest_context(request: HttpRequest, path: str) -> dict[str, Any]:
    user_agent = next((value for name, value in request.headers if name.lower() == "user-agent"), None)
    return {
        "accountId": "000000000000",
        "apiId": "local",
        "domainName": DOMAIN,
        "httpMethod": request.method,
        "identity": {"sourceIp": request.source_ip, "userAgent": user_agent, "userArn": request.caller},
        "path": f"/{request.stage}{path}",
        "protocol": "HTTP/1.1",
        "requestId": request.request_id,
        "requestTimeEpoch": int(time.time() * 1000),
        "resourcePath": request.resource,
        "stage": request.stage,
    }


def _forwarded(request: HttpRequest) -> list[tuple[str, str]]:
    kept = [(name, value) for name, value in request.headers if name.lower().encode("latin-1") not in NOT_FORWARDED]
    return [
        *kept,
        ("X-Amzn-Trace-Id", f"Root=1-{int(time.time()):08x}-{request.request_id.replace('-', '')[:24]}"),
        ("X-Forwarded-For", request.source_ip),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
    ]


def _multi(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped


def _last(grouped: dict[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in grouped.items()}


def _body(body: bytes) -> dict[str, Any]:
    if not body:
        return {"body": None, "isBase64Encoded": False}
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
