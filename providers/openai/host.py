"""What one OpenAI-compatible host is like, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

WIRE: Final = "openai-chat"

# `[DONE]`, or, at hosts that never send it, the finish reason of every choice that began.
End: TypeAlias = Literal["done", "finish"]

# What a host makes of `stream_options.include_usage`: it must be asked for usage; it sends usage anyway; it answers
# 4xx when asked.
StreamOptions: TypeAlias = Literal["ask", "leave", "refuse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The defaults are OpenAI's own behaviour, so that a row says only what differs.

    `base_url`: no trailing slash, as in the host's own SDK or documentation.
    `renames`: top-level request members that the host knows under another name only.
    `refuses`, `refuses_in_messages`: members that the host answers with 4xx although they do not change the answer.
    `knows`: extensions of the wire beyond OpenAI's that may be sent when a request is built rather than relayed.
    `reasoning_apart`: `reasoning_tokens` are not part of `completion_tokens`.
    `usage_under`: a top-level member that holds the usage where the chunk itself has none.
    """

    name: str
    base_url: str
    path: str = "/chat/completions"
    auth: tuple[str, str] | None = None
    end: End = "done"
    stream_options: StreamOptions = "ask"
    developer_role: bool = True
    renames: tuple[tuple[str, str], ...] = ()
    refuses: frozenset[str] = frozenset()
    refuses_in_messages: frozenset[str] = frozenset()
    knows: frozenset[str] = frozenset()
    reasoning_apart: bool = False
    usage_under: str | None = None
