"""The provider as the pipeline sees it: four translations, no state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.google import error, request, response
from providers.google.signature import REASONING_FORMAT
from providers.google.stream import GoogleStream
from providers.signatures import Replay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.base import Target, Translated
    from providers.chat import ChatRequest
    from providers.completion import Completion
    from providers.errors import UpstreamError

_REPLAY: Final = Replay(frozenset({REASONING_FORMAT}))


class Google:
    """See `providers.base.Provider`."""

    name: Final = "google"
    wire: Final = "google-generatecontent"
    base_url: Final = "https://generativelanguage.googleapis.com"

    def request(self, chat: ChatRequest, target: Target) -> Translated:
        """Raises `Unsupported`, and `InvalidRequest` for what Google cannot even be asked (a model name that is none,
        arguments that are no JSON object, a result of no call)."""
        return request.translate(chat, target)

    def replays(self, model: str) -> Replay:  # noqa: ARG002 - alike for all of them
        """A signature goes back onto its call, to the model that made it. See providers.signatures."""
        return _REPLAY

    def response(self, body: bytes) -> Completion:
        return response.translate(body)

    def stream(self) -> GoogleStream:
        return GoogleStream()

    def stream_of(self, choices: int) -> GoogleStream:
        return GoogleStream(choices)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        return error.from_answer(status, headers, body)
