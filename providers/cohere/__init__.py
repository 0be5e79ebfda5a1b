"""Cohere's Chat API, version 2: `POST /v2/chat`, whole and streamed.

What it takes and sends is described at https://docs.cohere.com/reference/chat and in the OpenAPI document of
https://github.com/cohere-ai/cohere-developer-experience; where a rule here has another source, the rule says so.
"""

from __future__ import annotations

from providers.cohere.provider import Cohere

PROVIDER = Cohere()
