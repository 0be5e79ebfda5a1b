"""Embeddings of Cohere's: `POST /v2/embed`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers import vectors
from providers.base import Translated, UpstreamRequest
from providers.cohere.error import protocol_error
from providers.cohere.usage import parse_usage
from providers.dropped import Dropped
from providers.embed_wire import MOST, embed_members, embed_vectors
from providers.embedding import Embeddings
from providers.jsonwalk import MalformedJson, child, dump, load_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.base import Target
    from providers.embedding import EmbeddingProvider, EmbeddingRequest


# Of `meta`, which tells of the version of the API, too.
_COUNTS: Final = frozenset({"billed_units", "tokens", "cached_tokens"})


class CohereEmbeddings:
    """See `providers.embedding.EmbeddingProvider`."""

    def most(self, model: str) -> int | None:  # noqa: ARG002 - the same for all models
        return MOST

    def relays(self, asked: EmbeddingRequest) -> bool:  # noqa: ARG002
        return False

    def request(self, asked: EmbeddingRequest, target: Target) -> Translated:
        dropped = Dropped()
        members = embed_members(asked, "Cohere", dropped)
        headers = {name.lower(): value for name, value in target.profile.headers.items()}
        request = UpstreamRequest(
            method="POST",
            url=f"{target.profile.base_url}/v2/embed",
            headers={**headers, "content-type": "application/json"},
            body=dump({"model": target.model, **members}),
            auth=target.credential,
            streaming=False,
        )
        return Translated(request, dropped.names)

    def answer(self, body: bytes, headers: Mapping[str, str], asked: EmbeddingRequest) -> Embeddings:  # noqa: ARG002
        try:
            said = load_object(body)
            found = embed_vectors(said, len(asked.inputs))
        except MalformedJson:
            raise protocol_error("an answer that is not a JSON object") from None
        except vectors.NoVector as fault:
            raise protocol_error(str(fault)) from None
        counted = {name: value for name, value in child(said, "meta").items() if name in _COUNTS}
        return Embeddings(found, usage=parse_usage(counted) if counted else None)


EMBEDDINGS: Final[EmbeddingProvider] = CohereEmbeddings()
