"""A host of the Responses API as the pipeline sees it: four translations, no state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.base import Translated, UpstreamRequest
from providers.openai.errors import error_of
from providers.openai.headers import headers_of
from providers.openai.responses import request, response
from providers.openai.responses.reasoning import seals
from providers.openai.responses.stream import ResponsesStream
from providers.signatures import NOTHING, Replay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.base import Target
    from providers.chat import ChatRequest
    from providers.completion import Completion
    from providers.errors import UpstreamError
    from providers.openai.host import ResponsesHost
    from providers.openai.provider import ChatProvider


class Responses:
    """See `providers.base.Provider`. Name, place and key are those of the provider whose second wire it is."""

    wire: Final = "openai-responses"

    def __init__(self, chat: ChatProvider, host: ResponsesHost) -> None:
        self._chat = chat
        self._host = host

    @property
    def name(self) -> str:
        return self._chat.name

    @property
    def base_url(self) -> str:
        return self._chat.base_url

    def request(self, chat: ChatRequest, target: Target) -> Translated:
        """Raises `Unsupported`."""
        body, dropped = request.translate(chat, target.model, self._host)
        asked = UpstreamRequest(
            method="POST",
            url=f"{target.profile.base_url}/responses",
            headers=headers_of(target, streaming=chat.stream),
            body=body,
            auth=self._chat.auth(target.credential),
            streaming=chat.stream,
        )
        return Translated(asked, dropped)

    def replays(self, model: str) -> Replay:
        """Sealed thinking goes back to the model that thought it; the provider minds no change before it."""
        return Replay(self._host.formats) if seals(self._host, model) else NOTHING

    def response(self, body: bytes) -> Completion:
        return response.translate(body, self.name, self._host.format)

    def stream(self) -> ResponsesStream:
        return ResponsesStream(self.name, self._host.format)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        return error_of(status, headers, body, self.name)
