"""Google's Gemini API with an AI Studio key: `generateContent`, whole and streamed.

What it takes and sends is described at https://ai.google.dev/api/generate-content; where a rule here has another
source, the rule says so.
"""

from __future__ import annotations

from providers.google.provider import Google

PROVIDER = Google()
