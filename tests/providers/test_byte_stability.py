"""A conversation that goes on begins with the bytes that it had: a provider's prompt cache goes by nothing else."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.base import Credential, Profile, Target
from providers.dialects.openai import DIALECT
from providers.errors import CallerError
from providers.secret import Secret
from tests.providers.wires import bearer, speaker, wires

# Models whose requests differ; a provider that is not here has one.
_MODELS: Final = {
    "anthropic": ("claude-haiku-4-5", "claude-opus-4-8", "claude-opus-5-5"),
    "bedrock": (
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "amazon.nova-pro-v1:0",
        "meta.llama3-3-70b-instruct-v1:0",
    ),
    "google": ("gemini-2.5-flash", "gemini-3-pro-preview"),
    "vertex": ("gemini-3-pro-preview", "claude-opus-4-8"),
    "cohere": ("command-a-03-2025", "command-a-reasoning-08-2025"),
}


def sent(name: str, model: str, asked: dict[str, Any]) -> bytes:
    target = Target(bearer(name), model, Credential(Secret("k")), Profile("https://provider.example"))
    return speaker(name).request(DIALECT.parse(json.dumps(asked).encode()), target).request.body


def _chats(name: str) -> bool:
    try:
        sent(name, "m-1", {"model": "m-1", "messages": [{"role": "user", "content": "hi"}]})
    except CallerError:
        return False
    return True


ways = [
    pytest.param(name, model, id=f"{name}-{model}")
    for name in wires()
    if _chats(name)
    for model in _MODELS.get(name, ("m-1",))
]

# -- conversations in OpenAI's dialect ------------------------------------------------------------------------------

words = st.sampled_from(["a", "Bonjour \N{SNOWMAN}", 'quo"ted\\', "line\nline", "{}", "\u2028", "0"])
text_part = st.fixed_dictionaries(
    {"type": st.just("text"), "text": words}, optional={"cache_control": st.just({"type": "ephemeral"})}
)
image = st.just({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}})
thoughts = st.sampled_from(
    [
        {"type": "reasoning.text", "text": "hm", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "c2ln", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "c2ln", "format": "google-gemini-v1", "id": "call_0", "index": 0},
        {"type": "reasoning.encrypted", "data": "c2ln", "format": "openai-responses-v1", "id": "rs_1", "index": 0},
        {"type": "reasoning.text", "text": "hm", "format": "unknown", "index": 0},
    ]
)
arguments = st.sampled_from(["", "{}", '{"b":1,"a":[2.50]}', '{ "b" : "\\u00e9", "a" : {} }'])


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = [{"role": "system", "content": draw(words)}] * draw(st.integers(0, 2))
    for _ in range(draw(st.integers(1, 4))):
        content = draw(words | st.lists(text_part | image, min_size=1, max_size=3))
        said += [{"role": "user", "content": content}] * draw(st.integers(1, 2))
        if draw(st.booleans()):
            said.append({"role": draw(st.sampled_from(["system", "developer"])), "content": draw(words)})
        for _ in range(draw(st.integers(0, 2))):
            said += draw(answered_calls(len(said)))
        said.append({"role": "assistant", "content": draw(words), **draw(reasoned)})
    return said


reasoned = st.fixed_dictionaries(
    {},
    optional={"reasoning_details": st.lists(thoughts, min_size=1, max_size=2), "reasoning_content": st.just("hm")},
)


@st.composite
def answered_calls(draw: st.DrawFn, place: int) -> list[dict[str, Any]]:
    ids = [f"call_{place}_{number}" for number in range(draw(st.integers(1, 3)))]
    calls = [{"id": call, "type": "function", "function": {"name": "f", "arguments": draw(arguments)}} for call in ids]
    results = [{"role": "tool", "tool_call_id": call, "content": draw(words)} for call in draw(st.permutations(ids))]
    content = draw(st.none() | words)
    return [{"role": "assistant", "content": content, "tool_calls": calls, **draw(reasoned)}, *results]


# -- what is sent of them -------------------------------------------------------------------------------------------


def taken_apart(body: bytes) -> tuple[dict[str, Any], str]:
    """All members but the turns, and the turns as they are written."""
    text = body.decode()
    members = json.loads(text)
    (name,) = {"messages", "contents", "input"} & members.keys()
    start = text.index(f'"{name}":') + len(name) + 3
    start += len(text[start:]) - len(text[start:].lstrip())
    _, end = json.JSONDecoder().raw_decode(text, start)
    del members[name]
    return members, text[start:end]


@pytest.mark.parametrize(("name", "model"), ways)
def test_the_old_turns_are_the_same_bytes_however_long_the_conversation_gets(name: str, model: str) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"b": {}}}}}
    compared = 0

    @settings(max_examples=25, derandomize=True, database=None, deadline=None)
    @given(conversations(), st.booleans())
    def prop(conversation: list[dict[str, Any]], streamed: bool) -> None:
        nonlocal compared
        asked = {"model": model, "tools": [tool], "stream": streamed}
        answers = [place for place, said in enumerate(conversation) if said["role"] == "assistant"]
        try:
            turns = [
                taken_apart(sent(name, model, {**asked, "messages": conversation[:end]}))
                for end in (*answers, len(conversation))
            ]
        except CallerError:
            return  # a conversation that this provider cannot be told, from its first turn or from a later one
        *before, (members, whole) = turns
        for members_before, begun in before:
            assert members_before == members
            assert whole.startswith(begun.removesuffix("]").rstrip())
            compared += 1

    prop()
    assert compared >= 10
