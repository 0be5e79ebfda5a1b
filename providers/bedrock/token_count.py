"""`POST /model/{modelId}/count-tokens` with the request of Converse.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from providers.base import Translated
from providers.bedrock import request
from providers.chat import JsonSchema
from providers.members import REMOVED, patch_members
from providers.token_count import read_count

if TYPE_CHECKING:
    from providers.base import Target
    from providers.chat import ChatRequest
    from providers.token_count import TokenCounter

# Of the body of Converse: what `ConverseTokensRequest` does not have.
REFUSED: Final = (
    "additionalModelResponseFieldPaths",
    "guardrailConfig",
    "inferenceConfig",
    "outputConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "serviceTier",
)

# The user guide's "Monitor your token usage" names the first six and Haiku 3, and says that Claudes which came with
# cross-region inference alone are not counted; that those of 4.5 are was measured:
# https://github.com/Boise-State-Development/agentcore-public-stack/pull/430. Others than Claude never were.
#
# Only a model itself is counted for, so a region's or the whole world's profile is asked for by its model (the same
# source, and https://github.com/pydantic/pydantic-ai/pull/3367); a profile of one's own hides which that is.
_COUNTED: Final = re.compile(
    r"(?:arn:[^/]*/)?(?:[a-z-]+\.)?"
    r"(?P<model>anthropic\.claude-(?:3-haiku|3-5-haiku|3-5-sonnet|3-7-sonnet|(?:opus|sonnet)-4-2|(?:sonnet|haiku)-4-5)"
    r"[a-z0-9.:-]*)"
)


class BedrockTokenCounter:
    """See `providers.token_count.TokenCounter`. It takes the permission `bedrock:CountTokens`."""

    def counts(self, chat: ChatRequest, model: str) -> bool:
        """Not with a schema for the answer: it is part of the prompt, and counting has no place for it."""
        if isinstance(chat.response_format, JsonSchema) or chat.extra.get("outputConfig"):
            return False
        return _COUNTED.fullmatch(model) is not None

    def count_request(self, chat: ChatRequest, target: Target) -> Translated:
        asked = request.translate(chat, target)
        model = request.model_id(_COUNTED.sub(r"\g<model>", target.model))
        body = patch_members(asked.request.body, dict.fromkeys(REFUSED, REMOVED))
        counted = replace(
            asked.request,
            url=f"{target.profile.base_url}/model/{model}/count-tokens",
            body=b'{"input":{"converse":' + body + b"}}",
        )
        return Translated(counted, asked.dropped)

    def count_response(self, body: bytes) -> int:
        return read_count(body, "inputTokens", "bedrock")


TOKEN_COUNTER: Final[TokenCounter] = BedrockTokenCounter()
