"""A neutral request in OpenAI's form, for a client that speaks another wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from providers.chat import JsonSchema, NamedTool, NativeChoice, NativeFormat, NativeTool
from providers.errors import Unsupported
from providers.openai.content import encode_message
from providers.openai.host import WIRE

if TYPE_CHECKING:
    from collections.abc import Container

    from providers.chat import ChatRequest, ResponseFormat, Tool, ToolChoice
    from providers.jsonwalk import Json, JsonObject

# Members that are not OpenAI's own. A host gets those that its row says it knows; the others are named as dropped.
EXTENSIONS: Final = frozenset({
    "cache_control", "is_error", "reasoning_content", "reasoning_details", "reasoning", "top_k",
})  # fmt: skip


class Extensions:
    """Which extensions of the wire the host knows, and which were left out because it does not."""

    def __init__(self, known: Container[str]) -> None:
        self._known = known
        self._dropped: set[str] = set()

    def knows(self, name: str) -> bool:
        return name in self._known

    def put(self, body: JsonObject, name: str, value: Json) -> None:
        """Set `body[name]`, if there is a value and the host knows the name."""
        if value is None:
            return
        if self.knows(name):
            body[name] = value
        else:
            self.drop(name)

    def drop(self, name: str) -> None:
        self._dropped.add(name)

    @property
    def dropped(self) -> tuple[str, ...]:
        return tuple(sorted(self._dropped))


def encode_chat(
    chat: ChatRequest, model: str, known: Container[str] = EXTENSIONS
) -> tuple[JsonObject, tuple[str, ...]]:
    """The request body and what was left out of it. Raises `Unsupported` for what OpenAI's wire has no form for.

    What the client said as 0, "" or [] is said again; what it did not say is left out.
    """
    extensions = Extensions(known)
    body: JsonObject = {"model": model, "messages": [encode_message(message, extensions) for message in chat.messages]}
    _put_tools(body, chat, extensions)
    _put_sampling(body, chat, extensions)
    for name, value in chat.extra.items():
        # Names of another wire mean nothing here, or worse, something else.
        if chat.source.wire == WIRE:
            body[name] = value
        else:
            extensions.drop(name)
    for name in chat.unread:
        extensions.drop(name)
    if chat.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    return body, extensions.dropped


def _put_tools(body: JsonObject, chat: ChatRequest, extensions: Extensions) -> None:
    if chat.tools:
        body["tools"] = [_tool(tool, chat, extensions) for tool in chat.tools]
    if chat.tool_choice is not None:
        body["tool_choice"] = _tool_choice(chat.tool_choice)
    if chat.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = chat.parallel_tool_calls
    if chat.response_format is not None:
        body["response_format"] = _response_format(chat.response_format)


def _put_sampling(body: JsonObject, chat: ChatRequest, extensions: Extensions) -> None:
    said: JsonObject = {
        "temperature": chat.temperature,
        "top_p": chat.top_p,
        "frequency_penalty": chat.frequency_penalty,
        "presence_penalty": chat.presence_penalty,
        "seed": chat.seed,
        "stop": None if chat.stop is None else list(chat.stop),
        "n": chat.n,
        "logprobs": chat.logprobs,
        "top_logprobs": chat.top_logprobs,
        "max_completion_tokens": chat.max_tokens,
        "reasoning_effort": chat.reasoning_effort,
        "user": chat.user,
        "metadata": chat.metadata,
    }
    body.update({name: value for name, value in said.items() if value is not None})
    extensions.put(body, "top_k", chat.top_k)
    if chat.reasoning_budget is not None:
        extensions.put(body, "reasoning", {"max_tokens": chat.reasoning_budget})


def _tool(tool: Tool, chat: ChatRequest, extensions: Extensions) -> JsonObject:
    if isinstance(tool, NativeTool):
        if chat.source.wire != WIRE:
            raise Unsupported(f"This provider has no tool of type '{tool.type}'.", param="tools")
        return tool.value
    function: JsonObject = {"name": tool.name}
    said: JsonObject = {"description": tool.description, "parameters": tool.parameters, "strict": tool.strict}
    function.update({name: value for name, value in said.items() if value is not None})
    body: JsonObject = {"type": "function", "function": function}
    extensions.put(body, "cache_control", tool.cache)
    return body


def _tool_choice(choice: ToolChoice) -> Json:
    match choice:
        case NamedTool(name):
            return {"type": "function", "function": {"name": name}}
        case NativeChoice(kind):
            raise Unsupported(f"This provider takes no tool choice of type '{kind}'.", param="tool_choice")
        case "auto" | "none" | "required":
            return choice
        case _:  # pragma: no cover
            assert_never(choice)


def _response_format(form: ResponseFormat) -> JsonObject:
    match form:
        case JsonSchema():
            schema: JsonObject = {"name": form.name, "schema": form.schema}
            said: JsonObject = {"description": form.description, "strict": form.strict}
            schema.update({name: value for name, value in said.items() if value is not None})
            return {"type": "json_schema", "json_schema": schema}
        case NativeFormat(kind):
            raise Unsupported(f"This provider takes no response format of type '{kind}'.", param="response_format")
        case "text" | "json_object":
            return {"type": form}
        case _:  # pragma: no cover
            assert_never(form)
