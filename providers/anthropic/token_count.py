"""`POST /v1/messages/count_tokens`: https://platform.claude.com/docs/en/build-with-claude/token-counting."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from providers.anthropic import request
from providers.base import Translated
from providers.chat import Document, FileId, Image, NativeTool, Url
from providers.members import REMOVED, patch_members
from providers.token_count import read_count

if TYPE_CHECKING:
    from providers.base import Target
    from providers.chat import ChatRequest, Content
    from providers.token_count import TokenCounter

# Of the body of `POST /v1/messages`: what counting does not take, and no token of the prompt depends on.
REFUSED: Final = (
    "container",
    "diagnostics",
    "fallback_credit_token",
    "fallbacks",
    "inference_geo",
    "max_tokens",
    "metadata",
    "service_tier",
    "stop_sequences",
    "stream",
    "temperature",
    "thread",
    "top_k",
    "top_p",
)

# Tools that Anthropic runs itself. What they find becomes input while the request goes on, so nobody can count it
# beforehand. Those that the client runs (`bash_…`, `computer_…`) are counted.
_SERVER_TOOLS: Final = ("web_search_", "web_fetch_", "code_execution_", "tool_search_tool_", "mcp_toolset")


class AnthropicTokenCounter:
    """See `providers.token_count.TokenCounter`."""

    def counts(self, chat: ChatRequest, model: str) -> bool:  # noqa: ARG002 - all active models are counted
        """Not with server tools, MCP servers, or images and documents that are not in the request themselves."""
        if chat.extra.get("mcp_servers"):
            return False
        if any(isinstance(tool, NativeTool) and tool.type.startswith(_SERVER_TOOLS) for tool in chat.tools):
            return False
        return not any(_is_elsewhere(part) for message in chat.messages for part in message.content)

    def count_request(self, chat: ChatRequest, target: Target) -> Translated:
        asked = request.translate(chat, target)
        body = patch_members(asked.request.body, dict.fromkeys(REFUSED, REMOVED))
        url = f"{target.profile.base_url}/v1/messages/count_tokens"
        return Translated(replace(asked.request, url=url, body=body), asked.dropped)

    def count_response(self, body: bytes) -> int:
        return read_count(body, "input_tokens", "anthropic")


def _is_elsewhere(part: Content) -> bool:
    return isinstance(part, Image | Document) and isinstance(part.source, Url | FileId)


TOKEN_COUNTER: Final[TokenCounter] = AnthropicTokenCounter()
