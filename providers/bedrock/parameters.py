"""All that stands beside the conversation and its tools.

Nothing is clamped: a value that Converse refuses is refused here, with the client's own name for it. Converse's own
members, which a client adds on purpose (`extra_body`), are passed on. Those whose loss would change what is answered
are refused. The rest are knobs without an equal: dropped, and named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.bedrock.tools import text_format
from providers.errors import InvalidRequest, Unsupported

if TYPE_CHECKING:
    from providers.bedrock.draft import Draft
    from providers.bedrock.reasoning import Reasoning
    from providers.chat import ChatRequest
    from providers.jsonwalk import Json, JsonObject

_CONVERSE = (
    "additionalModelResponseFieldPaths",
    "guardrailConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "serviceTier",
)
# OpenAI's words for the tiers that Bedrock calls the same. `auto` is what leaving it out means.
_TIERS = frozenset({"default", "flex", "priority"})

_REFUSED = {
    "audio": "Bedrock's Converse answers without audio.",
    "output_format": "Send output_format as response_format.",
    "web_search_options": "Bedrock has no web search of OpenAI's kind.",
    "system": "Send system as a message of role 'system'.",
}

# Read elsewhere: `providers.bedrock.reasoning`, and below.
_READ = frozenset({"thinking", "betas", "modalities", "additionalModelRequestFields", "outputConfig"})


def check_common(chat: ChatRequest, draft: Draft) -> None:
    """The typed parameters that Converse has no equal of, and what is not read of messages."""
    for unread in chat.unread:
        draft.drop(unread)
    if chat.n not in {None, 1}:
        raise Unsupported("Bedrock gives one answer a request.", param="n")
    if chat.logprobs:
        raise Unsupported("Bedrock gives no log probabilities.", param="logprobs")
    if chat.top_logprobs:
        raise Unsupported("Bedrock gives no log probabilities.", param="top_logprobs")
    for name in ("seed", "frequency_penalty", "presence_penalty", "metadata", "user"):
        if getattr(chat, name) is not None:
            draft.drop(name)


def inference_config(chat: ChatRequest, thought: Reasoning) -> JsonObject | None:
    """Bounds as in https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InferenceConfiguration.html"""
    if chat.max_tokens is not None and chat.max_tokens < 1:
        raise Unsupported("Bedrock's least max_tokens is 1.", param="max_tokens")
    if chat.temperature is not None and not 0 <= chat.temperature <= 1:
        raise Unsupported("Bedrock's temperature goes from 0 to 1.", param="temperature")
    if chat.top_p is not None and not 0 <= chat.top_p <= 1:
        raise Unsupported("Bedrock's top_p goes from 0 to 1.", param="top_p")
    if chat.stop is not None and not all(chat.stop):
        raise Unsupported("Bedrock takes no empty stop sequence.", param="stop")
    config: JsonObject = {
        "maxTokens": thought.max_tokens if chat.max_tokens is None else chat.max_tokens,
        "temperature": chat.temperature,
        "topP": chat.top_p,
        "stopSequences": None if chat.stop is None else [*chat.stop],
    }
    return {name: value for name, value in config.items() if value is not None} or None


def model_fields(chat: ChatRequest, thought: Reasoning, draft: Draft) -> JsonObject | None:
    """The `additionalModelRequestFields`. What the client says there itself holds before what follows from the rest."""
    fields = {**_top_k(chat, draft), **thought.fields}
    betas = chat.extra.get("betas")
    if betas is not None:
        if draft.model.thinks:
            fields["anthropic_beta"] = betas
        else:
            draft.drop("betas")
    for name, value in _object(chat, "additionalModelRequestFields").items():
        known = fields.get(name)
        fields[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return fields or None


def _top_k(chat: ChatRequest, draft: Draft) -> JsonObject:
    if chat.top_k is None:
        return {}
    match draft.model.top_k:
        case None:
            raise Unsupported(
                "This model has no known top_k: send what it takes in additionalModelRequestFields.", param="top_k"
            )
        case "inferenceConfig.topK":
            return {"inferenceConfig": {"topK": chat.top_k}}
        case name:
            return {name: chat.top_k}


def output_config(chat: ChatRequest, thought: Reasoning, draft: Draft) -> JsonObject | None:
    config: JsonObject = {"textFormat": text_format(chat, draft), "effort": thought.effort}
    config = {name: value for name, value in config.items() if value is not None}
    return {**config, **_object(chat, "outputConfig")} or None


def converse_members(chat: ChatRequest, draft: Draft) -> JsonObject:
    """Converse's own members, in a fixed order. null is what OpenAI's SDKs send for "not given"."""
    given = {name: value for name, value in chat.extra.items() if value is not None}
    if given.get("modalities", ["text"]) != ["text"]:
        raise Unsupported("Bedrock's Converse answers in text only.", param="modalities")
    members: JsonObject = {name: given[name] for name in _CONVERSE if name in given}
    for name, value in given.items():
        if name in _REFUSED:
            raise Unsupported(_REFUSED[name], param=name)
        if name == "service_tier" and isinstance(value, str) and value in _TIERS and "serviceTier" not in given:
            members["serviceTier"] = {"type": value}
        elif name not in _READ and name not in _CONVERSE:
            draft.drop(name)
    return members


def _object(chat: ChatRequest, name: str) -> JsonObject:
    value: Json = chat.extra.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidRequest(f"{name} must be an object.", param=name)
    return value
