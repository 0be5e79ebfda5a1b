"""What a provider is asked, read from the bytes that go to it: the meaning of each capability in each wire's words.

Every reader knows one wire from its maker's documentation and nothing of the code that wrote the bytes. What it gives
is compared with `tests.support.asking.MEANT`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from tests.support.asking import CACHE_KEY, EFFORT, GUIDE, LIFETIME

Body: TypeAlias = dict[str, Any]
Reader: TypeAlias = Callable[[Body], object]


def _last(body: Body) -> Body:
    """The last part of the last message, which is the medium."""
    message: Body = body["messages"][-1]
    part: Body = message["content"][-1]
    return part


def _data_url(url: str) -> tuple[str, str]:
    head, _, data = url.partition(";base64,")
    return head.removeprefix("data:"), data


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


# -- OpenAI's chat completions, and Cohere's, whose messages are alike ------------------------------------------------


def _functions(body: Body) -> object:
    tools = [tool["function"] for tool in body["tools"]]
    return [(tool["name"], tool["description"], tool["parameters"]) for tool in tools]


def _turn_of_calls(body: Body) -> object:
    asked, *answers = body["messages"][-3:]
    calls = [(call["id"], call["function"]) for call in asked["tool_calls"]]
    assert [call_id for call_id, _ in calls] == [answer["tool_call_id"] for answer in answers]
    named = [(function["name"], json.loads(function["arguments"])) for _, function in calls]
    return named, [_text(answer["content"]) for answer in answers]


def _cached_by_mark_or_key(body: Body) -> object:
    if body.get("prompt_cache_key") == CACHE_KEY:
        return GUIDE, LIFETIME
    (part,) = body["messages"][0]["content"]
    return part["text"], part["cache_control"]["ttl"]


def _signed_details(body: Body) -> object:
    said = next(message for message in body["messages"] if message["role"] == "assistant")
    details = said.get("reasoning_details")
    if isinstance(said["content"], list):  # Mistral's own parts
        return next(piece["text"] for part in said["content"] for piece in part.get("thinking", ()))
    return (
        [detail["signature"] for detail in details] if details else said.get("reasoning_content") or said["reasoning"]
    )


def _effort_or_switch(body: Body) -> object:
    """Where a host can only be told to think, it is told to, and how much is named as dropped."""
    switched = body.get("thinking") == {"type": "enabled"} or body.get("enable_thinking") is True
    return EFFORT if switched else body["reasoning_effort"]


_OPENAI: Final[dict[str, Reader]] = {
    "whole": lambda body: (_text(body["messages"][0]["content"]), body.get("stream", False)),
    "stream": lambda body: (_text(body["messages"][0]["content"]), body["stream"]),
    "tools": _functions,
    "parallel_tools": _turn_of_calls,
    "tool_choice": lambda body: body["tool_choice"]["function"]["name"],
    "json_schema": lambda body: body["response_format"]["json_schema"]["schema"],
    "images": lambda body: _data_url(_last(body)["image_url"]["url"]),
    "pdf": lambda body: _data_url(_last(body)["file"]["file_data"]),
    "audio_in": lambda body: (_last(body)["input_audio"]["format"], _last(body)["input_audio"]["data"]),
    "reasoning_out": _effort_or_switch,
    "reasoning_back": _signed_details,
    "prompt_cache": _cached_by_mark_or_key,
    "usage": lambda body: (_text(body["messages"][0]["content"]), body["stream"]),
    "logprobs": lambda body: body["logprobs"],
    "n": lambda body: body["n"],
}


def _the_only_one(body: Body) -> object:
    assert body["tool_choice"] == "REQUIRED"
    (tool,) = body["tools"]
    return tool["function"]["name"]


def _budget(body: Body) -> object:
    """Half of `max_tokens` is what a medium effort may think."""
    return EFFORT if body["thinking"] == {"type": "enabled", "token_budget": body["max_tokens"] // 2} else None


_COHERE: Final[dict[str, Reader]] = {
    **{name: _OPENAI[name] for name in ("whole", "stream", "tools", "parallel_tools", "images", "usage", "logprobs")},
    "tool_choice": _the_only_one,
    "json_schema": lambda body: body["response_format"]["json_schema"],
    "reasoning_out": _budget,
    "reasoning_back": lambda body: body["messages"][1]["content"][0]["thinking"],
}


# -- OpenAI's Responses -----------------------------------------------------------------------------------------------


def _said(body: Body) -> str:
    return _text(body["input"][0]["content"])


def _item_part(body: Body, kind: str) -> Body:
    part: Body = body["input"][-1]["content"][-1]
    assert part["type"] == kind
    return part


def _items(body: Body, kind: str) -> list[Body]:
    return [item for item in body["input"] if item.get("type") == kind]


def _items_of_calls(body: Body) -> object:
    calls, results = _items(body, "function_call"), _items(body, "function_call_output")
    assert [call["call_id"] for call in calls] == [result["call_id"] for result in results]
    return [(call["name"], json.loads(call["arguments"])) for call in calls], [result["output"] for result in results]


def _thought_before_all_else(body: Body) -> object:
    """Directly behind the question, and before the text and the calls that it led to."""
    thought, *rest = body["input"][1:]
    assert thought["type"] == "reasoning"
    assert [item.get("type") for item in rest][:3] == [None, "function_call", "function_call"]
    return [thought["encrypted_content"]] if "encrypted_content" in thought else thought["content"][0]["text"]


def _effort_alone(body: Body) -> object:
    """A summary beside it would be refused to an organisation that is not verified: who wants one asks for it."""
    return body["reasoning"].get("summary") is None and body["reasoning"]["effort"]


def _schema(body: Body) -> object:
    form = body["text"]["format"]
    return form["schema"] if (form["type"], form["strict"]) == ("json_schema", True) else None


_RESPONSES: Final[dict[str, Reader]] = {
    "whole": lambda body: (_said(body), body["stream"]),
    "stream": lambda body: (_said(body), body["stream"]),
    "tools": lambda body: [(tool["name"], tool["description"], tool["parameters"]) for tool in body["tools"]],
    "parallel_tools": _items_of_calls,
    "tool_choice": lambda body: body["tool_choice"]["name"] if body["tool_choice"]["type"] == "function" else None,
    "json_schema": _schema,
    "images": lambda body: _data_url(_item_part(body, "input_image")["image_url"]),
    "pdf": lambda body: _data_url(_item_part(body, "input_file")["file_data"]),
    "reasoning_out": _effort_alone,
    "reasoning_back": _thought_before_all_else,
    "prompt_cache": lambda body: (GUIDE, LIFETIME) if body["prompt_cache_key"] == CACHE_KEY else None,
    "usage": lambda body: (_said(body), body["stream"]),
    "logprobs": lambda body: "message.output_text.logprobs" in body["include"],
}


# -- Anthropic's Messages ---------------------------------------------------------------------------------------------


def _blocks(body: Body, kind: str) -> Iterator[Body]:
    for message in body["messages"]:
        yield from (block for block in message["content"] if block["type"] == kind)


def _anthropic_calls(body: Body) -> object:
    calls, results = list(_blocks(body, "tool_use")), body["messages"][-1]["content"]
    assert [call["id"] for call in calls] == [result["tool_use_id"] for result in results]
    return [(call["name"], call["input"]) for call in calls], [_text(result["content"]) for result in results]


def _source(block: Body) -> object:
    assert block["source"]["type"] == "base64"
    return block["source"]["media_type"], block["source"]["data"]


def _first_thoughts(body: Body) -> object:
    """Before all else: Anthropic refuses them anywhere else."""
    first, *rest = body["messages"][1]["content"]
    assert first["type"] == "thinking"
    assert {block["type"] for block in rest} == {"text", "tool_use"}
    return [first["signature"]]


_ANTHROPIC: Final[dict[str, Reader]] = {
    "whole": lambda body: (_text(body["messages"][0]["content"]), body.get("stream", False)),
    "stream": lambda body: (_text(body["messages"][0]["content"]), body["stream"]),
    "tools": lambda body: [(tool["name"], tool["description"], tool["input_schema"]) for tool in body["tools"]],
    "parallel_tools": _anthropic_calls,
    "tool_choice": lambda body: body["tool_choice"]["name"] if body["tool_choice"]["type"] == "tool" else None,
    "json_schema": lambda body: body["output_config"]["format"]["schema"],
    "images": lambda body: _source(_last(body)) if _last(body)["type"] == "image" else None,
    "pdf": lambda body: _source(_last(body)) if _last(body)["type"] == "document" else None,
    "reasoning_out": lambda body: body["thinking"]["type"] == "adaptive" and body["output_config"]["effort"],
    "reasoning_back": _first_thoughts,
    "prompt_cache": lambda body: (body["system"][0]["text"], body["system"][0]["cache_control"]["ttl"]),
    "usage": lambda body: (_text(body["messages"][0]["content"]), body["stream"]),
}


# -- Google's generateContent -----------------------------------------------------------------------------------------


def _declared(body: Body) -> object:
    declared = body["tools"][0]["functionDeclarations"]
    return [(each["name"], each["description"], each["parametersJsonSchema"]) for each in declared]


def _google_calls(body: Body) -> object:
    _, asked, answered = body["contents"]
    calls = [part["functionCall"] for part in asked["parts"]]
    answers = [part["functionResponse"] for part in answered["parts"]]
    assert [call["name"] for call in calls] == [answer["name"] for answer in answers]
    assert [call.get("id") for call in calls] == [answer.get("id") for answer in answers]
    return [(call["name"], call["args"]) for call in calls], [answer["response"]["output"] for answer in answers]


def _inline(body: Body) -> tuple[str, str]:
    data = body["contents"][-1]["parts"][-1]["inlineData"]
    return data["mimeType"], data["data"]


def _forced(body: Body) -> object:
    config = body["toolConfig"]["functionCallingConfig"]
    (name,) = config["allowedFunctionNames"]
    return name if config["mode"] == "ANY" else None


def _signed_calls(body: Body) -> object:
    """On the very parts that bore them."""
    parts = body["contents"][1]["parts"]
    assert all("functionCall" in part for part in parts if "thoughtSignature" in part)
    return [part["thoughtSignature"] for part in parts if "thoughtSignature" in part]


def _level(body: Body) -> object:
    config = body["generationConfig"]["thinkingConfig"]
    return config["includeThoughts"] and config["thinkingLevel"].lower()


_GOOGLE: Final[dict[str, Reader]] = {
    "whole": lambda body: (_text(body["contents"][0]["parts"]), False),  # whether it is streamed, the URL says
    "stream": lambda body: (_text(body["contents"][0]["parts"]), True),
    "tools": _declared,
    "parallel_tools": _google_calls,
    "tool_choice": _forced,
    "json_schema": lambda body: body["generationConfig"]["responseJsonSchema"],
    "images": _inline,
    "pdf": _inline,
    "audio_in": lambda body: (_inline(body)[0].removeprefix("audio/"), _inline(body)[1]),
    "reasoning_out": _level,
    "reasoning_back": _signed_calls,
    "usage": lambda body: (_text(body["contents"][0]["parts"]), True),
    "logprobs": lambda body: body["generationConfig"]["responseLogprobs"],
    "n": lambda body: body["generationConfig"]["candidateCount"],
}


# -- Bedrock's Converse -----------------------------------------------------------------------------------------------


def _specs(body: Body) -> object:
    specs = [tool["toolSpec"] for tool in body["toolConfig"]["tools"]]
    return [(spec["name"], spec["description"], spec["inputSchema"]["json"]) for spec in specs]


def _converse_calls(body: Body) -> object:
    _, asked, answered = body["messages"]
    calls = [block["toolUse"] for block in asked["content"]]
    results = [block["toolResult"] for block in answered["content"]]
    assert [call["toolUseId"] for call in calls] == [result["toolUseId"] for result in results]
    return [(call["name"], call["input"]) for call in calls], [_text(result["content"]) for result in results]


def _converse_document(body: Body) -> object:
    document = _last(body)["document"]
    assert document["name"]
    return f"application/{document['format']}", document["source"]["bytes"]


def _first_reasoning(body: Body) -> object:
    first, *rest = body["messages"][1]["content"]
    assert all("reasoningContent" not in block for block in rest)
    return [first["reasoningContent"]["reasoningText"]["signature"]]


def _point_behind(body: Body) -> object:
    text, point = body["system"]
    return text["text"], point["cachePoint"]["ttl"]


_BEDROCK: Final[dict[str, Reader]] = {
    "whole": lambda body: (_text(body["messages"][0]["content"]), False),  # as with Google
    "stream": lambda body: (_text(body["messages"][0]["content"]), True),
    "tools": _specs,
    "parallel_tools": _converse_calls,
    "tool_choice": lambda body: body["toolConfig"]["toolChoice"]["tool"]["name"],
    "json_schema": lambda body: json.loads(body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"]),
    "images": lambda body: (f"image/{_last(body)['image']['format']}", _last(body)["image"]["source"]["bytes"]),
    "pdf": _converse_document,
    "audio_in": lambda body: (_last(body)["audio"]["format"], _last(body)["audio"]["source"]["bytes"]),
    "reasoning_out": lambda body: (
        body["additionalModelRequestFields"]["thinking"]["type"] == "adaptive" and body["outputConfig"]["effort"]
    ),
    "reasoning_back": _first_reasoning,
    "prompt_cache": _point_behind,
    "usage": lambda body: (_text(body["messages"][0]["content"]), True),
}

ARRIVED: Final[dict[str, dict[str, Reader]]] = {
    "openai": _OPENAI,
    "responses": _RESPONSES,
    "anthropic": _ANTHROPIC,
    "google": _GOOGLE,
    "bedrock": _BEDROCK,
    "cohere": _COHERE,
}

# How a wire asks for a stream where its body does not say it.
STREAMED_AT: Final = {"google": ":streamGenerateContent?alt=sse", "bedrock": "/converse-stream"}
