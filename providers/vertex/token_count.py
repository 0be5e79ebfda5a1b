"""Counting on Vertex AI, as the makers themselves count, with a few differences.

Gemini: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/count-tokens
Claude: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/count-tokens
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from providers.base import Translated
from providers.hosted import Hosted
from providers.jsonwalk import MalformedJson, load_object
from providers.members import REMOVED, patch_members
from providers.token_count import find, read_count
from providers.vertex import request
from providers.vertex.credential import credential_of
from providers.vertex.place import models_url

if TYPE_CHECKING:
    from providers.base import Target
    from providers.chat import ChatRequest
    from providers.token_count import TokenCounter

_NAME: Final = "vertex"
_GEMINI: Final = Hosted(_NAME, of="google")

# As a chat with Claude has them.
_CLAUDE_API: Final = "v1"
_CLAUDE_VERSION: Final = "vertex-2023-10-16"

# Of the body of `generateContent`: what counting does not take here. Tools, system instruction and configuration stand
# beside the contents, and there is no whole request to put them into as at Google's other API.
REFUSED: Final = ("continuationToken", "labels", "safetySettings", "serviceTier", "toolConfig")


class VertexTokenCounter:
    """See `providers.token_count.TokenCounter`."""

    def counts(self, chat: ChatRequest, model: str) -> bool:
        if _is_claude(model):
            return find("anthropic").counts(chat, model)
        return not (chat.extra.get("cachedContent") or chat.extra.get("cached_content"))

    def count_request(self, chat: ChatRequest, target: Target) -> Translated:
        return _claude(chat, target) if _is_claude(target.model) else _gemini(chat, target)

    def count_response(self, body: bytes) -> int:
        try:
            member = "input_tokens" if "input_tokens" in load_object(body) else "totalTokens"
        except MalformedJson:
            member = "totalTokens"
        return read_count(body, member, _NAME)


def _is_claude(model: str) -> bool:
    return model.startswith("claude-")


def _gemini(chat: ChatRequest, target: Target) -> Translated:
    asked = request.gemini(_GEMINI.request(chat, target), target)
    return Translated(
        replace(
            asked.request,
            url=asked.request.url.removesuffix(":generateContent") + ":countTokens",
            body=patch_members(asked.request.body, dict.fromkeys(REFUSED, REMOVED)),
        ),
        asked.dropped,
    )


def _claude(chat: ChatRequest, target: Target) -> Translated:
    """One address counts for every model: which one is meant stands in the body, as at Anthropic's own."""
    counted = find("anthropic").count_request(chat, target)
    asked = counted.request
    return Translated(
        replace(
            asked,
            url=f"{models_url(target, _CLAUDE_API)}/publishers/anthropic/models/count-tokens:rawPredict",
            headers={name: value for name, value in asked.headers.items() if name != "anthropic-version"},
            body=patch_members(asked.body, {"anthropic_version": _CLAUDE_VERSION}),
            auth=credential_of(target),
        ),
        counted.dropped,
    )


TOKEN_COUNTER: Final[TokenCounter] = VertexTokenCounter()
