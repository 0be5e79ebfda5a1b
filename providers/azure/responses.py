"""Azure's Responses API: OpenAI's own, of a deployment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from providers.azure.credential import credential_of
from providers.azure.place import VERSION_HEADER, responses_url_of
from providers.base import Translated
from providers.openai.responses.provider import Responses

if TYPE_CHECKING:
    from providers.base import Target
    from providers.chat import ChatRequest


class AzureResponses(Responses):
    """See `providers.base.Provider`. A target's model is the name of a deployment."""

    def request(self, chat: ChatRequest, target: Target) -> Translated:
        """Raises `InvalidRequest` without an address, too."""
        url = responses_url_of(target)
        translated = super().request(chat, target)
        headers = {name: value for name, value in translated.request.headers.items() if name != VERSION_HEADER}
        request = replace(translated.request, url=url, headers=headers, auth=credential_of(target))
        return Translated(request, translated.dropped)
