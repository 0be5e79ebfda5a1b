"""What a completion is made of, whoever made it.

A stream is a list of events, a whole answer is a `Completion`; `fold` and `unfold` go between them, and
`fold(unfold(c)) == c`. A provider's translator yields events, a dialect's encoder turns them into bytes.

Content is a sequence of *parts* in each *choice*. `part` numbers them from 0 in the order in which they begin, so
that thinking, text and tool calls keep their order even where the client's dialect has no word for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from providers.errors import UpstreamError
    from providers.jsonwalk import JsonObject
    from providers.usage import Usage

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]
ToolKind: TypeAlias = Literal["function", "custom", "function_call"]
Scope: TypeAlias = Literal["completion", "choice", "message"]


@dataclass(frozen=True, slots=True)
class Started:
    """The provider began to answer. None where it does not say (the encoder's stamp stands in)."""

    id: str | None = None
    model: str | None = None
    created: int | None = None  # epoch seconds


@dataclass(frozen=True, slots=True)
class TextDelta:
    part: int
    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """Text in which the model declines; OpenAI keeps it apart from content."""

    part: int
    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """Thinking. `signature` and `data` (an encrypted block) are opaque and must go back unchanged with the next turn.

    `format` names who made them (`anthropic-claude-v1`), so that they go to nobody else; `id` is the provider's own.
    `member`: the name under which a host of OpenAI's wire says it, if not the most common one: a hit says it likewise.
    """

    part: int
    text: str = ""
    signature: str = ""
    data: str = ""
    format: str = ""
    id: str = ""
    choice: int = 0
    member: str = ""


@dataclass(frozen=True, slots=True)
class ToolCallStarted:
    """`kind`: a function, a custom tool, or OpenAI's `function_call` of 2023, which has no id."""

    part: int
    id: str
    name: str
    kind: ToolKind = "function"
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of the call's arguments: JSON text for a function, free text for a custom tool."""

    part: int
    arguments: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Citation:
    """A source of the text. `extra`: the provider's own members (document index, page, location), as they came."""

    url: str | None = None
    title: str | None = None
    quote: str | None = None
    start: int | None = None  # character offsets into the choice's text
    end: int | None = None
    extra: JsonObject = field(default_factory=dict)
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ProviderFields:
    """Members of the wire that have no word here (`search_results`, `system_fingerprint`, `logprobs`, `audio` …).

    Kept so that nothing is lost: `merge_fields` joins repeated ones by OpenAI's accumulation rule.
    """

    fields: JsonObject
    scope: Scope = "completion"
    choice: int = 0


# Under this name the fields of a message hold what its tool calls have beyond their own words (Gemini's thought
# signature, the program that called), by the number of the call. A dialect may put it back beside the call.
TOOL_CALL_FIELDS: Final = "tool_call_fields"

# Under the first the fields of a message hold blocks of its content that have no word here (Anthropic's own tools at
# work), in order; under the other, for each of them, how many parts had begun before it.
KEPT_BLOCKS: Final = "anthropic_content"
KEPT_PLACES: Final = "anthropic_content_places"


@dataclass(frozen=True, slots=True)
class UsageReported:
    """Usage so far: cumulative, a later report overrides an earlier one bucket by bucket."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Finished:
    """A choice ended. `native` is the provider's own word where it says more than `reason` does.

    `known` False: the provider gave no word, or one that this release does not know. The client is told of a stop, but
    nothing proves that the answer came to its own end.
    """

    reason: FinishReason
    native: str | None = None
    choice: int = 0
    known: bool = True


@dataclass(frozen=True, slots=True)
class Failed:
    """The provider broke off with an error inside the stream. Nothing follows it."""

    error: UpstreamError


Event: TypeAlias = (
    Started
    | TextDelta
    | RefusalDelta
    | ReasoningDelta
    | ToolCallStarted
    | ToolCallDelta
    | Citation
    | ProviderFields
    | UsageReported
    | Finished
    | Failed
)


def meaningful(event: Event) -> bool:
    """Whether the client would notice it: until the first such event, a failure can still become an honest status.

    What a message has beyond words, audio or steps of a search, is an object or a list; a label alone says nothing yet.
    """
    match event:
        case Started() | UsageReported():
            return False
        case ProviderFields(fields, scope):
            return scope == "message" and any(isinstance(value, dict | list) for value in fields.values())
        case ReasoningDelta(_, text, signature, data):
            return bool(text or signature or data)
        case _:
            return True
