"""Embeddings on Bedrock: `POST /model/{modelId}/invoke`, in the words of each model's maker.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html,
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-mm.html, and for Cohere's
`providers.embed_wire`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from providers import vectors
from providers.base import Translated, UpstreamRequest
from providers.bedrock.credential import credential_of
from providers.bedrock.error import from_body, protocol_error
from providers.bedrock.request import model_id
from providers.dropped import Dropped
from providers.embed_wire import MOST, embed_members, embed_vectors
from providers.embedding import Embeddings
from providers.errors import Unsupported
from providers.jsonwalk import MalformedJson, dump, integer, load_object
from providers.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.base import Target
    from providers.embedding import EmbeddingProvider, EmbeddingRequest
    from providers.jsonwalk import JsonObject

# `titan` takes one text and no more, `titan_2` a size too, `titan_image` a size in another place.
_Maker: TypeAlias = Literal["embed_3", "embed_4", "titan", "titan_2", "titan_image"]

# The first part that is in the id, whatever region or ARN stands around it.
_MAKERS: Final[tuple[tuple[str, _Maker], ...]] = (
    ("cohere.embed-v4", "embed_4"),
    ("cohere.embed", "embed_3"),
    ("amazon.titan-embed-text-v2", "titan_2"),
    ("amazon.titan-embed-image", "titan_image"),
    ("amazon.titan-embed", "titan"),
)

# Cohere's answer does not count its tokens, but Bedrock does, in a header of every model's answer.
_COUNTED: Final = "x-amzn-bedrock-input-token-count"


class BedrockEmbeddings:
    """See `providers.embedding.EmbeddingProvider`."""

    def most(self, model: str) -> int | None:
        return 1 if _maker(model).startswith("titan") else MOST

    def relays(self, asked: EmbeddingRequest) -> bool:  # noqa: ARG002
        return False

    def request(self, asked: EmbeddingRequest, target: Target) -> Translated:
        dropped = Dropped()
        maker = _maker(target.model)
        if maker in ("embed_3", "titan") and asked.dimensions is not None:
            raise Unsupported("This model of Bedrock's gives vectors of its own size alone.", param="dimensions")
        body = _titan(asked, maker, dropped) if maker.startswith("titan") else embed_members(asked, "Cohere", dropped)
        headers = {name.lower(): value for name, value in target.profile.headers.items()}
        request = UpstreamRequest(
            method="POST",
            url=f"{target.profile.base_url}/model/{model_id(target.model)}/invoke",
            headers={**headers, "content-type": "application/json", "accept": "application/json"},
            body=dump(body),
            auth=credential_of(target),
            streaming=False,
        )
        return Translated(request, dropped.names)

    def answer(self, body: bytes, headers: Mapping[str, str], asked: EmbeddingRequest) -> Embeddings:
        try:
            said = load_object(body)
            error = from_body(said)
            if error is not None:
                raise error
            one = said.get("embedding")
            found = embed_vectors(said, len(asked.inputs)) if one is None else (vectors.from_numbers(one),)
        except MalformedJson:
            raise protocol_error("an answer that is not a JSON object") from None
        except vectors.NoVector as fault:
            raise protocol_error(str(fault)) from None
        count = integer(said, "inputTextTokenCount")
        told = headers.get(_COUNTED, "")
        if count is None and told.isascii() and told.isdigit():
            count = int(told)
        return Embeddings(found, usage=None if count is None else Usage(input=count))


def _maker(model: str) -> _Maker:
    name = model.lower()
    found = next((maker for part, maker in _MAKERS if part in name), None)
    if found is None:
        raise Unsupported(
            "Of this model of Bedrock's it is not known how to ask for embeddings.",
            param="model",
            code="model_not_for_embeddings",
        )
    return found


def _titan(asked: EmbeddingRequest, maker: _Maker, dropped: Dropped) -> JsonObject:
    """One text a request: see `most`."""
    (text,) = asked.inputs
    if not isinstance(text, str):
        raise Unsupported("Titan takes text, and no tokens; send the texts themselves.", param="input")
    if asked.native or asked.extra.get("embeddingTypes", ["float"]) != ["float"]:
        raise Unsupported("Of Titan this API asks for vectors of floats alone.", param="encoding_format")
    body: JsonObject = {"inputText": text}
    for name, value in asked.extra.items():
        if name == "normalize" and maker == "titan_2":
            body[name] = value
        elif name != "embeddingTypes":
            dropped.add(name)
    for name in ("input_type", "user"):
        if getattr(asked, name) is not None:
            dropped.add(name)
    if asked.dimensions is not None:
        size: JsonObject = {"dimensions": asked.dimensions}
        body |= size if maker == "titan_2" else {"embeddingConfig": {"outputEmbeddingLength": asked.dimensions}}
    return body


EMBEDDINGS: Final[EmbeddingProvider] = BedrockEmbeddings()
