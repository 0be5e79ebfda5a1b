"""Messages, roles and content of a request to Anthropic."""

from collections.abc import Callable
from typing import Any

import pytest

from providers.chat import (
    Assistant,
    Image,
    Refusal,
    System,
    Text,
    ToolCall,
    ToolResult,
    UnknownPart,
    Url,
    User,
)
from providers.errors import InvalidRequest, Unsupported

Ask = Callable[..., Any]
CACHE: dict[str, Any] = {"type": "ephemeral", "ttl": "1h"}


def user(*texts: str) -> User:
    return User(tuple(Text(text) for text in texts))


def system(*texts: str) -> System:
    return System(tuple(Text(text) for text in texts))


def said(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


# -- system ---------------------------------------------------------------------------------------------------------


def test_pitfall_24_all_leading_system_messages_become_blocks_in_order_with_their_cache_control(ask: Ask) -> None:
    leading = System((Text("be kind", CACHE), Text("be brief")))
    body = ask(leading, system("be right"), user("hi")).body
    assert body["system"] == [{**said("be kind"), "cache_control": CACHE}, said("be brief"), said("be right")]
    assert body["messages"] == [{"role": "user", "content": [said("hi")]}]


def test_pitfall_24_a_later_system_message_keeps_its_place_as_marked_text(ask: Ask) -> None:
    messages = user("hi"), Assistant((Text("hello"),)), system("be brief"), user("why?")
    assert ask(*messages).body["messages"] == [
        {"role": "user", "content": [said("hi")]},
        {"role": "assistant", "content": [said("hello")]},
        {"role": "user", "content": [said("<system>\nbe brief\n</system>"), said("why?")]},
    ]


def test_pitfall_24_a_later_system_message_keeps_its_role_where_the_model_and_the_place_allow_it(ask: Ask) -> None:
    messages = user("hi"), System((Text("be brief", CACHE),)), system("be right"), Assistant((Text("hello"),))
    roles = [
        (message["role"], message["content"]) for message in ask(*messages, model="claude-opus-4-8").body["messages"]
    ]
    assert roles == [
        ("user", [said("hi")]),
        ("system", [{**said("be brief"), "cache_control": CACHE}, said("be right")]),
        ("assistant", [said("hello")]),
    ]


def test_pitfall_24_a_system_message_may_end_the_conversation_after_a_tool_result(ask: Ask) -> None:
    call = Assistant(tool_calls=(ToolCall("c1", "f", "{}"),))
    messages = user("hi"), call, ToolResult("c1", (Text("4"),)), system("now stop")
    assert [turn["role"] for turn in ask(*messages, model="claude-opus-5-5").body["messages"]] == [
        "user",
        "assistant",
        "user",
        "system",
    ]


@pytest.mark.parametrize(
    "messages",
    [
        (user("hi"), Assistant((Text("a"),)), system("s")),
        (user("hi"), system("s"), user("more")),
        (user("hi"), Assistant((Text("a"),)), system("s"), user("b"), Assistant((Text("c"),))),
    ],
    ids=["behind an answer", "before a user", "between answer and user"],
)
def test_pitfall_24_a_system_message_where_the_role_may_not_stand_is_marked_text(ask: Ask, messages: Any) -> None:
    turns = ask(*messages, model="claude-opus-4-8").body["messages"]
    assert "system" not in {turn["role"] for turn in turns}
    assert said("<system>\ns\n</system>") in [block for turn in turns for block in turn["content"]]


def test_an_empty_answer_between_does_not_count_as_a_place_for_the_system(ask: Ask) -> None:
    turns = ask(user("hi"), system("s"), Assistant(), user("b"), model="claude-opus-4-8").body["messages"]
    assert [turn["role"] for turn in turns] == ["user"]


def test_a_system_message_may_only_write_text(ask: Ask) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(System((Text("a"), Image(Url("https://x/y.png")))), user("hi"))
    assert refused.value.param == "messages[0].content[1]"


@pytest.mark.parametrize("messages", [(system("only me"),), (user(""),), (user(" \n"), Assistant())])
def test_a_conversation_with_nothing_to_answer_is_a_clear_400(ask: Ask, messages: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(*messages)
    assert (refused.value.status, refused.value.param) == (400, "messages")


# -- turns ----------------------------------------------------------------------------------------------------------


def test_neighbours_of_one_role_are_one_turn(ask: Ask) -> None:
    messages = user("a"), user("b"), Assistant((Text("c"),)), Assistant((Text("d"),)), user("e")
    assert ask(*messages).body["messages"] == [
        {"role": "user", "content": [said("a"), said("b")]},
        {"role": "assistant", "content": [said("c"), said("d")]},
        {"role": "user", "content": [said("e")]},
    ]


def test_pitfall_03_results_of_parallel_calls_come_in_one_user_turn_in_order(ask: Ask) -> None:
    calls = ToolCall("c1", "f", '{"x":1}'), ToolCall("c2", "g", "{}")
    messages = (
        user("go"),
        Assistant((Text("let me see"),), tool_calls=calls),
        ToolResult("c1", (Text("one"),)),
        ToolResult("c2", (Text("two"),)),
        user("and?"),
    )
    assert ask(*messages).body["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                said("let me see"),
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "c2", "name": "g", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": [said("one")]},
                {"type": "tool_result", "tool_use_id": "c2", "content": [said("two")]},
                said("and?"),
            ],
        },
    ]


@pytest.mark.parametrize("empty", ["", " ", "\n\t"])
def test_pitfall_04_text_of_white_space_yields_no_block(ask: Ask, empty: str) -> None:
    messages = (
        System((Text(empty), Text("s"))),
        user(empty, "hi"),
        Assistant((Text(empty),), tool_calls=(ToolCall("c1", "f", ""),)),
        ToolResult("c1", (Text(empty),)),
    )
    body = ask(*messages).body
    assert body["system"] == [said("s")]
    assert [turn["content"] for turn in body["messages"]] == [
        [said("hi")],
        [{"type": "tool_use", "id": "c1", "name": "f", "input": {}}],
        [{"type": "tool_result", "tool_use_id": "c1"}],
    ]


def test_pitfall_04_a_cache_mark_on_text_that_is_left_out_is_named(ask: Ask) -> None:
    assert ask(User((Text(" ", CACHE), Text("hi")))).dropped == ("messages[].content[].cache_control",)


def test_names_of_participants_are_dropped_and_named_once(ask: Ask) -> None:
    named = System((Text("s"),), "boss"), User((Text("a"),), "ann"), Assistant((Text("b"),), name="bot")
    assert ask(*named).dropped == ("messages[].name",)


def test_an_earlier_refusal_is_text_of_the_assistant(ask: Ask) -> None:
    assert ask(user("hi"), Assistant((Refusal("no"),)), user("please")).body["messages"][1]["content"] == [said("no")]


def test_an_assistant_may_only_have_written_text(ask: Ask) -> None:
    with pytest.raises(Unsupported, match="only text"):
        ask(user("hi"), Assistant((Image(Url("https://x/y.png")),)))


def test_members_of_messages_without_a_word_are_named(ask: Ask) -> None:
    assert ask(unread=("messages[].annotations",)).dropped == ("messages[].annotations",)


def test_what_only_another_provider_knows_is_refused_where_it_stood(ask: Ask) -> None:
    said = Assistant((UnknownPart("audio", "messages[1].audio"),))
    with pytest.raises(Unsupported) as refused:
        ask(User((Text("Hi"),)), said)
    assert refused.value.param == "messages[1].audio"
