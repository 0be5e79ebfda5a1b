"""`POST /v1beta/models/{model}:countTokens`: https://ai.google.dev/api/tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from providers.base import Translated
from providers.google import request
from providers.members import patch_members
from providers.token_count import read_count

if TYPE_CHECKING:
    from providers.base import Target
    from providers.chat import ChatRequest
    from providers.token_count import TokenCounter


class GoogleTokenCounter:
    """See `providers.token_count.TokenCounter`."""

    def counts(self, chat: ChatRequest, model: str) -> bool:  # noqa: ARG002 - all models that chat, whatever is asked
        return True

    def count_request(self, chat: ChatRequest, target: Target) -> Translated:
        """The whole request goes in: beside bare `contents`, neither tools nor a system instruction would count."""
        asked = request.translate(chat, target)
        path = request.model_path(target.model)
        whole = patch_members(asked.request.body, {"model": path})
        counted = replace(
            asked.request,
            url=f"{target.profile.base_url}/v1beta/{path}:countTokens",
            body=b'{"generateContentRequest":' + whole + b"}",
        )
        return Translated(counted, asked.dropped)

    def count_response(self, body: bytes) -> int:
        return read_count(body, "totalTokens", "google")


TOKEN_COUNTER: Final[TokenCounter] = GoogleTokenCounter()
