"""The wire of Cohere's embedding models, which is the same at Cohere itself and on Bedrock but for the model's name.

https://docs.cohere.com/reference/embed, and the pages "Cohere Embed v3" and "Cohere Embed v4" of Bedrock's user guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers import vectors
from providers.errors import Unsupported
from providers.jsonwalk import child

if TYPE_CHECKING:
    from providers.dropped import Dropped
    from providers.embedding import EmbeddingRequest
    from providers.jsonwalk import Json, JsonObject

MOST: Final = 96
"""Texts in one request."""

# These models embed a query otherwise than a document, and must be told which it is. A client that does not know of it
# is most often filling a vector store, and whatever it searches that with later, it embeds in the same way.
_UNTOLD: Final = "search_document"
_TYPES: Final = {"query": "search_query", "document": "search_document", "passage": "search_document"}

_OWN: Final = frozenset({"truncate", "max_tokens", "priority"})
_REFUSED: Final = {
    "images": "Images cannot be embedded by way of this API.",
    "inputs": "Images cannot be embedded by way of this API.",
}


def embed_members(asked: EmbeddingRequest, name: str, dropped: Dropped) -> JsonObject:
    """The body, but for the model. Raises `Unsupported`.

    The default is to cut off what is too long, without a word; as at OpenAI it is an error, unless the client says
    otherwise.
    """
    texts: list[Json] = [each for each in asked.inputs if isinstance(each, str)]
    if len(texts) != len(asked.inputs):
        raise Unsupported(f"{name} takes text, and no tokens; send the texts themselves.", param="input")
    if asked.native:
        raise Unsupported(f"Of {name} this API asks for vectors of floats alone.", param="encoding_format")
    if asked.extra.get("embedding_types", ["float"]) != ["float"]:
        raise Unsupported(f"Of {name} this API asks for vectors of floats alone.", param="embedding_types")
    members: JsonObject = {
        "input_type": _TYPES.get(asked.input_type or "", asked.input_type or _UNTOLD),
        "embedding_types": ["float"],
        "truncate": "NONE",
    }
    for member, value in asked.extra.items():
        if member in _REFUSED:
            raise Unsupported(_REFUSED[member], param=member)
        if member in _OWN:
            members[member] = value
        elif member != "embedding_types":
            dropped.add(member)
    if asked.user is not None:
        dropped.add("user")
    if asked.dimensions is not None:
        members["output_dimension"] = asked.dimensions
    return {**members, "texts": texts}


def embed_vectors(said: JsonObject, count: int) -> tuple[bytes, ...]:
    """Raises `vectors.NoVector`. Bedrock answers without the names of types where it has but one."""
    found = child(said, "embeddings").get("float") or said.get("embeddings")
    if not isinstance(found, list) or len(found) != count:
        raise vectors.NoVector("another number of embeddings than it was asked for")
    return tuple(map(vectors.from_numbers, found))
