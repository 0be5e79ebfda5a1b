"""OpenAI's chat completions, Responses and embeddings: https://platform.openai.com/docs/api-reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.openai.host import EmbeddingsHost, Host, ResponsesHost
from providers.openai.provider import ChatProvider

if TYPE_CHECKING:
    from providers.base import RelayingProvider

PROVIDER: Final[RelayingProvider] = ChatProvider(
    Host(
        name="openai",
        base_url="https://api.openai.com/v1",
        embeddings=EmbeddingsHost(tokens=True, base64=True),
        responses=ResponsesHost(),
    )
)
