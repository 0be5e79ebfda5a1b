"""https://ai.google.dev/api/generate-content and https://ai.google.dev/gemini-api/docs/thought-signatures"""

from __future__ import annotations

from typing import Any, Final

from tests.support.answers.told import (
    CACHED,
    CALLS,
    COMPLETION,
    OTHERS,
    PROMPT,
    REASONING,
    SIGNATURE,
    TEXT,
    THOUGHT,
    TOKENS,
    Answers,
    Told,
    events,
    written,
)

Json = dict[str, Any]

_USAGE: Final = {
    "promptTokenCount": PROMPT,
    "cachedContentTokenCount": CACHED,
    "candidatesTokenCount": COMPLETION - REASONING,
    "thoughtsTokenCount": REASONING,
    "totalTokenCount": PROMPT + COMPLETION,
}


def answers() -> Answers:
    return Answers(
        Told(written(_body(_candidate(0, _parts()), usage=_USAGE)), written(_several()), written(_likely())),
        Told(events(_chunks()), events([_several()]), events([_likely()])),
    )


def _parts() -> list[Json]:
    """Of parallel calls the first alone is signed."""
    calls: list[Json] = [
        {"functionCall": {"id": each, "name": "weather", "args": {"city": city}}} for each, city in CALLS
    ]
    calls[0]["thoughtSignature"] = SIGNATURE
    return [{"text": THOUGHT, "thought": True}, {"text": TEXT}, *calls]


def _chunks() -> list[Json]:
    *parts, last = _parts()
    pieces = [_body(_candidate(0, [part], finish=None)) for part in parts]
    return [*pieces, _body(_candidate(0, [last]), usage=_USAGE)]


def _several() -> Json:
    return _body(*(_candidate(number, [{"text": text}]) for number, text in enumerate(OTHERS)))


def _likely() -> Json:
    chosen = [{"token": token, "tokenId": 1, "logProbability": how} for token, how in TOKENS]
    return _body({**_candidate(0, [{"text": "Sunny"}]), "logprobsResult": {"chosenCandidates": chosen}})


def _body(*candidates: Json, usage: Json | None = None) -> Json:
    head = {"candidates": list(candidates), "modelVersion": "model", "responseId": "answer-1"}
    return head if usage is None else {**head, "usageMetadata": usage}


def _candidate(index: int, parts: list[Json], *, finish: str | None = "STOP") -> Json:
    candidate = {"index": index, "content": {"role": "model", "parts": parts}}
    return candidate if finish is None else {**candidate, "finishReason": finish}
