"""The provider as the pipeline sees it: four translations, no state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.bedrock import error, request, response
from providers.bedrock.credential import DEFAULT_REGION, base_url_in
from providers.bedrock.names import BEDROCK_REASONING, CLAUDE_REASONING
from providers.bedrock.profile import model_profile
from providers.bedrock.stream import ConverseStream
from providers.signatures import NOTHING, Replay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.base import Target, Translated
    from providers.chat import ChatRequest
    from providers.completion import Completion
    from providers.errors import UpstreamError

_CLAUDES: Final = Replay(frozenset({CLAUDE_REASONING, BEDROCK_REASONING}), bound=True)


class Bedrock:
    """See `providers.base.RegionalProvider`."""

    name: Final = "bedrock"
    wire: Final = "bedrock-converse"
    base_url: Final = base_url_in(DEFAULT_REGION)

    def base_url_in(self, region: str) -> str:
        return base_url_in(region)

    def request(self, chat: ChatRequest, target: Target) -> Translated:
        """Raises `Unsupported`, and `InvalidRequest` for what Converse cannot even be asked (a model name that is
        none of Bedrock's, arguments that are no JSON object, no message but the system's).

        `Unauthenticated` for a caller who would use the function's own role."""
        return request.translate(chat, target)

    def replays(self, model: str) -> Replay:
        """Claude's thinking, as at Anthropic; what others think is signed by nobody, and the client has it all."""
        return _CLAUDES if model_profile(model).replay == "signed" else NOTHING

    def response(self, body: bytes) -> Completion:
        return response.translate(body)

    def stream(self) -> ConverseStream:
        return ConverseStream()

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        return error.from_answer(status, headers, body)
