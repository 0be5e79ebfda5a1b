"""What a request may take, reserved before its answer is known.

Two numbers for two limits. Tokens per minute are a matter of likelihood: the estimate is what such a request usually
takes, and what it took replaces it. Money must not be overspent: the bound is what the request can cost at most, at
list prices, for text.

What no bound can know beforehand: pages that the provider's own search reads into the prompt and bills as input, how
many searches it makes, a file behind a URL, and an answer longer than `assumed_output` where the request sets no
`max_tokens`. All of it is booked once the usage is known; it may take a budget below zero by that one request.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, assert_never

from providers.chat import (
    Assistant,
    Audio,
    Document,
    FunctionTool,
    Image,
    Inline,
    JsonSchema,
    NativeTool,
    Refusal,
    System,
    Text,
    ToolResult,
    UnknownPart,
    User,
)
from providers.cost import counted, nano, rates_at, usd_per_one
from providers.jsonwalk import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from providers.chat import ChatRequest, Content, Message
    from providers.jsonwalk import Json, JsonObject
    from providers.prices import ModelInfo, Rate

_BYTES_PER_TOKEN: Final = 4  # English prose and code; three for Chinese, whose characters have three bytes
_PER_MESSAGE: Final = 4  # what marks its beginning, its role and its end
# With tools comes a system prompt about them, up to 530 tokens at Anthropic, by model and choice
# (https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview#pricing), and with a tool of the provider's
# own a description that the request does not show. Both have room here.
_TOOLS: Final = 1_024
_NATIVE_TOOL: Final = 1_024
# About what a large image takes: Anthropic scales it down to that, OpenAI and Google cut it into tiles.
_IMAGE: Final = 1_600
# Speech at 32 tokens a second (Google; OpenAI takes 10), wave at 32 kB a second, anything compressed at 4 kB or more.
_WAVE_BYTES_PER_TOKEN: Final = 1_000
_SPEECH_BYTES_PER_TOKEN: Final = 125
_WAVES: Final = frozenset({"wav", "pcm16"})
# A page is read as text and as an image: 1500 to 3000 tokens, Anthropic says. How many there are, only its size tells.
_PAGE: Final = 3_000
_PAGE_BYTES: Final = 50_000
_FILE: Final = 5 * _PAGE  # a file that is not here

_INPUT_UNITS: Final = ("input_mtok", "cache_read_mtok", "cache_write_mtok")
_LASTING_CACHE: Final = "cache_write_1h_mtok"


def conditions(chat: ChatRequest) -> dict[str, str]:
    """What the request asks for that changes its price, in the words of `Price.when`."""
    said = {name: text(chat.extra, name) for name in ("service_tier", "speed")}
    return {name: value for name, value in said.items() if value}


def tokens(chat: ChatRequest, assumed_output: int) -> int:
    """A likely count of tokens, input and output together."""
    return input_tokens(chat) + _output(chat, assumed_output)


def input_tokens(chat: ChatRequest) -> int:
    """A likely count of what the model reads."""
    size = sum(map(_message_size, chat.messages)) + sum(map(_size, _schemas(chat)))
    around = _PER_MESSAGE * len(chat.messages) + (_TOOLS if chat.tools else 0)
    media = sum(medium.tokens for medium in _media(chat))
    return -(-size // _BYTES_PER_TOKEN) + around + media


def nano_usd_bound(chat: ChatRequest, info: ModelInfo | None, assumed_output: int, at: int) -> int:
    """At most what the request costs, in nano-dollars; `at` in epoch seconds, the same as for `cost`.

    No tokenizer makes more tokens than there are bytes, and the request's JSON has at least the bytes of its text;
    its brackets and names outnumber what a provider puts between messages. So the body's length, less what media take
    in base64, is the bound of the input: nothing is encoded again. Each token counts at the highest rate that it may
    come under: written to the prompt cache, above the threshold of a tier, the answer as thinking or as an image.

    0 where no price is known: then the cost will not be known either, so a budget neither holds such a model nor
    counts it. Whoever spends by budget names the models that a key may use.
    """
    rates = {} if info is None else rates_at(info, at=at, asked=conditions(chat))
    if not counted(rates):
        return 0
    media = list(_media(chat))
    around = (_TOOLS if chat.tools else 0) + _NATIVE_TOOL * sum(isinstance(tool, NativeTool) for tool in chat.tools)
    prompt = max(0, len(chat.source.body) + around + sum(medium.tokens - medium.base64 for medium in media))
    outputs = [unit for unit in rates if unit.startswith("output_") and unit.endswith("_mtok")]
    return nano(
        prompt * _highest(rates, _input_units(chat, media), prompt)
        + _output(chat, assumed_output) * _highest(rates, outputs, prompt)
        + _highest(rates, ["requests_kcount"], prompt)
    )


@dataclass(frozen=True, slots=True)
class _Medium:
    """`base64`: how many bytes of the body it takes. `kind`: its word in the names of units."""

    kind: str
    tokens: int
    base64: int = 0


def _media(chat: ChatRequest) -> Iterator[_Medium]:
    for message in chat.messages:
        for part in message.content:
            match part:
                case Image(source):
                    yield _Medium("image", _IMAGE, len(source.base64) if isinstance(source, Inline) else 0)
                case Audio(base64, form):
                    rate = _WAVE_BYTES_PER_TOKEN if form in _WAVES else _SPEECH_BYTES_PER_TOKEN
                    yield _Medium("audio", 1 + _decoded(base64) // rate, len(base64))
                case Document():
                    yield _document(part)
                case UnknownPart():
                    yield _Medium("video", _IMAGE)
                case Text() | Refusal():
                    pass
                case _:  # pragma: no cover
                    assert_never(part)


def _document(part: Document) -> _Medium:
    if not isinstance(part.source, Inline):
        return _Medium("image", _FILE)
    size = _decoded(part.source.base64)
    if part.source.media_type.startswith("text/"):
        # It need not have come in base64: no more of the body is left out than the text itself takes.
        return _Medium("image", 1 + size // _BYTES_PER_TOKEN, size)
    return _Medium("image", _PAGE * (1 + size // _PAGE_BYTES), len(part.source.base64))


def _decoded(base64: str) -> int:
    return len(base64) * 3 // 4


def _output(chat: ChatRequest, assumed: int) -> int:
    """`max_tokens` holds thinking too; a budget for thinking without it comes on top of what is assumed."""
    each = assumed + max(0, chat.reasoning_budget or 0) if chat.max_tokens is None else max(0, chat.max_tokens)
    return each * max(1, chat.n or 1)


# -- sizes in bytes ---------------------------------------------------------------------------------------------------


def _message_size(message: Message) -> int:
    size = sum(map(_content_size, message.content))
    match message:
        case Assistant():
            size += sum(_length(thought.text) + _length(thought.data) for thought in message.reasoning)
            return size + sum(_length(call.name) + _length(call.arguments) for call in message.tool_calls)
        case System() | User() | ToolResult():
            return size
        case _:  # pragma: no cover
            assert_never(message)


def _content_size(part: Content) -> int:
    return _length(part.text) if isinstance(part, Text | Refusal) else 0


def _schemas(chat: ChatRequest) -> Iterator[Json]:
    for tool in chat.tools:
        if isinstance(tool, FunctionTool):
            yield [tool.name, tool.description, tool.parameters]
        else:
            yield tool.value
    if isinstance(chat.response_format, JsonSchema):
        yield chat.response_format.schema


def _size(value: Json) -> int:
    """Bytes of a value as JSON, near enough: without writing it, and however deep it is."""
    size, open_values = 0, [value]
    while open_values:
        inner = open_values.pop()
        if isinstance(inner, str):
            size += _length(inner) + 3
        elif isinstance(inner, dict):
            size += 2
            open_values += inner
            open_values += inner.values()
        elif isinstance(inner, list):
            size += 2
            open_values += inner
        else:
            size += 5
    return size


def _length(text: str) -> int:
    """In UTF-8. That a string is ASCII, Python knows without reading it."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


