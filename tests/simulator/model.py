"""The model behind the simulator: equal prompts get equal answers, and a prompt can ask for a kind of answer.

| the last user message …          | the answer                                                                 |
|----------------------------------|----------------------------------------------------------------------------|
| `Repeat: …`                      | exactly what follows, whatever it is                                       |
| `Write N words`                  | N words, with emoji, CJK, right-to-left script and U+2028 among them       |
| contains `please refuse`         | a refusal, in the provider's own form                                      |
| speaks of tools, or must use one | a call of each tool meant (or of the first); several if they may be parallel |
|                                  | and the message says "quoted" things, or "in Oslo and Rome"                |
| comes with tool results          | a text made of the results                                                 |
| anything else                    | a paragraph, different for different prompts                               |
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tests.simulator.schema import instance

if TYPE_CHECKING:
    from tests.simulator.fault import Say

Finish = Literal["stop", "length", "sequence", "tools", "refusal"]


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What decides the answer, out of any provider's request."""

    text: str
    """The last user message."""
    results: tuple[str, ...] = ()
    """The tool results after it."""
    tools: tuple[Tool, ...] = ()
    choice: Literal["auto", "none", "required"] = "auto"
    named: str | None = None
    """The one tool that must be called."""
    parallel: bool = True
    schema: dict[str, Any] | None = None
    json: bool = False
    reasoning: bool = False
    limit: int | None = None
    """The most tokens to answer with, reasoning not counted."""
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: tuple[Call, ...] = field(default=())
    finish: Finish = "stop"
    sequence: str | None = None
    """The stop sequence that ended it."""


def answer(prompt: Prompt, variant: int = 0) -> Answer:
    """What the model says. `variant` tells the choices of one request apart."""
    reasoning = _think(prompt) if prompt.reasoning else ""
    if "please refuse" in prompt.text.lower():
        return Answer(reasoning=reasoning, refusal="I'm sorry, but I can't help with that.", finish="refusal")
    if calls := _calls(prompt):
        return Answer(reasoning=reasoning, calls=calls, finish="tools")
    text, finish, sequence = _limited(_text(prompt, variant), prompt)
    return Answer(text=text, reasoning=reasoning, finish=finish, sequence=sequence)


def scripted(say: Say) -> Answer:
    calls = tuple(Call(name, arguments) for name, arguments in say.calls)
    finish: Finish = "refusal" if say.refusal else "tools" if calls else "stop"
    return Answer(say.text, say.reasoning, say.refusal, calls, finish)


def tokens(text: str) -> list[str]:
    """`text` in pieces about as long as a tokenizer's, beyond Latin a character each; joined they are the text."""
    return re.findall(r"\s?[A-Za-z]{1,6}|\s?\d{1,3}|.", text, re.DOTALL)


def _think(prompt: Prompt) -> str:
    return f"The user wants this: {prompt.text[:60].strip()!r}. Let me think… 考えます 🤔 A short answer will do."


def _text(prompt: Prompt, variant: int) -> str:
    if prompt.schema is not None:
        return _json(instance(prompt.schema, prompt.text))
    if prompt.json:
        return _json({"answer": prompt.text[:40], "ok": True})
    if prompt.results:
        return "The tools say: " + "; ".join(prompt.results) + "."
    if repeat := re.search(r"Repeat: ?(.*)\Z", prompt.text, re.DOTALL):
        return repeat[1]
    if count := re.search(r"[Ww]rite (\d+) words", prompt.text):
        return " ".join(_WORDS[index % len(_WORDS)] for index in range(int(count[1])))
    return _paragraph(prompt.text, variant)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _paragraph(text: str, variant: int) -> str:
    digest = hashlib.sha256(f"{variant} {text}".encode()).digest()
    chosen = [_SENTENCES[byte % len(_SENTENCES)] for byte in digest[:3]]
    opening = "A proxy stands between a client and a server. " if "proxy" in text.lower() else ""
    return opening + " ".join(chosen) + f" (answer {digest.hex()[:6]})"


_SENTENCES = (
    "It takes a request from one side, and passes it on to the other as if it were its own.",
    "That makes it a good place to keep what was asked before — and to answer it again at once.",
    "Seen from outside, nothing changes; seen from inside, there is one more door to lock.",
    "In a harbour one would call it a pilot ⚓: it knows the waters, the ship stays yours.",
    "What it may not do is change the meaning of what passes through its hands.",
    "The word comes from Latin *procurare*, to take care of something for somebody else.",
    "Every language has its own name for it: 代理, وكيل, πληρεξούσιος, посредник.",
)

_WORDS = ("tide", "海", "mast", "⚓", "sail", "بحر", "harbour", "👩‍🚀", "lamp\u2028oil", "naïve", "rope", "Ωκεανός")


def _limited(text: str, prompt: Prompt) -> tuple[str, Finish, str | None]:
    stops = [(text.find(stop), stop) for stop in prompt.stop if stop in text]
    cut = min(stops, default=None)
    if cut is not None:
        text = text[: cut[0]]
    pieces = tokens(text)
    if prompt.limit is not None and len(pieces) > prompt.limit:
        return "".join(pieces[: prompt.limit]), "length", None
    return (text, "stop", None) if cut is None else (text, "sequence", cut[1])


def _calls(prompt: Prompt) -> tuple[Call, ...]:
    if prompt.choice == "none" or not prompt.tools or (prompt.results and prompt.choice == "auto"):
        return ()
    calls = [
        Call(tool.name, instance(tool.schema, subject))
        for tool in _wanted(prompt)
        for subject in _subjects(prompt.text)
    ]
    return tuple(calls if prompt.parallel else calls[:1])


def _subjects(text: str) -> list[str]:
    if quoted := re.findall(r'"([^"]+)"', text):
        return [str(subject) for subject in quoted]
    if place := re.search(r" in ([A-Z][^?.!]*)", text):
        return re.split(r", | and ", place[1])
    return [text[:40]]


def _wanted(prompt: Prompt) -> list[Tool]:
    if prompt.named is not None:
        return [tool for tool in prompt.tools if tool.name == prompt.named]
    named = [tool for tool in prompt.tools if _names(tool, prompt.text.lower())]
    return named or (list(prompt.tools[:1]) if prompt.choice == "required" else [])


def _names(tool: Tool, text: str) -> bool:
    """Whether the text speaks of the tool: `get_weather` is meant by "weather"."""
    return any(word in text for word in re.split(r"[\W_]+", tool.name.lower()) if len(word) > 3)
