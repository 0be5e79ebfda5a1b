"""What one OpenAI-compatible host is like, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from providers.openai.effort import Control

WIRE: Final = "openai-chat"

# `[DONE]`; or, at hosts that never send it, the finish reason of every choice that began, and of as many choices as
# were asked for: a stream may be cut before one of them begins. A host that says `[DONE]` is believed even where it
# gave fewer: many ignore `n`, and what they gave is whole.
End: TypeAlias = Literal["done", "finish"]

# What a host makes of `stream_options.include_usage`: it must be asked for usage; it sends usage anyway; it answers
# 4xx when asked.
StreamOptions: TypeAlias = Literal["ask", "leave", "refuse"]

# How earlier reasoning goes back: under the name `reasoning`, or as Mistral's `thinking` parts of the content.
Recall: TypeAlias = Literal["reasoning", "parts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingsHost:
    """How a host serves embeddings. The defaults are what most hosts have in common, which is less than OpenAI has.

    `path`: behind the base URL. `tokens`: takes inputs that are cut into tokens already. `base64`: gives float32 in
    base64 when asked; of other hosts numbers are asked, and written anew. `names_float`: knows `float` by that name,
    and not only as what comes unasked. `dimensions`: takes them. `renames`, `refuses`: as in `Host`. `int8`: its
    base64 holds one signed byte a dimension, and it knows nothing else.
    """

    path: str = "/embeddings"
    tokens: bool = False
    base64: bool = False
    names_float: bool = True
    dimensions: bool = True
    renames: tuple[tuple[str, str], ...] = ()
    refuses: frozenset[str] = frozenset()
    int8: bool = False


# Models that do not think: to ask for their sealed thinking is a 400, "Encrypted content is not supported with this
# model" (https://github.com/OpenHands/software-agent-sdk/pull/1208).
PLAIN: Final = r"gpt-3\.5|gpt-4|chatgpt|gpt-5[\d.-]*-chat"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsesHost:
    """How a host serves the Responses API. The defaults are OpenAI's.

    `format`: the name of who sealed its thinking, as OpenRouter's `reasoning_details` have it; `formats`: whose it
    takes back; `names_format`: its reasoning items say the format themselves. `seals`: gives sealed thinking when
    asked, but for the models that `plain` finds in the lower-case name. `reads`: takes plain thinking back.
    """

    format: str = "openai-responses-v1"
    formats: frozenset[str] = frozenset({"openai-responses-v1"})
    names_format: bool = False
    seals: bool = True
    plain: str = PLAIN
    reads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The defaults are OpenAI's own behaviour, so that a row says only what differs.

    `base_url`: no trailing slash, as in the host's own SDK or documentation.
    `path`: of its chat completions, behind the base URL; None where it has none.
    `renames`: top-level request members that the host knows under another name only.
    `refuses`, `refuses_in_messages`: members that the host answers with 4xx although they do not change the answer.
    `knows`: extensions of the wire beyond OpenAI's that may be sent when a request is built rather than relayed.
    `reasoning_apart`: `reasoning_tokens` are not part of `completion_tokens`.
    `usage_under`: a top-level member that holds the usage where the chunk itself has none.
    `embeddings`, `responses`: None where the host has none.
    `controls`: how its models are told how much to think; the first whose pattern is in the name.
    `recalls`: by a pattern in the lower-case model name, the form of earlier reasoning; without one it goes back as
    `reasoning_content`, or not at all where that is refused.
    `short_call_ids`: takes ids of tool calls only if they have nine letters and digits.
    """

    name: str
    base_url: str
    path: str | None = "/chat/completions"
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
    embeddings: EmbeddingsHost | None = None
    responses: ResponsesHost | None = None
    controls: tuple[Control, ...] = ()
    recalls: tuple[tuple[str, Recall], ...] = ()
    short_call_ids: bool = False
