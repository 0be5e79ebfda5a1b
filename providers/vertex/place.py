"""Where a model is on Vertex AI: host by location, path by project, location and maker.

https://docs.cloud.google.com/vertex-ai/generative-ai/docs/learn/locations; the hosts of the multi-regions:
https://github.com/googleapis/python-genai/issues/2498.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from providers.secret import members_of

if TYPE_CHECKING:
    from providers.base import Target

GLOBAL: Final = "global"
GLOBAL_URL: Final = "https://aiplatform.googleapis.com"
_MULTI_REGIONS: Final = frozenset({"us", "eu"})

_REGIONAL_HOST: Final = re.compile(
    r"(?P<one>[a-z0-9-]+)-aiplatform\.googleapis\.com|aiplatform\.(?P<many>[a-z0-9-]+)\.rep\.googleapis\.com"
)
# `example.com:project` is one of the old ones. It becomes a segment of the path, whoever wrote it.
_PROJECT: Final = re.compile(r"[a-z0-9][a-z0-9.:-]{0,127}")


def base_url_in(region: str) -> str:
    if region == GLOBAL:
        return GLOBAL_URL
    if region in _MULTI_REGIONS:
        return f"https://aiplatform.{region}.rep.googleapis.com"
    return f"https://{region}-aiplatform.googleapis.com"


def models_url(target: Target, version: str) -> str:
    """What stands before `/publishers/…`. A base URL that names its project is used as it is, version and all.

    Without a project, which an API key has none of, it is the place of Vertex AI's express mode.
    """
    base_url = target.profile.base_url
    if "/projects/" in base_url:
        return base_url
    project = members_of(target.credential.secret).get("project_id", "")
    if not _PROJECT.fullmatch(project):
        return f"{base_url}/{version}"
    return f"{base_url}/{version}/projects/{project}/locations/{location(target)}"


def location(target: Target) -> str:
    """The endpoint's region, else that of the host, else the whole world."""
    if target.profile.region is not None:
        return target.profile.region
    match = _REGIONAL_HOST.fullmatch(urlsplit(target.profile.base_url).hostname or "")
    return (match["one"] or match["many"]) if match else GLOBAL
