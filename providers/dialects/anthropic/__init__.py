"""Anthropic's Messages API as a client speaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from providers.base import Dialect, Stamp
    from providers.chat import ChatRequest
    from providers.completion import Completion
    from providers.dialects.anthropic.stream import MessageEncoder
    from providers.errors import SabirError
    from providers.token_count import Counted


class AnthropicMessages:
    """https://platform.claude.com/docs/en/api/messages. Its parts are loaded when a client first speaks it."""

    wire: ClassVar[str] = "anthropic-messages"
    id_prefix: ClassVar[str] = "msg_"
    id_header: ClassVar[str] = "request-id"
    # A virtual model may be answered by a provider that knows them, whoever is first in line.
    headers: ClassVar[tuple[str, ...]] = ("anthropic-beta", "anthropic-version")

    def parse(self, body: bytes) -> ChatRequest:
        from providers.dialects.anthropic.request import parse_request

        return parse_request(body)

    def encoder(self, stamp: Stamp, *, include_usage: bool) -> MessageEncoder:  # noqa: ARG002 - it is always there
        from providers.dialects.anthropic.stream import MessageEncoder

        return MessageEncoder(stamp)

    def completion(self, done: Completion, stamp: Stamp) -> bytes:
        from providers.dialects.anthropic.whole import message_body

        return message_body(done, stamp)

    def counted(self, count: Counted) -> bytes:
        from providers.jsonwalk import dump

        return dump({"input_tokens": count.tokens})

    def error(self, err: SabirError, request_id: str | None = None) -> bytes:
        from providers.dialects.anthropic.error import error_body

        return error_body(err, request_id)


class AnthropicTokenCount(AnthropicMessages):
    """The same question, of which only the length is wanted: it need not say how long the answer may be."""

    def parse(self, body: bytes) -> ChatRequest:
        from providers.dialects.anthropic.request import parse_request

        return parse_request(body, answered=False)


DIALECT: Final[Dialect] = AnthropicMessages()
TOKEN_COUNT: Final[Dialect] = AnthropicTokenCount()
