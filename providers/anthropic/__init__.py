"""Anthropic's Messages API: `POST /v1/messages`, whole and streamed.

What it takes and sends is described at https://platform.claude.com/docs/en/api/messages; where a rule here has
another source, the rule says so.
"""

from __future__ import annotations

from providers.anthropic.provider import Anthropic

PROVIDER = Anthropic()
