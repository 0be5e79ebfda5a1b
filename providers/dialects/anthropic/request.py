"""A request of the Messages API to the neutral `ChatRequest`.

As strict and as open as OpenAI's dialect is: what could only fail later and less clearly is refused, what tomorrow's
API may have is kept. The whole of it goes to a provider of the same wire as it is written; what another one has no
word for is in `unread` by its path, or in `extra` by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeGuard, get_args

from providers.chat import ChatRequest, ReasoningEffort, Source
from providers.dialects.anthropic.messages import parse_messages
from providers.dialects.anthropic.tools import parse_format, parse_tool_choice, parse_tools
from providers.dialects.reader import read_body
from providers.dropped import Dropped

if TYPE_CHECKING:
    from providers.dialects.reader import Reader
    from providers.jsonwalk import JsonObject

WIRE: Final = "anthropic-messages"

_TYPED: Final = frozenset({
    "model", "messages", "max_tokens", "system", "tools", "tool_choice", "stop_sequences", "temperature", "top_p",
    "top_k", "thinking", "output_config", "output_format", "metadata", "stream",
})  # fmt: skip


def parse_request(body: bytes, *, answered: bool = True) -> ChatRequest:
    """Raises `InvalidRequest`, naming the member at fault in `param`. `answered` False: only its tokens are counted."""
    reader = read_body(body)
    unread = Dropped()
    model = reader.need_text("model")
    max_tokens = reader.integer("max_tokens")
    if max_tokens is None and answered:
        reader.missing("max_tokens")
    messages = parse_messages(reader, unread)
    choice, parallel = parse_tool_choice(reader)
    effort, budget = _reasoning(reader, unread)
    user, metadata = _metadata(reader)
    return ChatRequest(
        model=model,
        messages=messages,
        source=Source(WIRE, body, reader.value),
        tools=parse_tools(reader, unread),
        tool_choice=choice,
        parallel_tool_calls=parallel,
        response_format=parse_format(reader),
        temperature=reader.number("temperature"),
        top_p=reader.number("top_p"),
        top_k=reader.integer("top_k"),
        stop=_stop(reader),
        max_tokens=max_tokens,
        reasoning_effort=effort,
        reasoning_budget=budget,
        stream=reader.flag("stream") or False,
        include_usage=True,
        user=user,
        metadata=metadata,
        extra={name: value for name, value in reader.value.items() if name not in _TYPED and value is not None},
        unread=unread.names,
    )


def _stop(reader: Reader) -> tuple[str, ...] | None:
    given = reader.array("stop_sequences")
    if given is None:
        return None
    sequences = tuple(item for item in given if isinstance(item, str))
    if len(sequences) != len(given):
        reader.invalid("stop_sequences", "an item is not a string")
    return sequences


def _metadata(reader: Reader) -> tuple[str | None, JsonObject | None]:
    """The end user, and what else is there."""
    metadata = reader.child("metadata")
    if metadata is None:
        return None, None
    rest = {name: value for name, value in metadata.value.items() if name != "user_id"}
    return metadata.text("user_id"), rest or None


def _reasoning(reader: Reader, unread: Dropped) -> tuple[ReasoningEffort | None, int | None]:
    """Effort and budget. Adaptive thinking is an effort, `high` where none is said, which is Anthropic's default:
    https://platform.claude.com/docs/en/build-with-claude/effort."""
    wanted = _effort(reader, unread)
    thinking = reader.child("thinking")
    if thinking is None:
        return wanted, None
    if thinking.has("display"):
        unread.add("thinking.display")
    match thinking.need_text("type"):
        case "enabled":
            budget = thinking.integer("budget_tokens")
            return wanted, thinking.missing("budget_tokens") if budget is None else budget
        case "adaptive":
            return wanted or "high", None
        case "disabled":
            if wanted is not None:
                unread.add("output_config.effort")
            return "none", None
        case _:
            unread.add("thinking")
            return wanted, None


def _effort(reader: Reader, unread: Dropped) -> ReasoningEffort | None:
    config = reader.child("output_config")
    if config is None:
        return None
    for name, value in config.value.items():
        if name not in {"effort", "format"} and value is not None:
            unread.add(f"output_config.{name}")
    effort = config.text("effort")
    if _is_effort(effort):
        return effort
    if effort is not None:
        unread.add("output_config.effort")
    return None


def _is_effort(word: str | None) -> TypeGuard[ReasoningEffort]:
    return word in get_args(ReasoningEffort)
