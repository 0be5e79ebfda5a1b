"""Messages to `systemInstruction` and `contents`.

System and developer messages before all others become the system instruction, one part for each of theirs. Later ones
keep their place as text of the user's, marked as the system's: Gemini has no such role. Neighbours of one role are one
turn, so that the results of parallel calls come together, as Gemini demands.

What was sent once is sent again as the same bytes when the conversation goes on with an answer and a question, so that
Gemini's implicit cache holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import TYPE_CHECKING, Literal, assert_never

from providers.chat import (
    Assistant,
    Audio,
    Content,
    Document,
    Image,
    Message,
    Refusal,
    System,
    Text,
    ToolResult,
    UnknownPart,
    User,
)
from providers.errors import InvalidRequest, Unsupported
from providers.google.calls import call_part, result_part
from providers.google.media import media_part
from providers.google.signature import UNSIGNED, read_signatures, signed_texts

if TYPE_CHECKING:
    from providers.dropped import Dropped
    from providers.google.profile import Model
    from providers.jsonwalk import Json, JsonObject


@dataclass(frozen=True, slots=True)
class _Turn:
    role: Literal["system", "user", "model"]
    parts: tuple[JsonObject, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    system: list[Json]
    contents: list[Json]


def translate(messages: tuple[Message, ...], model: Model, dropped: Dropped) -> Conversation:
    """Raises `InvalidRequest` where nothing is left for the model to answer."""
    leading = len(list(takewhile(lambda message: isinstance(message, System), messages)))
    reader = _Reader(model, dropped)
    turns = [reader.turn(message, f"messages[{number}]") for number, message in enumerate(messages)]
    said = [_as_users(turn) for turn in turns[leading:] if turn.parts]
    if not said:
        raise InvalidRequest("Google needs at least one user message with content.", param="messages")
    return Conversation(
        system=[part for turn in turns[:leading] for part in turn.parts],
        contents=[
            {"role": role, "parts": [part for turn in group for part in turn.parts]}
            for role, group in groupby(said, key=lambda turn: turn.role)
        ],
    )


def _as_users(turn: _Turn) -> _Turn:
    if turn.role != "system":
        return turn
    return _Turn("user", tuple({"text": f"<system>\n{part['text']}\n</system>"} for part in turn.parts))


class _Reader:
    """Reads messages in their order, and remembers which call has which name: its result must bear it too."""

    def __init__(self, model: Model, dropped: Dropped) -> None:
        self._model = model
        self._dropped = dropped
        self._names: dict[str, str] = {}

    def turn(self, message: Message, path: str) -> _Turn:
        if not isinstance(message, ToolResult) and message.name is not None:
            self._dropped.add("messages[].name")
        match message:
            case System(content):
                return _Turn("system", tuple(_plain(self._text(content, path))))
            case User(content):
                return _Turn("user", tuple(self._content(content, path)))
            case Assistant():
                return _Turn("model", tuple(self._answer(message, path)))
            case ToolResult():
                return _Turn("user", (self._result(message, path),))
            case _:  # pragma: no cover
                assert_never(message)

    def _answer(self, message: Assistant, path: str) -> list[JsonObject]:
        """Thoughts, then the texts, then the calls: the order in which Gemini gives them."""
        texts = "".join(self._text(message.content, path))
        ids = frozenset(call.id for call in message.tool_calls)
        signatures = read_signatures(message.reasoning, ids, len(texts), self._dropped)
        calls: list[JsonObject] = []
        for number, call in enumerate(message.tool_calls):
            self._names[call.id] = call.name
            self._note_cache(call.cache)
            part = call_part(call, f"{path}.tool_calls[{number}]")
            signature = signatures.calls.get(call.id) or self._unsigned(number)
            calls.append(part if signature is None else {**part, "thoughtSignature": signature})
        return [*signatures.thoughts, *signed_texts(texts, signatures.texts), *calls]

    def _unsigned(self, number: int) -> str | None:
        """Of calls made together only the first need be signed."""
        if number > 0 or not self._model.signed_calls:
            return None
        self._dropped.add("messages[].tool_calls[].thought_signature")
        return UNSIGNED

    def _result(self, message: ToolResult, path: str) -> JsonObject:
        name = self._names.get(message.call_id)
        if name is None:
            raise InvalidRequest(
                "This is the result of a tool call that no message made.", param=f"{path}.tool_call_id"
            )
        self._note_cache(message.cache)
        parts = self._content(message.content, path)
        media = [part for part in parts if "text" not in part]
        for part in media:
            if not self._model.media_results or "inlineData" not in part:
                raise Unsupported("This model takes only text as the result of a tool.", param=f"{path}.content")
        texts = [str(part["text"]) for part in parts if "text" in part]
        return result_part(message, name, "".join(texts), media)

    def _text(self, content: tuple[Content, ...], path: str) -> list[str]:
        """For the roles that may only write text. Raises `Unsupported` for anything else."""
        texts: list[str] = []
        for number, part in enumerate(content):
            if not isinstance(part, Text | Refusal):
                where = f"{path}.content[{number}]"
                raise Unsupported("Google takes only text in system and assistant messages.", param=where)
            self._note_cache(part.cache if isinstance(part, Text) else None)
            texts.append(part.text)
        return texts

    def _content(self, content: tuple[Content, ...], path: str) -> list[JsonObject]:
        return [part for number, item in enumerate(content) for part in self._part(item, f"{path}.content[{number}]")]

    def _part(self, part: Content, path: str) -> list[JsonObject]:
        """An empty text says nothing, and Google refuses it."""
        match part:
            case Text(text, cache):
                self._note_cache(cache)
                return _plain([text])
            case Refusal(text):
                return _plain([text])
            case Image() | Document():
                self._note_cache(part.cache)
                return [media_part(part, path, self._dropped)]
            case Audio():
                return [media_part(part, path, self._dropped)]
            case UnknownPart(type=kind, path=where):
                raise Unsupported(f"Content of type {kind!r} cannot be sent to Google.", param=where)
            case _:  # pragma: no cover
                assert_never(part)

    def _note_cache(self, cache: JsonObject | None) -> None:
        if cache is not None:
            self._dropped.add("cache_control")


def _plain(texts: list[str]) -> list[JsonObject]:
    return [{"text": text} for text in texts if text]
