"""What a request may take of its limits, reckoned before its answer is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from providers import estimate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.chat import ChatRequest
    from providers.embedding import EmbeddingRequest
    from providers.prices import ModelInfo


class Estimate(Protocol):
    """Of one request. The words are those of `providers.estimate`."""

    def conditions(self) -> Mapping[str, str]: ...

    def tokens(self, assumed_output: int) -> int: ...

    def nano_usd_bound(self, info: ModelInfo | None, assumed_output: int, at: int) -> int: ...


@dataclass(frozen=True, slots=True)
class ChatEstimate:
    chat: ChatRequest

    def conditions(self) -> Mapping[str, str]:
        return estimate.conditions(self.chat)

    def tokens(self, assumed_output: int) -> int:
        return estimate.tokens(self.chat, assumed_output)

    def nano_usd_bound(self, info: ModelInfo | None, assumed_output: int, at: int) -> int:
        return estimate.nano_usd_bound(self.chat, info, assumed_output, at)


@dataclass(frozen=True, slots=True)
class EmbeddingEstimate:
    """An embedding has no output that is counted or paid for."""

    wanted: EmbeddingRequest

    def conditions(self) -> Mapping[str, str]:
        return {}

    def tokens(self, assumed_output: int) -> int:  # noqa: ARG002
        from providers import embedding_estimate

        return embedding_estimate.tokens(self.wanted)

    def nano_usd_bound(self, info: ModelInfo | None, assumed_output: int, at: int) -> int:  # noqa: ARG002
        from providers import embedding_estimate

        return embedding_estimate.nano_usd_bound(self.wanted, info, at)
