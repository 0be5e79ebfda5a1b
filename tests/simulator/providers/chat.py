"""Reading a chat completion request, OpenAI's or that of a provider that took the format over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tests.simulator.model import Prompt, Tool
from tests.simulator.providers.base import text_of

if TYPE_CHECKING:
    from tests.simulator.providers.base import Json


_CHOICES: dict[str, Literal["auto", "none", "required"]] = {"none": "none", "required": "required"}


def chat_prompt(body: Json, *, reasoning: bool) -> Prompt:
    messages: list[Json] = body["messages"]
    last = max((index for index, message in enumerate(messages) if message["role"] != "tool"), default=0)
    spoken = [text_of(message.get("content")) for message in messages if message["role"] == "user"]
    choice = body.get("tool_choice") or "auto"
    form = body.get("response_format") or {"type": "text"}
    stop = body.get("stop") or ()
    return Prompt(
        text=spoken[-1] if spoken else "",
        results=tuple(text_of(message.get("content")) for message in messages[last + 1 :]),
        tools=tuple(_tool(tool["function"]) for tool in body.get("tools") or () if "function" in tool),
        choice=_CHOICES.get(choice, "auto") if isinstance(choice, str) else "required",
        named=choice["function"]["name"] if isinstance(choice, dict) and "function" in choice else None,
        parallel=body.get("parallel_tool_calls") is not False,
        schema=form["json_schema"].get("schema") if form["type"] == "json_schema" else None,
        json=form["type"] == "json_object",
        reasoning=reasoning,
        limit=body.get("max_completion_tokens") or body.get("max_tokens"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
    )


def _tool(function: Json) -> Tool:
    return Tool(function["name"], function.get("parameters") or {})
