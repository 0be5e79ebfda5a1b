"""`generationConfig`: sampling, limits, the form of the answer, and thinking."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from providers.chat import JsonSchema, NativeFormat
from providers.errors import InvalidRequest, Unsupported
from providers.google.reasoning import thinking_config
from providers.google.schema import to_schema

if TYPE_CHECKING:
    from providers.chat import ChatRequest
    from providers.dropped import Dropped
    from providers.google.profile import Model
    from providers.jsonwalk import Json, JsonObject

_MODALITIES = frozenset({"text", "image", "audio"})


def generation_config(chat: ChatRequest, native: JsonObject, model: Model, dropped: Dropped) -> JsonObject:
    """`native`: what the client says in Google's own words, which holds before what follows from OpenAI's.

    No value is bent to a range: Google judges each, and 0 and an empty list are sent as what they are.
    """
    members: JsonObject = {
        "temperature": chat.temperature,
        "topP": chat.top_p,
        "topK": chat.top_k,
        "seed": chat.seed,
        "stopSequences": None if chat.stop is None else [*chat.stop],
        "candidateCount": chat.n,
        "presencePenalty": chat.presence_penalty,
        "frequencyPenalty": chat.frequency_penalty,
        "maxOutputTokens": chat.max_tokens,
        "responseModalities": _modalities(chat.extra.get("modalities")),
        **_logprobs(chat, dropped),
        **_format(chat, dropped),
        "thinkingConfig": thinking_config(chat, native.get("thinkingConfig"), model, dropped),
        **native,
    }
    return {name: value for name, value in members.items() if value is not None}


def _logprobs(chat: ChatRequest, dropped: Dropped) -> JsonObject:
    if not chat.logprobs:
        if chat.top_logprobs is not None:
            dropped.add("top_logprobs")
        return {}
    return {"responseLogprobs": True, "logprobs": chat.top_logprobs}


def _modalities(wanted: Json) -> Json:
    if wanted is None:
        return None
    if not isinstance(wanted, list) or not all(isinstance(kind, str) for kind in wanted):
        raise InvalidRequest("modalities must be a list of names.", param="modalities")
    names = [str(kind).lower() for kind in wanted]
    if not _MODALITIES.issuperset(names):
        raise Unsupported("Google answers in text, image and audio.", param="modalities")
    return [name.upper() for name in names]


def _format(chat: ChatRequest, dropped: Dropped) -> JsonObject:
    wanted = chat.response_format
    match wanted:
        case None:
            return {}
        case "text":
            return {"responseMimeType": "text/plain"}
        case "json_object":
            return {"responseMimeType": "application/json"}
        case NativeFormat(kind):
            raise Unsupported(f"Google has no response_format of type {kind!r}.", param="response_format")
        case JsonSchema(schema=schema):
            return {
                "responseMimeType": "application/json",
                "responseJsonSchema": to_schema(schema, "response_format.json_schema.schema", dropped),
            }
        case _:  # pragma: no cover
            assert_never(wanted)
