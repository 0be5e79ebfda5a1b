"""Embeddings on Vertex AI: `POST …/publishers/google/models/{model}:predict`.

https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers import vectors
from providers.base import Translated, UpstreamRequest
from providers.dropped import Dropped
from providers.embedding import Embeddings
from providers.errors import InvalidRequest, Unsupported, UpstreamProtocolError
from providers.jsonwalk import MalformedJson, child, children, dump, integer, load_object
from providers.task_types import task_type
from providers.usage import Usage
from providers.vertex.credential import credential_of
from providers.vertex.place import models_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.base import Target
    from providers.embedding import EmbeddingProvider, EmbeddingRequest
    from providers.jsonwalk import Json, JsonObject

# Texts in one request, as the page above has it: one for Gemini's, 250 for the older ones.
_GEMINI: Final = "gemini-embedding"
_MOST: Final = 250


class VertexEmbeddings:
    """See `providers.embedding.EmbeddingProvider`."""

    def most(self, model: str) -> int | None:
        return 1 if model.startswith(_GEMINI) else _MOST

    def relays(self, asked: EmbeddingRequest) -> bool:  # noqa: ARG002
        return False

    def request(self, asked: EmbeddingRequest, target: Target) -> Translated:
        dropped = Dropped()
        name = target.model.removeprefix("models/")
        if not all(letter.isascii() and (letter.isalnum() or letter in "-_.@") for letter in name) or ".." in name:
            raise InvalidRequest("This is no name of a Google model.", param="model", code="model_not_found")
        if asked.native:
            raise Unsupported("Google gives vectors of floats alone.", param="encoding_format")
        body: JsonObject = {"instances": _instances(asked, dropped), "parameters": _parameters(asked)}
        headers = {key.lower(): value for key, value in target.profile.headers.items()}
        request = UpstreamRequest(
            method="POST",
            url=f"{models_url(target, 'v1')}/publishers/google/models/{name}:predict",
            headers={**headers, "content-type": "application/json"},
            body=dump(body),
            auth=credential_of(target),
            streaming=False,
        )
        return Translated(request, dropped.names)

    def answer(self, body: bytes, headers: Mapping[str, str], asked: EmbeddingRequest) -> Embeddings:  # noqa: ARG002
        try:
            said = [child(each, "embeddings") for each in children(load_object(body), "predictions")]
            found = tuple(vectors.from_numbers(each.get("values")) for each in said)
        except MalformedJson:
            raise _protocol_error("an answer that is not a JSON object") from None
        except vectors.NoVector as fault:
            raise _protocol_error(f"{fault} as an embedding") from None
        if len(found) != len(asked.inputs):
            raise _protocol_error("another number of embeddings than it was asked for")
        counts = [integer(child(each, "statistics"), "token_count") for each in said]
        told = [count for count in counts if count is not None]
        return Embeddings(found, usage=Usage(input=sum(told)) if told else None)


def _instances(asked: EmbeddingRequest, dropped: Dropped) -> list[Json]:
    common: JsonObject = {}
    if asked.input_type is not None:
        common["task_type"] = task_type(asked.input_type)
    for name, value in asked.extra.items():
        if name in {"task_type", "title"}:
            common[name] = value
        elif name != "auto_truncate":
            dropped.add(name)
    if asked.user is not None:
        dropped.add("user")
    texts = [each for each in asked.inputs if isinstance(each, str)]
    if len(texts) != len(asked.inputs):
        raise Unsupported("Google takes text, and no tokens; send the texts themselves.", param="input")
    return [{**common, "content": text} for text in texts]


def _parameters(asked: EmbeddingRequest) -> JsonObject:
    """What is too long is cut off without a word by default; as at OpenAI it is an error, unless the client asks."""
    parameters: JsonObject = {"autoTruncate": asked.extra.get("auto_truncate", False)}
    if asked.dimensions is not None:
        parameters["outputDimensionality"] = asked.dimensions
    return parameters


def _protocol_error(reason: str) -> UpstreamProtocolError:
    return UpstreamProtocolError(f"Vertex AI sent {reason}.", provider="vertex")


EMBEDDINGS: Final[EmbeddingProvider] = VertexEmbeddings()
