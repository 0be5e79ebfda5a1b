"""Trying an endpoint out: one real, tiny call, the way the proxy makes it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from providers import catalog, registry
from providers.base import Credential, Profile, Target, home_of
from providers.dialects import openai
from providers.errors import InvalidRequest, SabirError, UpstreamError
from providers.jsonwalk import dump
from providers.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handlers.admin.services import AdminServices
    from infra.upstream import UpstreamResponse
    from providers.base import Provider, UpstreamRequest
    from providers.jsonwalk import JsonObject
    from providers.prices import ModelInfo
    from providers.routing.endpoint import Endpoint
    from providers.usage import Usage

_ASKED: Final = "Reply with the word ok."
_MAX_TOKENS: Final = 16

# What reads less is an embedding, a classifier or long retired.
_CHAT_WINDOW: Final = 32_000


def choose_model(endpoint: Endpoint, wanted: str | None) -> str:
    """The provider's name of the model to ask: `wanted`, else one that the endpoint names, else a cheap one.

    Raises `InvalidRequest` where there is none to choose.
    """
    if wanted is not None:
        return endpoint.aliases.get(wanted, wanted)
    plain = [model for model in (*endpoint.models, *endpoint.aliases.values()) if not set(model) & set("*?")]
    if plain:
        return plain[0]
    found = sorted(_cheap(endpoint))
    if not found:
        raise InvalidRequest(
            f"model: name one to ask {endpoint.provider} for; none is known that this endpoint serves.",
            param="model",
            code="no_model",
        )
    return found[0][1]


async def try_endpoint(services: AdminServices, endpoint: Endpoint, model: str) -> JsonObject:
    """What was seen. A provider that refuses is a result, and no error of ours; no secret is in it."""
    started = time.perf_counter()
    status: int | None = None
    usage: JsonObject | None = None
    error: JsonObject | None = None
    try:
        request = trial_request(endpoint, model, services.base_urls)
        upstream = await services.upstream.send(request, endpoint.provider)
        status = upstream.status
        usage = await _usage(_asked_for(endpoint, model)[0], upstream)
    except SabirError as fault:
        error = _told(fault, endpoint)
    return {
        "object": "endpoint.test",
        "ok": error is None,
        "endpoint": endpoint.name,
        "provider": endpoint.provider,
        "model": model,
        "status": status,
        "latency_ms": round((time.perf_counter() - started) * 1000, 1),
        "usage": usage,
        "error": error,
    }


def trial_request(endpoint: Endpoint, model: str, base_urls: Mapping[str, str]) -> UpstreamRequest:
    """What is sent. Raises `Unsupported` where even this is too much for the provider."""
    provider, model = _asked_for(endpoint, model)
    body: JsonObject = {
        "model": model,
        "messages": [{"role": "user", "content": _ASKED}],
        "max_completion_tokens": _MAX_TOKENS,
    }
    profile = Profile(base_url_of(provider, endpoint, base_urls), endpoint.headers, endpoint.region)
    target = Target(endpoint.provider, model, Credential(endpoint.secret, of_org=True), profile)
    return provider.request(openai.DIALECT.parse(dump(body)), target).request


def _asked_for(endpoint: Endpoint, name: str) -> tuple[Provider, str]:
    """The provider on the wire on which it serves what it calls `name`, and the model."""
    model, wire = catalog.spoken(endpoint.provider, name)
    return registry.speaking(endpoint.provider, wire), model


def base_url_of(provider: Provider, endpoint: Endpoint, base_urls: Mapping[str, str]) -> str:
    """The endpoint's, the deployment's, or the provider's own one in the endpoint's region."""
    return endpoint.base_url or base_urls.get(endpoint.provider) or home_of(provider, endpoint.region)


async def _usage(provider: Provider, upstream: UpstreamResponse) -> JsonObject | None:
    """Raises what the provider's translator says of an answer that is none."""
    try:
        if not 200 <= upstream.status < 300:
            raise provider.error(upstream.status, upstream.headers, await upstream.read_error())
        done = provider.response(await upstream.read())
    finally:
        upstream.close()
    return None if done.usage is None else _usage_shown(done.usage)


def _usage_shown(usage: Usage) -> JsonObject:
    return {"prompt_tokens": usage.prompt, "completion_tokens": usage.completion}


def _told(fault: SabirError, endpoint: Endpoint) -> JsonObject:
    if isinstance(fault, UpstreamError):
        for secret in (endpoint.secret, *map(Secret, endpoint.headers.values())):
            fault.redact(secret)
    return {"code": fault.code, "type": fault.type, "message": fault.message}


def _cheap(endpoint: Endpoint) -> list[tuple[float, str]]:
    """Models of the provider that look like chat models and that this endpoint serves, each with a price."""
    from fnmatch import fnmatchcase

    found = []
    for model in catalog.listed(endpoint.provider):
        info = catalog.find(endpoint.provider, model)
        serves = not endpoint.models or any(fnmatchcase(model, pattern) for pattern in endpoint.models)
        price = _price(info) if info is not None and serves else None
        if price is not None:
            found.append((price, model))
    return found


def _price(info: ModelInfo) -> float | None:
    """Input and output of a million tokens each; None for what is no chat model in use."""
    if info.deprecated or (info.context_window or 0) < _CHAT_WINDOW or not info.prices:
        return None
    rates = info.prices[0].rates
    if any("audio" in unit or "image" in unit for unit in rates) or "output_mtok" not in rates:
        return None
    output = rates["output_mtok"].base
    return float(output + rates["input_mtok"].base) if output and "input_mtok" in rates else None
