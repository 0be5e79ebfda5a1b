"""How much the model is to think and how much of it is shown; and the thinking of earlier answers on its way back.

https://developers.openai.com/api/docs/guides/reasoning: what is sealed (`encrypted_content`) goes back without the
provider having stored anything, as an item of its own before what it led to.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from providers.errors import Unsupported
from providers.jsonwalk import child, without
from providers.openai.host import WIRE

if TYPE_CHECKING:
    from providers.chat import ChatRequest, Reasoning
    from providers.dropped import Dropped
    from providers.jsonwalk import JsonObject
    from providers.openai.host import ResponsesHost

SEALED: Final = "reasoning.encrypted_content"

# Of OpenRouter's `reasoning`: read elsewhere, or said here in another way.
_OPENROUTERS: Final = ("effort", "max_tokens", "exclude", "enabled")


def reasoning(chat: ChatRequest, dropped: Dropped) -> JsonObject | None:
    """`reasoning` of the request: what the client says in OpenAI's own words (`summary`, `mode`) holds.

    A summary is asked for where the client asks for one, in these words or by OpenRouter's `exclude: false`. An effort
    alone is no such wish: OpenAI refuses summaries (400) to an organisation that it has not verified, and its chat
    completions show none either (github.com/continuedev/continue/issues/12031).

    Raises `Unsupported` for a budget: there are efforts only.
    """
    own = child(chat.source.value, "reasoning") if chat.source.wire == WIRE else {}
    if chat.reasoning_budget is not None:
        raise Unsupported("This model takes no thinking budget: use reasoning_effort.", param="reasoning.max_tokens")
    effort = chat.reasoning_effort or chat.extra.get("reasoning_effort") or own.get("effort")
    said: JsonObject = {} if effort is None else {"effort": effort}
    said |= without(own, *_OPENROUTERS)
    if "enabled" in own:
        dropped.add("reasoning.enabled")
    if own.get("exclude") is False and effort != "none" and not own.keys() & {"summary", "generate_summary"}:
        said["summary"] = "auto"
    return said or None


def seals(host: ResponsesHost, model: str) -> bool:
    """Whether sealed thinking may be asked for: of a model that does not think that is refused (400)."""
    return host.seals and re.search(host.plain, model.lower()) is None


def reasoning_items(thoughts: tuple[Reasoning, ...], host: ResponsesHost, dropped: Dropped) -> list[JsonObject]:
    """What this host sealed; and plain text, at a host that reads it. All else is named."""
    items: list[JsonObject] = []
    for thought in thoughts:
        if thought.data and (thought.format or host.format) in host.formats:
            items.append(_sealed(thought, host))
        elif host.reads and thought.text and not (thought.data or thought.signature or thought.format):
            items.append({"type": "reasoning", "summary": [], "content": [_text("reasoning_text", thought.text)]})
        else:
            dropped.add("messages[].reasoning")
    return items


def _sealed(thought: Reasoning, host: ResponsesHost) -> JsonObject:
    named: JsonObject = {"id": thought.id} if thought.id else {}
    if host.names_format:
        named["format"] = thought.format or host.format
    summary = [_text("summary_text", thought.text)] if thought.text else []
    return {"type": "reasoning", **named, "summary": [*summary], "encrypted_content": thought.data}


def _text(kind: str, said: str) -> JsonObject:
    return {"type": kind, "text": said}
