"""The provider as the pipeline sees it: the makers' translations, sent to another place by another credential."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.hosted import Hosted
from providers.jsonwalk import MalformedJson, load_object, text
from providers.signatures import Replay, replay_of
from providers.vertex import request
from providers.vertex.place import GLOBAL_URL, base_url_in
from providers.vertex.stream import VertexStream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.base import RelayStream, Target, Translated
    from providers.chat import ChatRequest
    from providers.completion import Completion
    from providers.errors import UpstreamError

_NAME: Final = "vertex"
_GEMINI: Final = Hosted(_NAME, of="google")
_CLAUDE: Final = Hosted(_NAME, of="anthropic")


class Vertex:
    """See `providers.base.RegionalProvider` and `HostingProvider`. Without a region it is the global endpoint."""

    name: Final = _NAME
    wire: Final = "vertex"
    base_url: Final = GLOBAL_URL

    def base_url_in(self, region: str) -> str:
        return base_url_in(region)

    def request(self, chat: ChatRequest, target: Target) -> Translated:
        """Raises as the makers' own do, and `InvalidRequest` for what is no name of a model here."""
        if _is_claude(target.model):
            as_written = chat.source.wire == _CLAUDE.translator.wire
            return request.claude(_CLAUDE.request(chat, target), target, as_written=as_written)
        return request.gemini(_GEMINI.request(chat, target), target)

    def replays(self, model: str) -> Replay:
        """As at the model's maker."""
        return replay_of((_CLAUDE if _is_claude(model) else _GEMINI).translator, model)

    def wire_of(self, model: str) -> str:
        """Claude is asked and answers in Anthropic's words. Of Gemini's nobody is spoken to."""
        return _CLAUDE.translator.wire if _is_claude(model) else self.wire

    def relayed(self, body: bytes, done: Completion) -> bytes:  # noqa: ARG002 - as Anthropic's own
        return body

    def relay(self, *, hide_usage: bool, choices: int = 1) -> RelayStream:  # noqa: ARG002 - as Anthropic's own
        """Of Claude's answers alone."""
        return _CLAUDE.relay()

    def response(self, body: bytes) -> Completion:
        return _maker_of(body).response(body)

    def stream(self) -> VertexStream:
        return VertexStream(_GEMINI, _CLAUDE)

    def stream_of(self, choices: int) -> VertexStream:
        return VertexStream(_GEMINI, _CLAUDE, choices)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        return _maker_of(body).error(status, headers, body)


def _is_claude(model: str) -> bool:
    return model.startswith("claude-")


def _maker_of(body: bytes) -> Hosted:
    """Every object of Anthropic's says its `type`, and no answer of Google's does."""
    try:
        told = load_object(body)
    except MalformedJson:
        return _GEMINI
    return _CLAUDE if text(told, "type") in {"message", "error"} else _GEMINI
