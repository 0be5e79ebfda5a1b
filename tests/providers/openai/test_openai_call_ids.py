from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from providers import registry
from providers.base import Credential, Profile, Target
from providers.dialects import openai
from providers.openai.call_ids import short_ids
from providers.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

MODEL = "mistral-large-latest"
TARGET = Target("mistral", MODEL, Credential(Secret("key")), Profile("https://x.example"))


def turn(*ids: str) -> list[dict[str, Any]]:
    function = {"name": "weather", "arguments": "{}"}
    return [
        {"role": "assistant", "tool_calls": [{"id": name, "type": "function", "function": function} for name in ids]},
        *({"role": "tool", "tool_call_id": name, "content": "sunny"} for name in ids),
    ]


def sent(*messages: Any) -> Any:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}, *messages]}
    chat = openai.DIALECT.parse(json.dumps(body).encode())
    translated = registry.find("mistral").request(chat, TARGET)
    assert translated.dropped == ()
    return json.loads(translated.request.body)["messages"][1:]


def ids_of(messages: Sequence[Any]) -> tuple[list[str], list[str]]:
    calls = [call["id"] for message in messages for call in message.get("tool_calls", ())]
    return calls, [message["tool_call_id"] for message in messages if message["role"] == "tool"]


def test_another_providers_ids_become_mistrals_and_still_link_answers_to_calls() -> None:
    calls, answers = ids_of(sent(*turn("call_0fypS1hVXq", "toolu_01A09q90qw90lq917835lq9")))
    assert calls == answers
    assert len(set(calls)) == 2
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", name) for name in calls)


def test_mistrals_own_ids_stay() -> None:
    assert ids_of(sent(*turn("D681PevKs"))) == (["D681PevKs"], ["D681PevKs"])


@given(st.text(min_size=1))
def test_an_id_has_the_same_short_form_at_every_turn(name: str) -> None:
    first, second = (ids_of(sent(*turn(name), *more)) for more in ([], turn("other")))
    assert first[0][0] == second[0][0] == first[1][0]
    assert re.fullmatch("[a-zA-Z0-9]{9}", first[0][0])


def test_what_is_no_id_is_left_to_the_host() -> None:
    assert short_ids({"tool_call_id": 1, "tool_calls": ["x", {"id": None}, {}]}) == {}
    assert short_ids({"tool_calls": "x"}) == {}


def test_other_hosts_take_any_id() -> None:
    chat = openai.DIALECT.parse(json.dumps({"model": "m", "messages": turn("call_1")}).encode())
    body = json.loads(registry.find("groq").request(chat, TARGET).request.body)
    assert ids_of(body["messages"]) == (["call_1"], ["call_1"])
