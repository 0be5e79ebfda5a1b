"""A request for embeddings and its answer, whatever dialect it was asked in and whoever answers it.

Vectors are float32, little-endian, as OpenAI's own `base64` has them: whatever more digits a provider writes, no model
reckons with more.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from providers.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from providers.base import Target, Translated
    from providers.chat import Source
    from providers.jsonwalk import JsonObject

WIRE: Final = "openai-embeddings"

EncodingFormat: TypeAlias = Literal["float", "base64"]

Tokens: TypeAlias = tuple[int, ...]
"""One input, already cut into tokens by the model's own tokenizer."""

Input: TypeAlias = str | Tokens


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """None means that the client did not say.

    `inputs`: at least one. `input_type`: `query`, `document` or a provider's own word, for models that embed these
    differently; OpenAI has no such member, its hosts and clients name it so. `native`: it asks for something else than
    vectors of floats (bits, `int8` in base64), which only a provider of the same wire can answer, in its own bytes.
    `extra`: members without a word here, by wire name.
    """

    model: str
    inputs: tuple[Input, ...] = field(repr=False)
    source: Source
    dimensions: int | None = None
    encoding_format: EncodingFormat = "float"
    input_type: str | None = None
    native: bool = False
    user: str | None = None
    extra: JsonObject = field(default_factory=dict, repr=False)

    def parts(self, most: int | None) -> list[EmbeddingRequest]:
        """The same in requests of at most so many inputs each."""
        if most is None or len(self.inputs) <= most:
            return [self]
        starts = range(0, len(self.inputs), most)
        return [replace(self, inputs=self.inputs[start : start + most]) for start in starts]


@dataclass(frozen=True, slots=True)
class Embeddings:
    """`vectors`: one for each input, in their order, each as little-endian float32; none where `native` was asked for.

    `usage`: None where nothing was reported. `fields`: members of the answer without a word here, by wire name.
    """

    vectors: tuple[bytes, ...] = field(repr=False)
    model: str | None = None
    usage: Usage | None = None
    fields: JsonObject = field(default_factory=dict)


class EmbeddingProvider(Protocol):
    """Translates to and from one provider's wire for embeddings. Holds no state. Its errors are its `Provider`'s."""

    def most(self, model: str) -> int | None:
        """How many inputs one request may hold; None where it is as many as a client may ask for."""
        ...

    def relays(self, asked: EmbeddingRequest) -> bool:
        """Whether the answer is what the client asked for, in its own wire, and goes to it byte for byte."""
        ...

    def request(self, asked: EmbeddingRequest, target: Target) -> Translated:
        """Raises `Unsupported` for what the provider cannot represent."""
        ...

    def answer(self, body: bytes, headers: Mapping[str, str], asked: EmbeddingRequest) -> Embeddings:
        """A 2xx answer. Raises `UpstreamProtocolError`, or the error that it holds in spite of its status."""
        ...


def joined(parts: Sequence[Embeddings]) -> Embeddings:
    """The answer to a request that was asked in several; what each said beside its vectors is the first one's."""
    if len(parts) == 1:
        return parts[0]
    vectors = tuple(vector for part in parts for vector in part.vectors)
    used = [part.usage for part in parts if part.usage is not None]
    usage = Usage(input=sum(each.prompt for each in used)) if used else None
    return Embeddings(vectors, parts[0].model, usage)
