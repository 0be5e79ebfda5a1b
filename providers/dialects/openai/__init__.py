"""OpenAI's chat completions as a client speaks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from providers.dialects.openai.error import error_body
from providers.dialects.openai.request import WIRE, parse_request
from providers.dialects.openai.stream import ChunkEncoder
from providers.dialects.openai.whole import completion_body
from providers.jsonwalk import dump

if TYPE_CHECKING:
    from providers.base import Dialect, Stamp
    from providers.chat import ChatRequest
    from providers.completion import Completion
    from providers.errors import SabirError
    from providers.token_count import Counted


class OpenAIChat:
    """The chat completions API: https://platform.openai.com/docs/api-reference/chat."""

    wire: ClassVar[str] = WIRE
    id_prefix: ClassVar[str] = "chatcmpl-"
    id_header: ClassVar[str] = "x-request-id"
    headers: ClassVar[tuple[str, ...]] = ()

    def parse(self, body: bytes) -> ChatRequest:
        return parse_request(body)

    def encoder(self, stamp: Stamp, *, include_usage: bool) -> ChunkEncoder:
        return ChunkEncoder(stamp, include_usage=include_usage)

    def completion(self, done: Completion, stamp: Stamp) -> bytes:
        return completion_body(done, stamp)

    def counted(self, count: Counted) -> bytes:
        """OpenAI's `response.input_tokens`, in the words of a chat, and who would read them."""
        return dump(
            {
                "object": "chat.completion.input_tokens",
                "model": count.model,
                "provider": count.provider,
                "input_tokens": count.tokens,
                "exact": count.exact,
            }
        )

    def error(self, err: SabirError, request_id: str | None = None) -> bytes:  # noqa: ARG002 - it is in a header
        return error_body(err)


DIALECT: Dialect = OpenAIChat()
