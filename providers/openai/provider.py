"""A host of OpenAI's chat completions: OpenAI itself, or one row of `providers.compatible`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.base import Credential, Translated, UpstreamRequest
from providers.completion import fold
from providers.errors import InvalidRequest, Unsupported, UpstreamProtocolError
from providers.events import Failed
from providers.jsonwalk import MalformedJson, dump, load_object
from providers.members import parse_members, patch_members
from providers.openai.answer import AnswerReader
from providers.openai.errors import error_of
from providers.openai.gather import gathered
from providers.openai.headers import headers_of
from providers.openai.host import WIRE
from providers.openai.request import host_changes
from providers.openai.stream import ChatRelay, ChatStream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.base import Provider, Target
    from providers.chat import ChatRequest
    from providers.completion import Completion
    from providers.embedding import EmbeddingProvider
    from providers.errors import UpstreamError
    from providers.openai.host import Host


class ChatProvider:
    """See `providers.base.RelayingProvider`."""

    def __init__(self, host: Host) -> None:
        self.host = host

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def wire(self) -> str:
        return WIRE

    @property
    def base_url(self) -> str:
        return self.host.base_url

    @property
    def embeddings(self) -> EmbeddingProvider | None:
        """None where the host has none."""
        if self.host.embeddings is None:
            return None
        from providers.openai.embeddings import HostEmbeddings

        return HostEmbeddings(self, self.host.embeddings)

    @property
    def responses(self) -> Provider | None:
        """The host on its second wire; None where it has none. Which models are asked there is the catalogue's word."""
        if self.host.responses is None:
            return None
        from providers.openai.responses.provider import Responses

        return Responses(self, self.host.responses)

    def request(self, chat: ChatRequest, target: Target) -> Translated:
        """Relays the client's bytes where it speaks this wire. Raises `InvalidRequest` for a member written twice.

        And `Unsupported` where the host has no chat at all.
        """
        if self.host.path is None:
            raise Unsupported(f"{self.name} serves no chat completions.", param="model", code="model_not_for_chat")
        body, written = chat.source.body, chat.source.value
        left_out: tuple[str, ...] = ()
        try:
            if chat.source.wire != WIRE:
                from providers.openai.encode import encode_chat  # not needed by a client of this wire

                written, left_out = encode_chat(chat, target.model, self.host.knows)
                body = dump(written)
            elif not written:
                written = parse_members(body)
            changes, dropped = host_changes(written, target.model, self.host)
            body = patch_members(body, changes) if changes else body
        except MalformedJson as fault:
            raise InvalidRequest(f"We could not parse the JSON body of your request: {fault}.") from None
        request = UpstreamRequest(
            method="POST",
            url=target.profile.base_url + self.host.path,
            headers=headers_of(target, streaming=chat.stream),
            body=body,
            auth=self.auth(target.credential),
            streaming=chat.stream,
        )
        return Translated(request, (*left_out, *dropped))

    def response(self, body: bytes) -> Completion:
        try:
            answer = load_object(body)
        except MalformedJson:
            raise UpstreamProtocolError("the provider's answer is not a JSON object", provider=self.name) from None
        events = AnswerReader(self.host).whole(answer)
        failed = next((event for event in events if isinstance(event, Failed)), None)
        if failed is not None:
            raise failed.error
        return fold(events)

    def relayed(self, body: bytes, done: Completion) -> bytes:
        """A whole answer for a client of this wire: `body`, of which `response` made `done`, reasoning in its place."""
        return gathered(body, load_object(body), done)

    def stream(self) -> ChatStream:
        return ChatStream(self.host)

    def stream_of(self, choices: int) -> ChatStream:
        return ChatStream(self.host, choices)

    def relay(self, *, hide_usage: bool, choices: int = 1) -> ChatRelay:
        return ChatRelay(self.host, hide_usage=hide_usage, choices=choices)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        return error_of(status, headers, body, self.name)

    def auth(self, credential: Credential) -> Credential:
        return credential if self.host.auth is None else Credential(credential.secret, *self.host.auth)
