"""A client's request for embeddings, and what becomes of it at a provider."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from providers import embedders, registry
from providers.base import Credential, Profile, Target
from providers.dialects.openai.embeddings import parse_embedding_request
from providers.secret import Secret

if TYPE_CHECKING:
    from providers.base import Translated
    from providers.embedding import EmbeddingRequest

KEY = Credential(Secret("key-of-a-test"))


def asking(given: object = "x", **more: Any) -> EmbeddingRequest:
    return parse_embedding_request(json.dumps({"model": "m", "input": given, **more}).encode())


def translated(provider: str, asked: EmbeddingRequest, model: str = "m", **profile: Any) -> Translated:
    base_url = profile.pop("base_url", registry.find(provider).base_url)
    return embedders.find(provider).request(asked, Target(provider, model, KEY, Profile(base_url, **profile)))


def sent(provider: str, asked: EmbeddingRequest, model: str = "m", **profile: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(translated(provider, asked, model, **profile).request.body)
    return body
