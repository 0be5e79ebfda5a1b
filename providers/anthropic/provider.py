"""The provider as the pipeline sees it: four translations, no state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.anthropic import error, request, response
from providers.anthropic.content import REASONING_FORMAT
from providers.anthropic.relay import AnthropicRelay
from providers.anthropic.stream import AnthropicStream
from providers.signatures import Replay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.base import Target, Translated
    from providers.chat import ChatRequest
    from providers.completion import Completion
    from providers.errors import UpstreamError

_REPLAY: Final = Replay(frozenset({REASONING_FORMAT}), bound=True)


class Anthropic:
    """See `providers.base.RelayingProvider`."""

    name: Final = "anthropic"
    wire: Final = request.WIRE
    base_url: Final = "https://api.anthropic.com"

    def request(self, chat: ChatRequest, target: Target) -> Translated:
        """Raises `Unsupported`, and `InvalidRequest` for what Anthropic cannot even be asked (arguments that are
        no JSON object, no message but the system's)."""
        return request.translate(chat, target)

    def replays(self, model: str) -> Replay:  # noqa: ARG002 - alike for all of them
        """Thinking goes back to the model that thought it, and into the very conversation that it thought about: its
        signature is checked. See providers.signatures."""
        return _REPLAY

    def response(self, body: bytes) -> Completion:
        return response.translate(body)

    def relayed(self, body: bytes, done: Completion) -> bytes:  # noqa: ARG002 - all of it has its place
        return body

    def stream(self) -> AnthropicStream:
        return AnthropicStream()

    def relay(self, *, hide_usage: bool, choices: int = 1) -> AnthropicRelay:  # noqa: ARG002
        """Every client of this wire gets usage, and one answer."""
        return AnthropicRelay()

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        return error.from_answer(status, headers, body)
