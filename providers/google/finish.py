"""Why a candidate ended, in OpenAI's words. https://ai.google.dev/api/generate-content#FinishReason"""

from __future__ import annotations

from providers.events import Finished, FinishReason

_FILTERED = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "MODEL_ARMOR",
        "ESCALATION",
        "PUP_LIMITED_DISABLED",
    }
)

# The model broke off: what there is of the answer is not all of it, and must not pass for it. That is `length`, the
# one word of OpenAI's that says so.
_BROKEN_OFF = frozenset(
    {
        "MAX_TOKENS",
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "CONTINUATION",
        "NO_IMAGE",
        "IMAGE_OTHER",
        "OTHER",
    }
)
_PLAIN = frozenset({"STOP", "MAX_TOKENS"})
_KNOWN = _FILTERED | _BROKEN_OFF | _PLAIN


def finished(native: str, *, calls: bool, choice: int) -> Finished:
    """`calls`: it has called a tool, which Google says by no reason of its own. An unknown reason is as `STOP`."""
    reason = _reason(native, calls=calls)
    return Finished(reason, None if native in _PLAIN else native, choice, known=native in _KNOWN)


def blocked(native: str) -> Finished:
    """The prompt was refused: there is no candidate at all."""
    return Finished("content_filter", native)


def _reason(native: str, *, calls: bool) -> FinishReason:
    if native in _FILTERED:
        return "content_filter"
    if native in _BROKEN_OFF:
        return "length"
    return "tool_calls" if calls else "stop"
