"""Anthropic's error object: https://platform.claude.com/docs/en/api/errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from providers.jsonwalk import dump

if TYPE_CHECKING:
    from providers.errors import SabirError
    from providers.jsonwalk import JsonObject

_TYPES: Final = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}

# What providers call by OpenAI's names, as the client wrote it.
_NAMES: Final = {
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
    "reasoning.max_tokens": "thinking.budget_tokens",
    "reasoning_effort": "thinking or output_config.effort",
    "response_format": "output_config.format",
    "stop": "stop_sequences",
    "user": "metadata.user_id",
}
_INDEX: Final = re.compile(r"\[\d+\]")


def error_type(status: int) -> str:
    return _TYPES.get(status) or ("api_error" if status >= 500 else "invalid_request_error")


def error_object(err: SabirError) -> JsonObject:
    return {"type": error_type(err.status), "message": _message(err)}


def error_body(err: SabirError, request_id: str | None) -> bytes:
    body: JsonObject = {"type": "error", "error": error_object(err)}
    return dump(body if request_id is None else {**body, "request_id": request_id})


def _message(err: SabirError) -> str:
    """The format has no member for the parameter at fault: it is said before the message that does not name it.

    Without the numbers of messages: a provider counts the neutral ones, and a `system` is one of them.
    """
    if not err.param or err.param in err.message:
        return err.message
    return f"{_NAMES.get(err.param) or _INDEX.sub('[]', err.param)}: {err.message}"
