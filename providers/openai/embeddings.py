"""Embeddings of OpenAI and of the hosts that speak its wire for them, each by its row.

A client's request goes on in its own bytes, patched; the answer goes back as it came, wherever it is in the format
that the client asked for. OpenAI's SDKs ask for base64 unless told otherwise, and hosts that do not know it refuse it,
ignore it, or answer with no vector at all (https://github.com/plastic-labs/honcho/issues/932): these are asked for
numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers import vectors
from providers.base import Translated, UpstreamRequest
from providers.embedding import Embeddings
from providers.errors import InvalidRequest, Unsupported, UpstreamProtocolError
from providers.jsonwalk import MalformedJson, children, integer, load_object, text, without
from providers.members import REMOVED, patch_members
from providers.openai.errors import error_in, error_within
from providers.openai.request import naming_changes
from providers.openai.usage import parse_usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.base import Target
    from providers.embedding import EmbeddingRequest
    from providers.jsonwalk import Json, JsonObject
    from providers.members import Change
    from providers.openai.host import EmbeddingsHost
    from providers.openai.provider import ChatProvider
    from providers.usage import Usage


class HostEmbeddings:
    """See `providers.embedding.EmbeddingProvider`."""

    def __init__(self, provider: ChatProvider, row: EmbeddingsHost) -> None:
        self._provider = provider
        self._row = row

    def most(self, model: str) -> int | None:  # noqa: ARG002 - the same for all models of a host
        return None

    def relays(self, asked: EmbeddingRequest) -> bool:
        if asked.native:
            return True
        return not self._row.int8 and (self._row.base64 or asked.encoding_format == "float")

    def request(self, asked: EmbeddingRequest, target: Target) -> Translated:
        self._check(asked)
        changes, dropped = self._changes(asked, target.model)
        try:
            body = patch_members(asked.source.body, changes) if changes else asked.source.body
        except MalformedJson as fault:
            raise InvalidRequest(f"We could not parse the JSON body of your request: {fault}.") from None
        headers = {name.lower(): value for name, value in target.profile.headers.items()}
        request = UpstreamRequest(
            method="POST",
            url=target.profile.base_url + self._row.path,
            headers={**headers, "content-type": "application/json", "accept": "application/json"},
            body=body,
            auth=self._provider.auth(target.credential),
            streaming=False,
        )
        return Translated(request, dropped)

    def answer(self, body: bytes, headers: Mapping[str, str], asked: EmbeddingRequest) -> Embeddings:  # noqa: ARG002
        try:
            said = load_object(body)
        except MalformedJson:
            raise self._protocol_error("the provider's answer is not a JSON object") from None
        error = error_in(said)
        if error is not None:
            raise error_within(error, self._provider.name)
        usage = said.get("usage")
        return Embeddings(
            () if asked.native else self._vectors(said, len(asked.inputs)),
            text(said, "model"),
            _usage(usage) if isinstance(usage, dict) else None,
            without(said, "object", "data", "model", "usage"),
        )

    def _check(self, asked: EmbeddingRequest) -> None:
        name = self._provider.name
        if not self._row.tokens and not all(isinstance(each, str) for each in asked.inputs):
            raise Unsupported(f"{name} takes text, and no tokens; send the texts themselves.", param="input")
        if not self._row.dimensions and asked.dimensions is not None:
            raise Unsupported(f"{name} gives vectors of each model's own size alone.", param="dimensions")

    def _changes(self, asked: EmbeddingRequest, model: str) -> tuple[dict[str, Change], tuple[str, ...]]:
        """Changes for `patch_members`, and the wire names of what they leave out."""
        written = asked.source.value
        changes = naming_changes(written, model, self._row.renames)
        refused = written.keys() & self._row.refuses
        changes |= dict.fromkeys(refused, REMOVED)
        if "encoding_format" in written and self._keeps_quiet(asked):
            changes["encoding_format"] = REMOVED
        return changes, tuple(sorted(name for name in refused if written[name] is not None))

    def _keeps_quiet(self, asked: EmbeddingRequest) -> bool:
        """Whether the host is not to hear of the format: it has none of that name, or another meaning for it."""
        if asked.native:
            return False
        return self._row.int8 or not (self._row.base64 if asked.encoding_format == "base64" else self._row.names_float)

    def _vectors(self, said: JsonObject, count: int) -> tuple[bytes, ...]:
        """By their `index`, wherever they stand."""
        found: dict[int, bytes] = {}
        try:
            for place, item in enumerate(children(said, "data")):
                index = integer(item, "index")
                found[place if index is None else index] = self._vector(item.get("embedding"))
        except vectors.NoVector as fault:
            raise self._protocol_error(f"the provider sent {fault} as an embedding") from None
        if found.keys() != set(range(count)):
            raise self._protocol_error("the provider sent another number of embeddings than it was asked for")
        return tuple(found[index] for index in range(count))

    def _vector(self, value: Json) -> bytes:
        if not isinstance(value, str):
            return vectors.from_numbers(value)
        return vectors.from_int8(value) if self._row.int8 else vectors.from_base64(value)

    def _protocol_error(self, message: str) -> UpstreamProtocolError:
        return UpstreamProtocolError(message, provider=self._provider.name)


def _usage(said: JsonObject) -> Usage:
    """All that an embedding reads is its input: a host that names the total alone (Voyage) has named that."""
    total = integer(said, "total_tokens")
    if integer(said, "prompt_tokens") is None and total is not None:
        said = {**said, "prompt_tokens": total}
    return parse_usage(said)
