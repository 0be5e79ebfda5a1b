"""The provider as the pipeline sees it: four translations, no state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.cohere import error, request, response
from providers.cohere.stream import CohereStream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.base import Target, Translated
    from providers.chat import ChatRequest
    from providers.completion import Completion
    from providers.errors import UpstreamError


class Cohere:
    """See `providers.base.Provider`."""

    name: Final = "cohere"
    wire: Final = "cohere-v2"
    base_url: Final = "https://api.cohere.com"

    def request(self, chat: ChatRequest, target: Target) -> Translated:
        """Raises `Unsupported`, and `InvalidRequest` for what no provider could make sense of (a choice of a tool that
        is not there, nothing said at all)."""
        return request.translate(chat, target)

    def response(self, body: bytes) -> Completion:
        return response.translate(body)

    def stream(self) -> CohereStream:
        return CohereStream()

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        return error.from_answer(status, headers, body)