# -- rates ------------------------------------------------------------------------------------------------------------


def _input_units(chat: ChatRequest, media: list[_Medium]) -> Iterator[str]:
    yield from _INPUT_UNITS
    if any(cache.get("ttl", "5m") != "5m" for cache in _caches(chat)):
        yield _LASTING_CACHE
    for kind in {medium.kind for medium in media}:
        yield from (f"input_{kind}_mtok", f"cache_{kind}_read_mtok")


def _caches(chat: ChatRequest) -> Iterator[JsonObject]:
    whole = chat.extra.get("cache_control")
    marked: list[Json] = [whole]
    marked += [tool.cache if isinstance(tool, FunctionTool) else tool.value.get("cache_control") for tool in chat.tools]
    for message in chat.messages:
        marked += [part.cache for part in message.content if isinstance(part, Text | Image | Document)]
        match message:
            case ToolResult():
                marked.append(message.cache)
            case Assistant():
                marked += [call.cache for call in message.tool_calls]
            case System() | User():
                pass
            case _:  # pragma: no cover
                assert_never(message)
    yield from (cache for cache in marked if isinstance(cache, dict))


def _highest(rates: Mapping[str, Rate], units: Iterator[str] | list[str], prompt: int) -> Decimal:
    """Dollars for one, at the dearest of the tiers that a prompt of up to this size reaches."""
    return max(
        (
            usd_per_one(rates[unit], unit, reached)
            for unit in units
            if unit in rates
            for reached in (0, *(above + 1 for above, _ in rates[unit].tiers if above < prompt))
        ),
        default=Decimal(0),
    )
