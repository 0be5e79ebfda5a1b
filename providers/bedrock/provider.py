"""The provider as the pipeline sees it: four translations, no state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.bedrock import error, request, response
from providers.bedrock.stream import ConverseStream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.base import Target, Translated
    from providers.chat import ChatRequest
    from providers.completion import Completion
    from providers.errors import UpstreamError


class Bedrock:
    """See `providers.base.Provider`. Another region is another base URL."""

    name: Final = "bedrock"
    wire: Final = "bedrock-converse"
    base_url: Final = "https://bedrock-runtime.us-east-1.amazonaws.com"

    def request(self, chat: ChatRequest, target: Target) -> Translated:
        """Raises `Unsupported`, and `InvalidRequest` for what Converse cannot even be asked (a model name that is
        none of Bedrock's, arguments that are no JSON object, no message but the system's)."""
        return request.translate(chat, target)

    def response(self, body: bytes) -> Completion:
        return response.translate(body)

    def stream(self) -> ConverseStream:
        return ConverseStream()

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        return error.from_answer(status, headers, body)
