"""A chat request, whatever dialect it was asked in.

`ChatRequest` holds what providers have in common, typed. What is not typed here is in `extra` under its wire
name, and the whole of what the client sent is in `source`: a provider that speaks the client's own wire sends that
on, patched, so that a member invented yesterday keeps working.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from providers.jsonwalk import Json, JsonObject

ReasoningEffort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


# -- content --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """`cache`: the client's `cache_control` object on this block, passed on where the provider knows it."""

    text: str
    cache: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Url:
    url: str


@dataclass(frozen=True, slots=True)
class Inline:
    """Bytes in base64, as they came. `media_type` is empty where the client did not say."""

    media_type: str
    base64: str


@dataclass(frozen=True, slots=True)
class FileId:
    """A file that the client uploaded to the provider beforehand."""

    id: str


@dataclass(frozen=True, slots=True)
class Image:
    source: Url | Inline
    detail: str | None = None
    cache: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A PDF or text file."""

    source: Url | Inline | FileId
    filename: str | None = None
    cache: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Audio:
    """`format` as OpenAI writes it: `wav`, `mp3`."""

    base64: str
    format: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An earlier answer in which the model declined."""

    text: str


@dataclass(frozen=True, slots=True)
class UnknownPart:
    """A content part of a kind unknown to this release; only its own wire can carry it. `path`: where it stood."""

    type: str
    path: str


Content: TypeAlias = Text | Image | Document | Audio | Refusal | UnknownPart


@dataclass(frozen=True, slots=True)
class Reasoning:
    """Thinking sent back: see `providers.events.ReasoningDelta` for the members."""

    text: str = ""
    signature: str = ""
    data: str = ""
    format: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """`arguments`: JSON text (function) or free text (custom), exactly as the client sent it."""

    id: str
    name: str
    arguments: str
    kind: Literal["function", "custom"] = "function"
    cache: JsonObject | None = None


# -- messages -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class System:
    """A system or developer message, at its own place in the conversation."""

    content: tuple[Content, ...]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class User:
    content: tuple[Content, ...]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Assistant:
    """An earlier answer. On the wire to a provider its reasoning comes first, then content, then tool calls.

    `phase`: OpenAI's word for a remark on the way or the final answer, which its newer models want back.
    """

    content: tuple[Content, ...] = ()
    reasoning: tuple[Reasoning, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    name: str | None = None
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The outcome of the tool call `call_id`. `is_error`: the tool failed (an Anthropic notion, kept if given)."""

    call_id: str
    content: tuple[Content, ...]
    is_error: bool | None = None
    cache: JsonObject | None = None


Message: TypeAlias = System | User | Assistant | ToolResult


# -- tools and format -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FunctionTool:
    """`parameters`: a JSON Schema, or None where the function takes nothing."""

    name: str
    description: str | None = None
    parameters: JsonObject | None = None
    strict: bool | None = None
    cache: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class NativeTool:
    """A tool of another kind (a provider's own web search, a custom tool), as the client sent it."""

    type: str
    value: JsonObject


Tool: TypeAlias = FunctionTool | NativeTool


@dataclass(frozen=True, slots=True)
class NamedTool:
    """`tool_choice` that forces one function."""

    name: str


@dataclass(frozen=True, slots=True)
class NativeChoice:
    """A `tool_choice` of a kind that this release does not know (`allowed_tools` …)."""

    type: str


ToolChoice: TypeAlias = Literal["auto", "none", "required"] | NamedTool | NativeChoice


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """`response_format` of type `json_schema`."""

    name: str
    schema: JsonObject
    description: str | None = None
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class NativeFormat:
    type: str


ResponseFormat: TypeAlias = Literal["text", "json_object"] | JsonSchema | NativeFormat


# -- the request ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """The request as it came. `wire`: its format, `openai-chat`; `body`: its bytes, and `value` what they say."""

    wire: str
    body: bytes = field(repr=False)
    value: JsonObject = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """None means that the client did not say; 0, 0.0, "" and [] are what it did say and are sent.

    `max_tokens`: from `max_completion_tokens` or `max_tokens`. `n`, `seed`, `stop` … as in OpenAI's chat completions.
    `reasoning_budget`: tokens, where the client gave a budget rather than an effort.
    `unread`: members of messages that have no word here (`messages[].annotations`): another wire goes without them.
    """

    model: str
    messages: tuple[Message, ...]
    source: Source
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    max_tokens: int | None = None
    reasoning_effort: ReasoningEffort | None = None
    reasoning_budget: int | None = None
    stream: bool = False
    include_usage: bool = False
    user: str | None = None
    metadata: JsonObject | None = None
    extra: dict[str, Json] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
