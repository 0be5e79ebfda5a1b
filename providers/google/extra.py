"""Members of the client's request that OpenAI's API does not have in common with others.

Google's own, which a client adds on purpose (`extra_body`), are passed on, in Google's spelling or with underscores.
Those whose loss would change what is answered are refused. The rest are knobs without an equal: dropped, and named.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from providers.errors import InvalidRequest, Unsupported
from providers.google.tools import camel

if TYPE_CHECKING:
    from providers.chat import ChatRequest
    from providers.dropped import Dropped
    from providers.jsonwalk import Json, JsonObject

# Of the body of `generateContent`, and of its `generationConfig`, without what has a typed place in `ChatRequest`.
_BODY = frozenset({"cachedContent", "continuationToken", "labels", "safetySettings"})
_CONFIG = frozenset(
    {
        "audioTranscriptionConfig",
        "candidateCount",
        "enableEnhancedCivicAnswers",
        "imageConfig",
        "maxOutputTokens",
        "mediaResolution",
        "responseJsonSchema",
        "responseMimeType",
        "responseModalities",
        "responseSchema",
        "speechConfig",
        "stopSequences",
        "thinkingConfig",
        "topK",
        "topP",
    }
)
_SERVICE_TIERS = frozenset({"flex", "priority", "standard"})

_REFUSED = {
    "audio": "Ask Google for speech with speech_config.",
    "contents": "Send contents as messages.",
    "system_instruction": "Send the system instruction as a message of role 'system'.",
    "systemInstruction": "Send the system instruction as a message of role 'system'.",
    "web_search_options": "Google searches with a tool of type 'google_search'.",
}


@dataclass(frozen=True, slots=True)
class Native:
    """What the client says in Google's own words: members of the body, of its `generationConfig` and `toolConfig`."""

    body: JsonObject = field(default_factory=dict)
    config: JsonObject = field(default_factory=dict)
    tools: JsonObject = field(default_factory=dict)


def native_members(chat: ChatRequest, dropped: Dropped) -> Native:
    """null is what OpenAI's SDKs send for "not given"."""
    native = Native()
    for unread in chat.unread:
        dropped.add(unread)
    for name, value in chat.extra.items():
        if value is not None:
            _sort(name, value, native, dropped)
    for name in ("user", "metadata"):
        if getattr(chat, name) is not None:
            dropped.add(name)
    return native


def _sort(name: str, value: Json, native: Native, dropped: Dropped) -> None:
    if name in _REFUSED:
        raise Unsupported(_REFUSED[name], param=name)
    google = camel(name)
    if google == "generationConfig":
        native.config.update(_object(name, value))
    elif google == "toolConfig":
        native.tools.update(_object(name, value))
    elif google in _CONFIG:
        native.config.setdefault(google, value)
    elif google in _BODY or (google == "serviceTier" and str(value) in _SERVICE_TIERS):
        native.body[google] = value
    elif name != "modalities":  # read elsewhere
        dropped.add(name)


def _object(name: str, value: Json) -> JsonObject:
    """The members under Google's spelling, so that what says the same is not said twice."""
    if not isinstance(value, dict):
        raise InvalidRequest(f"{name} must be an object.", param=name)
    return {camel(key): item for key, item in value.items()}
