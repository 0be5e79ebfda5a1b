"""`ChatRequest` to `POST /responses`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.dropped import Dropped
from providers.jsonwalk import child, dump
from providers.openai.host import WIRE
from providers.openai.responses.conversation import Conversation
from providers.openai.responses.extra import check_common, extra_members
from providers.openai.responses.reasoning import SEALED, reasoning, seals
from providers.openai.responses.tools import text_format, tool_choice, tools

if TYPE_CHECKING:
    from providers.chat import ChatRequest
    from providers.jsonwalk import Json, JsonObject
    from providers.openai.host import ResponsesHost

_LOGPROBS: Final = "message.output_text.logprobs"


def translate(chat: ChatRequest, model: str, host: ResponsesHost) -> tuple[bytes, tuple[str, ...]]:
    """The body, and the names of what was left out of it. Raises `Unsupported`.

    `input` comes last: a longer conversation then has a body that begins with the same bytes.
    """
    dropped = Dropped()
    check_common(chat, dropped)
    members: JsonObject = {
        "model": model,
        "stream": chat.stream,
        "stream_options": _stream_options(chat),
        # Nothing is kept at the provider unless the client says so: what it thought goes back sealed.
        "store": chat.extra.get("store") or False,
        "include": _include(chat, model, host),
        "max_output_tokens": chat.max_tokens,
        "temperature": chat.temperature,
        "top_p": chat.top_p,
        "top_logprobs": chat.top_logprobs,
        "reasoning": reasoning(chat, dropped),
        "text": text_format(chat),
        "tools": tools(chat, dropped),
        "tool_choice": tool_choice(chat),
        "parallel_tool_calls": chat.parallel_tool_calls,
        "user": chat.user,
        "metadata": chat.metadata,
        **extra_members(chat, dropped),
        "input": Conversation(host, dropped).items(chat.messages),
    }
    return dump({name: value for name, value in members.items() if value is not None}), dropped.names


def _include(chat: ChatRequest, model: str, host: ResponsesHost) -> Json:
    """What the client lists itself holds, be it nothing; sealed thinking is asked for where it says nothing."""
    own = chat.extra.get("include")
    wanted: list[Json] = [*own] if isinstance(own, list) else [SEALED] if seals(host, model) else []
    if chat.logprobs and _LOGPROBS not in wanted:
        wanted.append(_LOGPROBS)
    return wanted if wanted or own is not None else None


def _stream_options(chat: ChatRequest) -> JsonObject | None:
    """Usage comes unasked. `include_obfuscation` is of both wires."""
    options = child(chat.source.value, "stream_options") if chat.source.wire == WIRE else {}
    padded = options.get("include_obfuscation")
    return None if padded is None or not chat.stream else {"include_obfuscation": padded}
