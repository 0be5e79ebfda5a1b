"""Embeddings of Google's: `POST /v1beta/models/{model}:batchEmbedContents`, https://ai.google.dev/api/embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers import vectors
from providers.base import Credential, Translated, UpstreamRequest
from providers.dropped import Dropped
from providers.embedding import Embeddings
from providers.errors import Unsupported
from providers.google.error import from_event, protocol_error
from providers.google.request import model_path
from providers.google.usage import parse_usage
from providers.jsonwalk import MalformedJson, child, children, dump, load_object
from providers.task_types import task_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.base import Target
    from providers.embedding import EmbeddingProvider, EmbeddingRequest
    from providers.jsonwalk import Json, JsonObject

# "at most 100 requests can be in one batch", says the API.
_MOST: Final = 100

_UNTYPED: Final = "gemini-embedding-2"

# Of each request, under the names in which a client adds them (`extra_body`).
_OWN: Final = {"task_type": "taskType", "taskType": "taskType", "title": "title", "auto_truncate": "autoTruncate"}


class GoogleEmbeddings:
    """See `providers.embedding.EmbeddingProvider`."""

    def most(self, model: str) -> int | None:  # noqa: ARG002 - the same for all models
        return _MOST

    def relays(self, asked: EmbeddingRequest) -> bool:  # noqa: ARG002
        return False

    def request(self, asked: EmbeddingRequest, target: Target) -> Translated:
        dropped = Dropped()
        path = model_path(target.model)
        common: JsonObject = {"model": path, **_members(asked, target.model, dropped)}
        requests: list[Json] = [{**common, "content": {"parts": [{"text": each}]}} for each in _texts(asked)]
        headers = {name.lower(): value for name, value in target.profile.headers.items()}
        request = UpstreamRequest(
            method="POST",
            url=f"{target.profile.base_url}/v1beta/{path}:batchEmbedContents",
            headers={**headers, "content-type": "application/json"},
            body=dump({"requests": requests}),
            auth=Credential(target.credential.secret, header="x-goog-api-key", prefix=""),
            streaming=False,
        )
        return Translated(request, dropped.names)

    def answer(self, body: bytes, headers: Mapping[str, str], asked: EmbeddingRequest) -> Embeddings:  # noqa: ARG002
        try:
            said = load_object(body)
        except MalformedJson:
            raise protocol_error("an answer that is not a JSON object") from None
        if child(said, "error"):
            raise from_event(child(said, "error"))
        try:
            found = tuple(vectors.from_numbers(each.get("values")) for each in children(said, "embeddings"))
        except vectors.NoVector as fault:
            raise protocol_error(f"{fault} as an embedding") from None
        if len(found) != len(asked.inputs):
            raise protocol_error("another number of embeddings than it was asked for")
        counts = child(said, "usageMetadata")
        return Embeddings(found, usage=parse_usage(counts) if counts else None)


def _texts(asked: EmbeddingRequest) -> list[str]:
    texts = [each for each in asked.inputs if isinstance(each, str)]
    if len(texts) != len(asked.inputs):
        raise Unsupported("Google takes text, and no tokens; send the texts themselves.", param="input")
    return texts


def _members(asked: EmbeddingRequest, model: str, dropped: Dropped) -> JsonObject:
    """What is said of every text. The second generation takes its task in words, within the text."""
    if asked.native:
        raise Unsupported("Google gives vectors of floats alone.", param="encoding_format")
    members: JsonObject = {}
    if asked.input_type is not None:
        members["taskType"] = task_type(asked.input_type)
    for name, value in asked.extra.items():
        if name in _OWN:
            members[_OWN[name]] = value
        else:
            dropped.add(name)
    if asked.user is not None:
        dropped.add("user")
    if "taskType" in members and model.removeprefix("models/").startswith(_UNTYPED):
        param = "task_type" if asked.input_type is None else "input_type"
        raise Unsupported("This model of Google's knows no task types: say it within the text.", param=param)
    if asked.dimensions is not None:
        members["outputDimensionality"] = asked.dimensions
    return members


EMBEDDINGS: Final[EmbeddingProvider] = GoogleEmbeddings()
