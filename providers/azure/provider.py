"""The provider as the pipeline sees it: OpenAI's wire, relayed byte for byte to a deployment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from providers.azure.credential import credential_of
from providers.azure.place import NOWHERE, VERSION_HEADER, url_of
from providers.base import Translated
from providers.openai.host import Host
from providers.openai.provider import ChatProvider

if TYPE_CHECKING:
    from providers.base import Target
    from providers.chat import ChatRequest


class AzureOpenAI(ChatProvider):
    """See `providers.base.RelayingProvider`. A target's model is the name of a deployment."""

    def __init__(self) -> None:
        super().__init__(Host(name="azure", base_url=NOWHERE))

    def request(self, chat: ChatRequest, target: Target) -> Translated:
        """Raises as OpenAI's own does, and `InvalidRequest` without an address."""
        url = url_of(target, "chat/completions")
        translated = super().request(chat, target)
        headers = {name: value for name, value in translated.request.headers.items() if name != VERSION_HEADER}
        request = replace(translated.request, url=url, headers=headers, auth=credential_of(target))
        return Translated(request, translated.dropped)
