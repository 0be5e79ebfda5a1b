"""A chat completions request to the neutral `ChatRequest`.

Strict where a wrong type could only fail later and less clearly; open where tomorrow's API may differ: an unknown
member, content part, tool or format is kept, for the provider to pass on or to refuse by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeGuard, get_args

from providers.chat import ChatRequest, ReasoningEffort, Source
from providers.dialects.openai.messages import parse_messages, unread_members
from providers.dialects.openai.tools import parse_format, parse_tool_choice, parse_tools
from providers.dialects.reader import Reader, read_body

if TYPE_CHECKING:
    from providers.jsonwalk import Json

WIRE: Final = "openai-chat"

_TYPED = frozenset({
    "model", "messages", "tools", "functions", "tool_choice", "function_call", "parallel_tool_calls",
    "response_format", "temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed", "stop", "n",
    "logprobs", "top_logprobs", "max_tokens", "max_completion_tokens", "stream", "stream_options", "user", "metadata",
})  # fmt: skip


def parse_request(body: bytes) -> ChatRequest:
    """Raises `InvalidRequest`, naming the member at fault in `param`."""
    reader = read_body(body)
    value = reader.value
    model = reader.need_text("model")
    messages = parse_messages(reader)
    effort, budget = _reasoning(reader)
    stream = reader.flag("stream") or False
    return ChatRequest(
        model=model,
        messages=messages,
        source=Source(WIRE, body, value),
        tools=parse_tools(reader),
        tool_choice=parse_tool_choice(reader),
        parallel_tool_calls=reader.flag("parallel_tool_calls"),
        response_format=parse_format(reader),
        temperature=reader.number("temperature"),
        top_p=reader.number("top_p"),
        top_k=reader.integer("top_k"),
        frequency_penalty=reader.number("frequency_penalty"),
        presence_penalty=reader.number("presence_penalty"),
        seed=reader.integer("seed"),
        stop=_stop(reader),
        n=reader.integer("n"),
        logprobs=_logprobs(reader),
        top_logprobs=reader.integer("top_logprobs"),
        max_tokens=_max_tokens(reader),
        reasoning_effort=effort,
        reasoning_budget=budget,
        stream=stream,
        include_usage=_include_usage(reader, stream=stream),
        user=reader.text("user"),
        metadata=reader.object("metadata"),
        extra=_extra(value, effort, budget),
        unread=unread_members(reader),
    )


def _max_tokens(reader: Reader) -> int | None:
    newer = reader.integer("max_completion_tokens")
    return reader.integer("max_tokens") if newer is None else newer


def _logprobs(reader: Reader) -> bool | None:
    """A number, as in the completions API of old, is how many of the likeliest tokens to show: Together takes it."""
    value = reader.value.get("logprobs")
    return value != 0 if isinstance(value, int) else reader.flag("logprobs")


def _stop(reader: Reader) -> tuple[str, ...] | None:
    value = reader.value.get("stop")
    if value is None:
        return None
    if isinstance(value, str):
        return (value,)
    sequences: list[str] = []
    for number, item in enumerate(reader.array("stop") or ()):
        if not isinstance(item, str):
            reader.invalid("stop", f"item {number} is not a string")
        sequences.append(item)
    return tuple(sequences)


def _include_usage(reader: Reader, *, stream: bool) -> bool:
    options = reader.child("stream_options")
    if options is None:
        return False
    if not stream:
        reader.invalid("stream_options", "it is only allowed when 'stream' is true")
    return options.flag("include_usage") or False


def _reasoning(reader: Reader) -> tuple[ReasoningEffort | None, int | None]:
    """Effort and budget: `reasoning_effort` as OpenAI writes it, or OpenRouter's `reasoning: {effort, max_tokens}`."""
    effort: Json = reader.text("reasoning_effort")
    budget = None
    nested = reader.value.get("reasoning")
    if isinstance(nested, dict):
        inner = Reader(nested, "reasoning")
        effort = effort if effort is not None else inner.text("effort")
        budget = inner.integer("max_tokens")
    return (effort if _is_effort(effort) else None), budget


def _is_effort(value: Json) -> TypeGuard[ReasoningEffort]:
    return value in get_args(ReasoningEffort)


def _extra(value: dict[str, Json], effort: ReasoningEffort | None, budget: int | None) -> dict[str, Json]:
    """What the neutral request has no word for; an effort of tomorrow's vocabulary stays here, under its name."""
    understood = set(_TYPED)
    if effort is not None:
        understood |= {"reasoning_effort", "reasoning"}
    if budget is not None:
        understood.add("reasoning")
    return {key: member for key, member in value.items() if key not in understood and member is not None}
