"""Embeddings in each provider's own form: `[1, 2]` for the first text of a request, `[2, 3]` for the second …

https://platform.openai.com/docs/api-reference/embeddings/object, https://docs.cohere.com/reference/embed,
https://ai.google.dev/api/embeddings,
https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from tests.support.answers.told import written

if TYPE_CHECKING:
    from tests.support.claims import Claims

Json = dict[str, Any]


def vector(number: int) -> list[int]:
    return [number + 1, number + 2]


def answer(claims: Claims, count: int) -> bytes:
    vectors = [vector(number) for number in range(count)]
    match claims.provider, claims.form:
        case "vertex", _:
            told: Json = {"predictions": [{"embeddings": {"values": each}} for each in vectors]}
        case _, "google":
            told = {"embeddings": [{"values": each} for each in vectors]}
        case _, "cohere" | "bedrock":
            told = {"id": "embed-1", "embeddings": {"float": vectors}, "response_type": "embeddings_by_type"}
        case "perplexity", _:
            told = _listed([b64encode(bytes(each)).decode() for each in vectors])
        case _:
            told = _listed(vectors)
    return written(told)


def texts(claims: Claims, body: Json) -> list[str]:
    """Those that a request to the provider asks for."""
    match claims.provider, claims.form:
        case "vertex", _:
            return [each["content"] for each in body["instances"]]
        case _, "google":
            return [each["content"]["parts"][0]["text"] for each in body["requests"]]
        case _, "cohere" | "bedrock":
            return list(body["texts"])
        case _:
            return list(body["input"])


def _listed(vectors: list[Any]) -> Json:
    data = [{"object": "embedding", "index": index, "embedding": each} for index, each in enumerate(vectors)]
    return {"object": "list", "data": data, "model": "model", "usage": {"prompt_tokens": 2, "total_tokens": 2}}
