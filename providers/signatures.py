"""Signed thinking that a client did not send back: which tool call it belongs to, and how it gets back there.

A model that thinks before it calls a tool seals its thinking (Anthropic's `signature` and redacted `data`, Gemini's
`thoughtSignature`), and its provider wants it back with the call, or answers worse or not at all. Most clients send
back the call alone. So each call of an answer leaves a `Signed`, and where a later request has the call without any
signed thinking, what it left is put back. What the client does send is never touched.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from providers.chat import Assistant, Reasoning
from providers.completion import ReasoningPart, ToolCallPart, fold
from providers.events import ReasoningDelta, ToolCallDelta, ToolCallStarted
from providers.jsonwalk import MalformedJson, load_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from providers.chat import ChatRequest, ToolCall
    from providers.completion import Choice
    from providers.events import Event
    from providers.jsonwalk import JsonObject

VERSION: Final = 1

# So many calls of a conversation are looked after, the last ones, give or take a step: the oldest leave many at a time,
# so that the bytes of old turns, and with them the provider's own prompt cache, change seldom and not with every turn.
MOST_CALLS: Final = 96
_STEP: Final = 32


@dataclass(frozen=True, slots=True)
class Replay:
    """What one model of a provider takes back.

    `formats`: whose thinking (`Reasoning.format`). `any_model`: also that of another model of theirs, which the
    provider then uses or leaves out by itself. `bound`: it refuses thinking whose conversation has changed before it,
    or that has lost other thinking from between.
    """

    formats: frozenset[str] = frozenset()
    any_model: bool = False
    bound: bool = False


NOTHING: Final = Replay()


class Replaying(Protocol):
    """A provider that takes signed thinking back says so beside its `Provider` methods."""

    def replays(self, model: str) -> Replay: ...


def replay_of(provider: object, model: str) -> Replay:
    """`NOTHING` for a provider that says nothing of it."""
    replays = getattr(provider, "replays", None)
    replay: Replay = NOTHING if replays is None else replays(model)
    return replay


@dataclass(frozen=True, slots=True)
class Signed:
    """What one call leaves. `model`: who thought it; `before`: a hash of the conversation that it thought about."""

    model: str
    before: str
    parts: tuple[Reasoning, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Missing:
    """A call without signed thinking, in message `message` of a request. `before`: as in `Signed`, as of now."""

    message: int
    name: JsonObject = field(repr=False)
    before: str


Found: TypeAlias = "Sequence[tuple[Missing, Signed]]"


# -- out of an answer -----------------------------------------------------------------------------------------------


def signed_calls(events: Iterable[Event], chat: ChatRequest, model: str) -> list[tuple[JsonObject, Signed]]:
    """Name and thinking of each call in an answer to `chat`, whole or as far as it came; nothing for unsigned ones."""
    kept = [event for event in events if isinstance(event, ReasoningDelta | ToolCallStarted | ToolCallDelta)]
    sealed = any(isinstance(event, ReasoningDelta) and (event.signature or event.data) for event in kept)
    if not sealed or not any(isinstance(event, ToolCallStarted) for event in kept):
        return []
    *_, before = _hashes(chat)
    return [
        (call_name(call.id, call.name, call.arguments), Signed(model, before, parts))
        for choice in fold(kept).choices
        for call, parts in _thoughts(choice)
        if call.id and parts
    ]


def _thoughts(choice: Choice) -> Iterator[tuple[ToolCallPart, tuple[Reasoning, ...]]]:
    """Each call with the sealed thinking since the call before it; what follows the last one is the last one's too."""
    calls: list[tuple[ToolCallPart, list[Reasoning]]] = []
    since: list[Reasoning] = []
    for part in choice.parts:
        if isinstance(part, ToolCallPart):
            calls.append((part, since))
            since = []
        elif isinstance(part, ReasoningPart) and (part.signature or part.data):
            since.append(Reasoning(part.text, part.signature, part.data, part.format, part.id))
    if calls:
        calls[-1][1].extend(since)
    return ((call, tuple(parts)) for call, parts in calls)


def call_name(call_id: str, name: str, arguments: str) -> JsonObject:
    """What a call is known by. Not its id alone: some providers number theirs.

    Arguments are compared as JSON where they are an object: some clients read them and write them anew.
    """
    try:
        return {"tool_call_id": call_id, "name": name, "arguments": load_object(arguments) if arguments.strip() else {}}
    except MalformedJson:
        return {"tool_call_id": call_id, "name": name, "text": arguments}


