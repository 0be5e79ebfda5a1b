"""One canonical request in OpenAI's dialect for each capability, and what it means in no wire's words."""

from __future__ import annotations

import json
from typing import Any, Final

Json = dict[str, Any]

PNG: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF: Final = "JVBERi0xLjQKMSAwIG9iajw8L1R5cGUvQ2F0YWxvZz4+ZW5kb2JqCnRyYWlsZXI8PC9Sb290IDEgMCBSPj4KJSVFT0YK"
WAV: Final = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="

PARAMETERS: Final[Json] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
SCHEMA: Final[Json] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
    "additionalProperties": False,
}
EFFORT: Final = "medium"
LIFETIME: Final = "1h"
CACHE_KEY: Final = "travel-guide"
QUESTION: Final = "How is the weather in Rome and in Oslo?"
GUIDE: Final = "You are a travel guide."

TOOLS: Final[list[Json]] = [
    {"type": "function", "function": {"name": name, "description": f"Tells the {name}.", "parameters": PARAMETERS}}
    for name in ("weather", "time")
]


def user(*parts: Json) -> list[Json]:
    return [{"role": "user", "content": [{"type": "text", "text": QUESTION}, *parts]}]


def call(call_id: str, city: str) -> Json:
    function = {"name": "weather", "arguments": json.dumps({"city": city})}
    return {"id": call_id, "type": "function", "function": function}


def results(*call_ids: str) -> list[Json]:
    return [{"role": "tool", "tool_call_id": each, "content": f"result of {each}"} for each in call_ids]


PLAIN: Final[list[Json]] = [{"role": "user", "content": QUESTION}]
CALLED: Final[list[Json]] = [
    *PLAIN,
    {"role": "assistant", "content": None, "tool_calls": [call("call_rome", "Rome"), call("call_oslo", "Oslo")]},
    *results("call_rome", "call_oslo"),
]
MARKED: Final[list[Json]] = [
    {
        "role": "system",
        "content": [{"type": "text", "text": GUIDE, "cache_control": {"type": "ephemeral", "ttl": LIFETIME}}],
    },
    *PLAIN,
]

_FORMAT: Final = {"type": "json_schema", "json_schema": {"name": "weather", "schema": SCHEMA, "strict": True}}
_IMAGE: Final = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
_FILE: Final = {"filename": "map.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}

MEMBERS: Final[dict[str, Json]] = {
    "whole": {},
    "stream": {"stream": True},
    "tools": {"tools": TOOLS},
    "parallel_tools": {"tools": TOOLS, "messages": CALLED},
    "tool_choice": {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "time"}}},
    "json_schema": {"response_format": _FORMAT},
    "images": {"messages": user(_IMAGE)},
    "pdf": {"messages": user({"type": "file", "file": _FILE})},
    "audio_in": {"messages": user({"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}})},
    "reasoning_out": {"reasoning_effort": EFFORT},
    "prompt_cache": {"messages": MARKED},
    "usage": {"stream": True, "stream_options": {"include_usage": True}},
    "logprobs": {"logprobs": True},
    "n": {"n": 2},
}

# What each asks, whatever a provider's words for it are: see `tests.support.arriving`.
MEANT: Final[dict[str, object]] = {
    "whole": (QUESTION, False),
    "stream": (QUESTION, True),
    "tools": [("weather", "Tells the weather.", PARAMETERS), ("time", "Tells the time.", PARAMETERS)],
    "parallel_tools": (
        [("weather", {"city": "Rome"}), ("weather", {"city": "Oslo"})],
        ["result of call_rome", "result of call_oslo"],
    ),
    "tool_choice": "time",
    "json_schema": SCHEMA,
    "images": ("image/png", PNG),
    "pdf": ("application/pdf", PDF),
    "audio_in": ("wav", WAV),
    "reasoning_out": EFFORT,
    "prompt_cache": (GUIDE, LIFETIME),
    "usage": (QUESTION, True),
    "logprobs": True,
    "n": 2,
}

# The members of the request by which a capability is refused or dropped, as errors and headers name them.
NAMED: Final[dict[str, tuple[str, ...]]] = {
    "parallel_tools": ("messages",),
    "json_schema": ("response_format",),
    "images": ("messages",),
    "pdf": ("messages",),
    "audio_in": ("messages",),
    "reasoning_out": ("reasoning_effort",),
    "reasoning_back": ("messages",),
    "prompt_cache": ("messages[].content[].cache_control", "cache_control"),
    "logprobs": ("logprobs", "top_logprobs"),
}


def body(capability: str, model: str, **members: Any) -> bytes:
    """The client's bytes. `members` come on top."""
    asked = {"model": model, "max_tokens": 8000, "messages": PLAIN, **MEMBERS.get(capability, {}), **members}
    return json.dumps(asked).encode()
