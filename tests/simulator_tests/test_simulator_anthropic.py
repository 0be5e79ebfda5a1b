"""The official Anthropic SDK against the simulated Anthropic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic as sdk
import pytest

from tests.simulator import Say, Simulator, Status, StreamError, Tomorrow

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

SCRIPT: list[Any] = [{"role": "user", "content": "What is a proxy?"}]
BASE: dict[str, Any] = {"model": "claude-sonnet-4-6", "max_tokens": 4096, "messages": SCRIPT}
WEATHER: Any = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


async def test_whole_and_streamed_answers_are_the_same_message(anthropic: AsyncAnthropic) -> None:
    whole = await anthropic.messages.create(**BASE)
    async with anthropic.messages.stream(**BASE) as stream:
        streamed = await stream.get_final_message()
    assert [block.text for block in streamed.content if block.type == "text"] == [
        block.text for block in whole.content if block.type == "text"
    ]
    assert streamed.stop_reason == whole.stop_reason == "end_turn"
    assert streamed.usage.output_tokens == whole.usage.output_tokens
    assert streamed.id != whole.id


async def test_thinking_comes_first_and_goes_back_with_its_signature(anthropic: AsyncAnthropic) -> None:
    asked: list[Any] = [{"role": "user", "content": "Get weather in Oslo and Rome?"}]
    arguments: dict[str, Any] = BASE | {
        "messages": asked,
        "tools": [WEATHER],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    async with anthropic.messages.stream(**arguments) as stream:
        answer = await stream.get_final_message()
    assert [block.type for block in answer.content] == ["thinking", "tool_use", "tool_use"]
    assert answer.stop_reason == "tool_use"
    used = [block for block in answer.content if block.type == "tool_use"]
    assert [block.input for block in used] == [{"city": "Oslo"}, {"city": "Rome"}]

    results = [{"type": "tool_result", "tool_use_id": block.id, "content": "mild"} for block in used]
    asked += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]
    told = await anthropic.messages.create(**arguments)
    assert told.content[-1].type == "text"
    assert "mild" in told.content[-1].text

    asked[1] = {"role": "assistant", "content": answer.content[1:]}
    with pytest.raises(sdk.BadRequestError, match="Expected `thinking`"):
        await anthropic.messages.create(**arguments)


async def test_redacted_thinking_survives_the_way_back(anthropic: AsyncAnthropic) -> None:
    magic: Any = {"role": "user", "content": "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING_46C9"}
    arguments = BASE | {"thinking": {"type": "adaptive"}}
    answer = await anthropic.messages.create(**arguments | {"messages": [magic]})
    assert answer.content[0].type == "redacted_thinking"
    back: list[Any] = [magic, {"role": "assistant", "content": answer.content}, {"role": "user", "content": "Go on."}]
    await anthropic.messages.create(**arguments | {"messages": back})


async def test_a_tool_without_arguments_streams_one_empty_delta(
    simulator: Simulator, anthropic: AsyncAnthropic
) -> None:
    simulator.next(Say(text="So be it.", calls=(("now", {}),)))
    async with anthropic.messages.stream(**BASE) as stream:
        events = [event async for event in stream]
    partial = [
        e.delta.partial_json for e in events if e.type == "content_block_delta" and e.delta.type == "input_json_delta"
    ]
    assert partial == [""]
    assert (await stream.get_final_message()).content[1].model_dump()["input"] == {}


async def test_refusals_stops_and_limits_have_their_stop_reasons(anthropic: AsyncAnthropic) -> None:
    refused = await anthropic.messages.create(**BASE | {"messages": [{"role": "user", "content": "Please refuse."}]})
    assert (refused.stop_reason, refused.content) == ("refusal", [])
    repeat = [{"role": "user", "content": "Repeat: a b STOP c"}]
    stopped = await anthropic.messages.create(**BASE | {"messages": repeat, "stop_sequences": ["STOP"]})
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "STOP")
    short = await anthropic.messages.create(**BASE | {"max_tokens": 2})
    assert short.stop_reason == "max_tokens"


@pytest.mark.parametrize(
    ("status", "exception", "kind"),
    [
        (400, sdk.BadRequestError, "invalid_request_error"),
        (401, sdk.AuthenticationError, "authentication_error"),
        (403, sdk.PermissionDeniedError, "permission_error"),
        (404, sdk.NotFoundError, "not_found_error"),
        (413, sdk.RequestTooLargeError, "request_too_large"),
        (429, sdk.RateLimitError, "rate_limit_error"),
        (500, sdk.InternalServerError, "api_error"),
        (529, sdk.OverloadedError, "overloaded_error"),
    ],
)
async def test_each_status_raises_the_exception_the_sdk_has_for_it(
    simulator: Simulator, anthropic: AsyncAnthropic, status: int, exception: type[sdk.APIStatusError], kind: str
) -> None:
    simulator.next(Status(status), provider="anthropic")
    with pytest.raises(exception) as caught:
        await anthropic.messages.create(**BASE)
    assert caught.value.status_code == status
    assert caught.value.body == {
        "type": "error",
        "error": {"type": kind, "message": caught.value.body["error"]["message"]},  # type: ignore[index]
        "request_id": caught.value.request_id,
    }


async def test_an_error_within_a_stream_is_an_error_for_the_sdk(
    simulator: Simulator, anthropic: AsyncAnthropic
) -> None:
    simulator.next(StreamError(after=4, overloaded=True))
    with pytest.raises(sdk.APIStatusError, match="Overloaded"):
        async with anthropic.messages.stream(**BASE) as stream:
            await stream.until_done()


async def test_blocks_and_fields_of_tomorrow_do_not_trouble_the_sdk(
    simulator: Simulator, anthropic: AsyncAnthropic
) -> None:
    simulator.next(Tomorrow())
    answer = await anthropic.messages.create(**BASE)
    assert [block.type for block in answer.content] == ["text", "hologram"]
