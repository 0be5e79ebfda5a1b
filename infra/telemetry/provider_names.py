"""What OpenTelemetry calls a provider, where that is not our own id of it: rows of data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# The well-known values of `gen_ai.provider.name`: github.com/open-telemetry/semantic-conventions, v1.41.0,
# docs/registry/attributes/gen-ai.md. Whoever has none goes by our id.
WELL_KNOWN: Final[Mapping[str, str]] = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "google": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex": "gcp.vertex_ai",
    "xai": "x_ai",
}
