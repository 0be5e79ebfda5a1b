"""Embeddings of Azure OpenAI: OpenAI's own, of a deployment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from providers.azure import PROVIDER
from providers.azure.credential import credential_of
from providers.azure.place import VERSION_HEADER, url_of
from providers.base import Translated
from providers.openai.embeddings import HostEmbeddings
from providers.openai.host import EmbeddingsHost

if TYPE_CHECKING:
    from providers.base import Target
    from providers.embedding import EmbeddingProvider, EmbeddingRequest


class AzureEmbeddings(HostEmbeddings):
    """See `providers.embedding.EmbeddingProvider`. A target's model is the name of a deployment."""

    def __init__(self) -> None:
        super().__init__(PROVIDER, EmbeddingsHost(tokens=True, base64=True))

    def request(self, asked: EmbeddingRequest, target: Target) -> Translated:
        """Raises `InvalidRequest` without an address, too."""
        url = url_of(target, "embeddings")
        translated = super().request(asked, target)
        headers = {name: value for name, value in translated.request.headers.items() if name != VERSION_HEADER}
        request = replace(translated.request, url=url, headers=headers, auth=credential_of(target))
        return Translated(request, translated.dropped)


EMBEDDINGS: Final[EmbeddingProvider] = AzureEmbeddings()
