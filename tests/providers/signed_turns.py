"""Conversations with tool calls, and the signed thinking that belongs into them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from providers.chat import Assistant, ChatRequest, Message, Reasoning, Source, System, Text, ToolCall, ToolResult, User
from providers.events import Event, Finished, ReasoningDelta, ToolCallDelta, ToolCallStarted
from providers.signatures import Missing, Replay, Signed, missing
from tests.providers.completions import words

OURS = "anthropic-claude-v1"
MODEL = "claude"
THOUGHT = Reasoning("Rain needs a forecast.", "c2lnbmVk", "", OURS, "r1")
REDACTED = Reasoning("", "", "aGlkZGVu", OURS)
FREE = Replay(frozenset({OURS}))
BOUND = Replay(frozenset({OURS}), bound=True)


def make_chat(*messages: Message, **members: Any) -> ChatRequest:
    return ChatRequest(MODEL, messages, Source("openai-chat", b"{}"), **members)


def make_call(number: int = 1, arguments: str = '{"city":"Bari"}') -> ToolCall:
    return ToolCall(f"call_{number}", "weather", arguments)


def turn(number: int = 1, *reasoning: Reasoning) -> tuple[Message, Message]:
    calling = Assistant(reasoning=reasoning, tool_calls=(make_call(number),))
    return calling, ToolResult(f"call_{number}", (Text("mild"),))


ASKED = User((Text("Rain?"),))
NEXT_TURN = make_chat(ASKED, *turn())


def answer(*events: Event) -> list[Event]:
    return [*events, Finished("tool_calls")]


def thinking(part: int, thought: Reasoning = THOUGHT, choice: int = 0) -> ReasoningDelta:
    return ReasoningDelta(part, thought.text, thought.signature, thought.data, thought.format, thought.id, choice)


def calling(part: int, number: int = 1, choice: int = 0) -> tuple[ToolCallStarted, ToolCallDelta, ToolCallDelta]:
    return (
        ToolCallStarted(part, f"call_{number}", "weather", choice=choice),
        ToolCallDelta(part, '{"city":', choice),
        ToolCallDelta(part, '"Bari"}', choice),
    )


def found_for(chat: ChatRequest, *parts: Reasoning, model: str = MODEL) -> list[tuple[Missing, Signed]]:
    """As if each call without thinking had left `parts`."""
    return [(call, Signed(model, call.before, parts or (THOUGHT,))) for call in missing(chat)]


def reasoning_of(chat: ChatRequest) -> list[tuple[Reasoning, ...]]:
    return [message.reasoning for message in chat.messages if isinstance(message, Assistant)]


contents = st.lists(st.builds(Text, words), max_size=2).map(tuple)
reasonings = st.builds(Reasoning, words, words, words, st.sampled_from(["", OURS, "google-gemini-v1"]), words)
signeds = st.lists(reasonings.filter(lambda part: bool(part.signature or part.data)), min_size=1, max_size=3).map(tuple)
calls = st.lists(st.builds(ToolCall, words, words, words), max_size=3).map(tuple)
assistants = st.builds(Assistant, contents, st.lists(reasonings, max_size=2).map(tuple), calls)
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(System, contents), st.builds(User, contents), assistants, st.builds(ToolResult, words, contents)
)
chats = st.lists(messages, max_size=8).map(lambda some: make_chat(*some))
replays = st.builds(
    Replay, st.frozensets(st.sampled_from([OURS, "google-gemini-v1", "openai-v1"])), st.booleans(), st.booleans()
)


@st.composite
def finds(draw: st.DrawFn, chat: ChatRequest) -> list[tuple[Missing, Signed]]:
    """What of the missing a store may have: each or not, of this model or another, of this conversation or another."""
    found = []
    for call in missing(chat):
        if draw(st.booleans()):
            before = draw(st.sampled_from([call.before, "another conversation"]))
            found.append((call, Signed(draw(st.sampled_from([MODEL, "another"])), before, draw(signeds))))
    return found
