"""Thought signatures: out as reasoning blocks, and back onto the very parts that bore them.

Gemini signs parts of an answer, calls and texts, and newer models refuse a call whose signature is lost
(https://ai.google.dev/gemini-api/docs/thought-signatures). A signature leaves as an encrypted reasoning block in
OpenRouter's convention, its `id` that of the call. OpenAI's dialect joins the texts of an answer into one; so the block
of a text has `text:<start>:<end>` for its id, the characters of the joined text that its part held, and the text is
cut there again when it comes back. The block of a thought carries the thought's own text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers.chat import Reasoning
    from providers.dropped import Dropped
    from providers.jsonwalk import JsonObject

# Marks reasoning that Gemini made, in OpenRouter's vocabulary, so that it is sent back to Gemini and nobody else.
REASONING_FORMAT = "google-gemini-v1"

# What Google takes in place of a signature, for calls that another model made or whose signature was lost on the way
# (same page, FAQ). Without it a client that drops signatures could not go on at all.
UNSIGNED = "skip_thought_signature_validator"

_SPAN = re.compile(r"text:(\d{1,12}):(\d{1,12})")


@dataclass(frozen=True, slots=True)
class Signatures:
    """What an earlier answer's reasoning says of its parts.

    `thoughts` are parts of their own; `calls` signatures by call id; `texts` spans of the joined text with theirs.
    """

    thoughts: tuple[JsonObject, ...]
    calls: dict[str, str]
    texts: tuple[tuple[int, int, str], ...]


def text_id(start: int, end: int) -> str:
    return f"text:{start}:{end}"


def read_signatures(
    reasoning: tuple[Reasoning, ...], call_ids: frozenset[str], said: int, dropped: Dropped
) -> Signatures:
    """`said`: characters of the answer's text. A signature without a part it could belong to goes on the text's end."""
    thoughts: list[JsonObject] = []
    calls: dict[str, str] = {}
    texts: list[tuple[int, int, str]] = []
    for block in reasoning:
        if block.format != REASONING_FORMAT:
            dropped.add("messages[].reasoning")
        elif not block.data:
            thoughts += thought_part(block)
        elif block.id in call_ids:
            calls[block.id] = block.data
        else:
            texts.append((*_span(block.id, said), block.data))
    return Signatures(tuple(thoughts), calls, _in_order(texts, said))


def thought_part(block: Reasoning) -> list[JsonObject]:
    if not (block.text or block.signature):
        return []
    part: JsonObject = {"text": block.text, "thought": True}
    if block.signature:
        part["thoughtSignature"] = block.signature
    return [part]


def signed_texts(text: str, spans: tuple[tuple[int, int, str], ...]) -> list[JsonObject]:
    """`text` in parts, cut where a signature belongs to some of it. Google refuses an empty part without one."""
    parts: list[JsonObject] = []
    at = 0
    for start, end, signature in spans:
        parts += _plain(text[at:start])
        parts.append({"text": text[start:end], "thoughtSignature": signature})
        at = end
    return [*parts, *_plain(text[at:])]


def _plain(text: str) -> list[JsonObject]:
    return [{"text": text}] if text else []


def _span(block_id: str, said: int) -> tuple[int, int]:
    match = _SPAN.fullmatch(block_id)
    return (int(match[1]), int(match[2])) if match else (said, said)


def _in_order(spans: list[tuple[int, int, str]], said: int) -> tuple[tuple[int, int, str], ...]:
    """The spans, each within the text and none over another: a client may have changed the text since."""
    placed: list[tuple[int, int, str]] = []
    at = 0
    for start, end, signature in sorted(spans, key=lambda span: span[:2]):
        fits = at <= start <= end <= said
        placed.append((start, end, signature) if fits else (said, said, signature))
        at = placed[-1][1]
    return tuple(placed)
