"""What a case asks, in OpenAI's dialect and without a model: the same intent for every provider."""

from __future__ import annotations

from typing import Any, Final

_WEATHER: Final = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
_TWO_CITIES: Final = [{"role": "user", "content": "What is the weather in Tunis and in Genoa? Ask for both at once."}]
_GREETING: Final = [
    {"role": "system", "content": "Answer in one short sentence."},
    {"role": "user", "content": "Say good morning in Maltese, with one emoji."},
]
_SCHEMA: Final = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "legs": {"type": "integer"}},
    "required": ["name", "legs"],
    "additionalProperties": False,
}
_STREAM: Final = {"stream": True, "stream_options": {"include_usage": True}}

_WHOLE: Final[dict[str, dict[str, Any]]] = {
    "text": {"messages": _GREETING},
    "tools": {"messages": _TWO_CITIES, "tools": [_WEATHER]},
    "json-schema": {
        "messages": [{"role": "user", "content": "Describe a cat."}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "animal", "schema": _SCHEMA}},
    },
    "reasoning": {
        "messages": [{"role": "user", "content": "How many primes are there between 40 and 60?"}],
        "reasoning_effort": "low",
    },
    "cut": {"messages": _GREETING, "max_completion_tokens": 16},
}

# Each whole and streamed; `error` asks for a model that no provider has.
ASKS: Final[dict[str, dict[str, Any]]] = {
    **_WHOLE,
    **{f"{case}-stream": {**asked, **_STREAM} for case, asked in _WHOLE.items()},
    "error": {"messages": _GREETING, "model": "no-such-model"},
}
