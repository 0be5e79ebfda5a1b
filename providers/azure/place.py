"""Where a deployment is, by the form of the base URL.

    https://R.openai.azure.com                            …/openai/deployments/D/chat/completions?api-version=
    https://R.openai.azure.com/openai/deployments/D       …/chat/completions?api-version=
    https://R.openai.azure.com/openai/v1                  …/chat/completions, the deployment is the body's `model`
    https://R.services.ai.azure.com/models                …/chat/completions?api-version=, likewise

https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle and …/foundry/openai/reference.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from providers.errors import InvalidRequest

if TYPE_CHECKING:
    from providers.base import Target

# Each resource has an address of its own. This one can be nobody's (RFC 2606 §2), so no key ever leaves for it.
NOWHERE: Final = "https://azure.invalid"

VERSION_HEADER: Final = "api-version"

# The last versions before the undated `v1`: generally available, and of the older inference API of Azure AI.
_VERSION: Final = "2024-10-21"
_MODELS_VERSION: Final = "2024-05-01-preview"

_UNDATED: Final = re.compile(r"/openai/v\d+$")


def url_of(target: Target, operation: str) -> str:
    """`operation`: `chat/completions`, `embeddings` …

    Raises `InvalidRequest` where nobody said which resource, and for a name that is none.
    """
    base_url = target.profile.base_url
    if base_url == NOWHERE:
        raise InvalidRequest(
            "Every Azure resource has an address of its own: this endpoint needs a base_url, or the deployment "
            "AZURE_BASE_URL.",
            code="no_base_url",
        )
    version = target.profile.headers.get(VERSION_HEADER)
    path = urlsplit(base_url).path
    if _UNDATED.search(path):
        return f"{base_url}/{operation}{_query(version)}"
    if path.endswith("/models"):
        return f"{base_url}/{operation}{_query(version or _MODELS_VERSION)}"
    if "/deployments/" not in path:
        base_url = f"{base_url.removesuffix('/openai')}/openai/deployments/{_segment(target.model)}"
    return f"{base_url}/{operation}{_query(version or _VERSION)}"


def responses_url_of(target: Target) -> str:
    """The Responses API is in the undated version of the resource, and the deployment is the body's `model`.

    https://learn.microsoft.com/azure/foundry/openai/how-to/responses. A date, which the endpoint says for its older
    paths, is none of its versions. Raises as `url_of`.
    """
    profile = target.profile
    parts = urlsplit(profile.base_url)
    if profile.base_url != NOWHERE and not _UNDATED.search(parts.path):
        version = profile.headers.get(VERSION_HEADER, "")
        headers = {} if version[:4].isdecimal() else profile.headers
        profile = replace(profile, base_url=f"{parts.scheme}://{parts.netloc}/openai/v1", headers=headers)
    return url_of(replace(target, profile=profile), "responses")


def _segment(deployment: str) -> str:
    """The name as one segment of the path, whatever is in it; dots alone would be a step to another place."""
    if not deployment.strip("."):
        raise InvalidRequest("This cannot be the name of a deployment.", param="model", code="model_not_found")
    return quote(deployment, safe="")


def _query(version: str | None) -> str:
    return "" if version is None else f"?api-version={quote(version, safe='')}"
