"""Reasoning in OpenAI's chat dialect, which has no official place for it.

Out: `reasoning_content`, the plain text, where DeepSeek, vLLM and most hosts put it, and again under the name that the
host itself has for it, if it is another; and beside it `reasoning_details`, in OpenRouter's form
(https://openrouter.ai/docs/use-cases/reasoning-tokens), one entry for each block that is more than plain text: signed,
encrypted, or marked by its maker. In: the same, or LiteLLM's `thinking_blocks`. Sent back unchanged, a signed block
reaches the provider as the provider made it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from providers.chat import Reasoning
from providers.completion import ReasoningPart
from providers.events import ReasoningDelta

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from providers.dialects.openai.reader import Reader
    from providers.events import Event
    from providers.jsonwalk import Json, JsonObject

CLAUDE: Final = "anthropic-claude-v1"

_NOTHING: Final = ReasoningPart()


def reasoning_text(thoughts: Sequence[ReasoningPart]) -> JsonObject:
    """The plain text of all of them, as a client finds it in a relayed answer too; empty where there is none."""
    said = "".join(part.text for part in thoughts)
    member = next((part.member for part in thoughts if part.member), "reasoning_content")
    return {"reasoning_content": said, member: said} if said else {}


def reasoning_details(part: ReasoningPart, index: int, told: ReasoningPart = _NOTHING) -> list[Json]:
    """The `reasoning_details` entries of a block, or what it adds to `told`, which earlier entries of it said.

    None for plain text, which `reasoning_text` gives already, and where there is nothing to add. A block that shows a
    summary of what it seals has two, of one index.
    """
    marked = part.text and part.member and (part.format or part.id)
    if part == told or not (part.signature or part.data or marked):
        return []
    if not part.data:
        return [_plain_detail(part, index, told)]
    details: list[Json] = []
    if len(part.text) > len(told.text):
        details.append(_plain_detail(replace(part, data="", id=""), index, told))
        told = replace(told, format=part.format)
    sealed: JsonObject = {"type": "reasoning.encrypted", "data": part.data}
    return [*details, {**sealed, **_names(part, told, "id", "format"), "index": index}]


def _plain_detail(part: ReasoningPart, index: int, told: ReasoningPart) -> JsonObject:
    # OpenAI and xAI show summaries of their thinking, and nothing else.
    kind = "summary" if "responses" in part.format and not part.signature else "text"
    detail: JsonObject = {"type": f"reasoning.{kind}"}
    if not told.text or len(part.text) > len(told.text):
        detail[kind] = part.text[len(told.text) :]
    return {**detail, **_names(part, told, "signature", "id", "format"), "index": index}


def _names(part: ReasoningPart, told: ReasoningPart, *names: str) -> JsonObject:
    named = {name: getattr(part, name) for name in names if not getattr(told, name)}
    return {name: value for name, value in named.items() if value}


@dataclass(slots=True)
class _Thought:
    """A block of a stream: all of it so far, and what entries of `reasoning_details` have said of it."""

    index: int
    said: ReasoningPart = _NOTHING
    told: ReasoningPart = _NOTHING

    def tell(self) -> JsonObject:
        details = reasoning_details(self.said, self.index, self.told)
        if not details:
            return {}
        self.told = self.said
        return {"reasoning_details": details}


class ThoughtEncoder:
    """The deltas for one choice's thinking.

    Text goes out as it comes. The block's entry follows when the block ends, whole, so that a client which keeps only
    entries has all of it; for a host whose own way it is, each piece of text is beside an entry with just that piece.
    """

    def __init__(self) -> None:
        self._thoughts: dict[int, _Thought] = {}
        self._open: int | None = None

    def say(self, event: ReasoningDelta) -> JsonObject:
        thought = self._thoughts.setdefault(event.part, _Thought(len(self._thoughts)))
        self._open = event.part
        thought.said = so_far = ReasoningPart(
            thought.said.text + event.text,
            thought.said.signature + event.signature,
            thought.said.data + event.data,
            thought.said.format or event.format,
            thought.said.id or event.id,
            thought.said.member or event.member,
        )
        said = reasoning_text([replace(so_far, text=event.text)])
        return {**said, **thought.tell()} if so_far.member else said

    def ended_by(self, event: Event) -> JsonObject:
        """The entry of the block that `event` ends by belonging to something else; empty where there is none."""
        same = isinstance(event, ReasoningDelta) and event.part == self._open
        return {} if same else self.close()

    def close(self) -> JsonObject:
        if self._open is None:
            return {}
        thought, self._open = self._thoughts[self._open], None
        return thought.tell()


def parse_reasoning(message: Reader) -> tuple[Reasoning, ...]:
    """The blocks of an earlier answer. Signed ones stand in for `reasoning_content`, which repeats their text."""
    details = [_detail(detail) for detail in message.children("reasoning_details")]
    if details:
        return _joined(details)
    blocks = [_thinking_block(block) for block in message.children("thinking_blocks")]
    if blocks:
        return tuple(blocks)
    plain = message.text("reasoning_content") or message.text("reasoning")
    return (Reasoning(plain),) if plain else ()


def _detail(detail: Reader) -> tuple[int | None, Reasoning]:
    block = Reasoning(
        text=detail.text("text") or detail.text("summary") or "",
        signature=detail.text("signature") or "",
        data=detail.text("data") or "",
        format=detail.text("format") or "",
        id=detail.text("id") or "",
    )
    return detail.integer("index"), block


def _joined(details: Iterable[tuple[int | None, Reasoning]]) -> tuple[Reasoning, ...]:
    """Blocks put together again where a client kept the pieces of a stream: pieces of one block share its index."""
    blocks: list[tuple[int | None, Reasoning]] = []
    for index, piece in details:
        last_index, last = blocks[-1] if blocks else (None, Reasoning())
        if index is not None and index == last_index and not (last.data and piece.data):
            blocks[-1] = (index, _extended(last, piece))
        else:
            blocks.append((index, piece))
    return tuple(block for _, block in blocks)


def _extended(block: Reasoning, piece: Reasoning) -> Reasoning:
    return Reasoning(
        block.text + piece.text,
        block.signature + piece.signature,
        block.data + piece.data,
        block.format or piece.format,
        block.id or piece.id,
    )


def _thinking_block(block: Reader) -> Reasoning:
    return Reasoning(
        text=block.text("thinking") or "",
        signature=block.text("signature") or "",
        data=block.text("data") or "",
        format=CLAUDE,
    )