# -- and back into a request ----------------------------------------------------------------------------------------


def missing(chat: ChatRequest) -> list[Missing]:
    """Calls whose thinking the client did not send back, the latest first."""
    bare = [number for number, message in enumerate(chat.messages) if _is_bare(message)]
    if not bare:
        return []
    before = list(_hashes(chat))
    calls = [(number, call) for number in bare for call in _calls(chat, number)]
    excess = max(0, len(calls) - MOST_CALLS)
    first = -(-excess // _STEP) * _STEP
    wanted = [
        Missing(number, call_name(call.id, call.name, call.arguments), before[number]) for number, call in calls[first:]
    ]
    return wanted[::-1]


def put_back(chat: ChatRequest, found: Found, replay: Replay, model: str) -> ChatRequest:
    """`chat` with what was found and what `model` takes; the same object where that is nothing."""
    by_message: dict[int, list[Reasoning]] = {}
    for call, signed in reversed(found):
        if _fits(call, signed, replay, model):
            by_message.setdefault(call.message, []).extend(
                part for part in signed.parts if part.format in replay.formats
            )
    messages = list(chat.messages)
    changed = False
    for number in range(len(messages) - 1, -1, -1):
        message = messages[number]
        if not isinstance(message, Assistant):
            continue
        parts = by_message.get(number)
        if parts:
            messages[number] = replace(message, reasoning=_joined(tuple(parts), message.reasoning))
            changed = True
        elif replay.bound and not any(map(_is_sealed, message.reasoning)):
            break  # it may have thought: nothing that is older could go back without leaving a gap
    return replace(chat, messages=tuple(messages)) if changed else chat


def _fits(call: Missing, signed: Signed, replay: Replay, model: str) -> bool:
    return (replay.any_model or signed.model == model) and (not replay.bound or signed.before == call.before)


def _joined(parts: tuple[Reasoning, ...], own: tuple[Reasoning, ...]) -> tuple[Reasoning, ...]:
    """The client's own plain thinking stays, but for what the signed blocks say word for word."""
    said = "".join(part.text for part in parts)
    return (*parts, *(thought for thought in own if thought.text not in said))


def _is_bare(message: object) -> bool:
    return isinstance(message, Assistant) and bool(message.tool_calls) and not any(map(_is_sealed, message.reasoning))


def _is_sealed(thought: Reasoning) -> bool:
    return bool(thought.signature or thought.data)


def _calls(chat: ChatRequest, number: int) -> tuple[ToolCall, ...]:
    message = chat.messages[number]
    return message.tool_calls if isinstance(message, Assistant) else ()


def _hashes(chat: ChatRequest) -> Iterator[str]:
    """Of the tools and the messages before each message, and before the answer to all. A release that knows more of a
    message may hash it differently: what is bound to a conversation is then not put back."""
    so_far = hashlib.sha256(_bytes(chat.tools))
    for message in chat.messages:
        yield so_far.hexdigest()
        so_far.update(_bytes(message))
    yield so_far.hexdigest()


def _bytes(value: object) -> bytes:
    return repr(_told(value)).encode("utf-8", "backslashreplace")


# Whether thinking comes back is what this is about; where the prompt cache ends, clients mark anew with every turn.
_UNTOLD: Final = frozenset({"reasoning", "cache"})


def _told(value: object) -> object:
    """What the model is told by a message or a tool."""
    if isinstance(value, tuple):
        return tuple(map(_told, value))
    if not is_dataclass(value):
        return value
    members = (getattr(value, member.name) for member in fields(value) if member.name not in _UNTOLD)
    return (type(value).__name__, *map(_told, members))


# -- kept as bytes --------------------------------------------------------------------------------------------------


def encode_signed(signed: Signed) -> bytes:
    """`decode_signed` gives the same again."""
    parts = [[part.text, part.signature, part.data, part.format, part.id] for part in signed.parts]
    return json.dumps([VERSION, signed.model, signed.before, parts], separators=(",", ":")).encode()


def decode_signed(payload: bytes) -> Signed | None:
    """None for what another version wrote."""
    try:
        version, model, before, parts = json.loads(payload)
        if version != VERSION:
            return None
        return Signed(_text(model), _text(before), tuple(Reasoning(*map(_text, part)) for part in parts))
    except (ValueError, TypeError):
        return None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
