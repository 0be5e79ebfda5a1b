"""What a provider's refusal means for the ways that are left: by status and structured members, never by its words.

Anthropic, Google and Bedrock refuse a long prompt with a sentence and nothing else: after those there is no fallback,
for a sentence can quote the prompt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.errors import UpstreamError
    from providers.routing.virtual import FallbackOn

# As `code`, or where a host has no codes, as `type`.
_REASONS: Final[Mapping[str, FallbackOn]] = {
    "context_length_exceeded": "context_window",  # OpenAI, and most who speak its wire
    "exceed_context_size_error": "context_window",  # llama.cpp: github.com/ggml-org/llama.cpp/pull/15780
    "content_filter": "content_policy",  # Azure, Moonshot; Cohere's 498
    "content_policy_violation": "content_policy",  # OpenAI, and for reasoning models the next
    "invalid_prompt": "content_policy",  # github.com/BeehiveInnovations/pal-mcp-server/issues/178
    "data_inspection_failed": "content_policy",  # Alibaba: github.com/CommandCodeAI/command-code/issues/813
}
# With 403: the credential is good, and this model is not for it. OpenAI calls the model absent
# (github.com/cursor/cursor/issues/2953); Anthropic has 401 for a key, and this for what a good key may not use
# (platform.claude.com/docs/en/api/errors). Bedrock's AccessDeniedException and Google's PERMISSION_DENIED are not here:
# they are not said of models alone, and Bedrock answers 403 to an API key that is no good at all
# (github.com/ai4s-research/open-science/issues/53). Only the text tells which.
_NOT_FOR_IT: Final = frozenset({"model_not_found", "permission_error"})

# vLLM has neither, but names the parameter: github.com/harbor-framework/harbor/pull/996.
_TOO_MANY: Final = "input_tokens"


def another_model_may(error: UpstreamError) -> FallbackOn | None:
    """Why another model may answer what this one refused; None where the refusal does not say so."""
    for word in (error.code, error.type):
        if word is not None and word in _REASONS:
            return _REASONS[word]
    return "context_window" if error.status == 400 and error.param == _TOO_MANY else None


def out_of_money(error: UpstreamError) -> bool:
    """The account behind the key is empty: no waiting helps, and another endpoint may have another account.

    OpenAI says so with 429 and this code, others with 402.
    https://platform.openai.com/docs/guides/error-codes/api-errors
    """
    return error.status == 402 or "insufficient_quota" in (error.code, error.type)


def model_forbidden(error: UpstreamError) -> bool:
    """Another model, or another endpoint, may well be had: nothing is wrong with this credential."""
    return error.status == 403 and (error.code in _NOT_FOR_IT or error.param == "model")
