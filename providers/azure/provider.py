"""The provider as the pipeline sees it: OpenAI's wire, relayed byte for byte to a deployment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from providers.azure.credential import credential_of
from providers.azure.place import NOWHERE, VERSION_HEADER, url_of
from providers.base import Translated
from providers.openai.host import Host, ResponsesHost
from providers.openai.provider import ChatProvider

if TYPE_CHECKING:
    from providers.base import Provider, Target
    from providers.chat import ChatRequest

# OpenRouter's name for what Azure seals; Azure and OpenAI cannot open each other's.
_SEALED: Final = "azure-openai-responses-v1"
_RESPONSES: Final = ResponsesHost(format=_SEALED, formats=frozenset({_SEALED}))


class AzureOpenAI(ChatProvider):
    """See `providers.base.RelayingProvider`. A target's model is the name of a deployment."""

    def __init__(self) -> None:
        super().__init__(Host(name="azure", base_url=NOWHERE, responses=_RESPONSES))

    @property
    def responses(self) -> Provider:
        from providers.azure.responses import AzureResponses

        return AzureResponses(self, _RESPONSES)

    def request(self, chat: ChatRequest, target: Target) -> Translated:
        """Raises as OpenAI's own does, and `InvalidRequest` without an address."""
        url = url_of(target, "chat/completions")
        translated = super().request(chat, target)
        headers = {name: value for name, value in translated.request.headers.items() if name != VERSION_HEADER}
        request = replace(translated.request, url=url, headers=headers, auth=credential_of(target))
        return Translated(request, translated.dropped)
