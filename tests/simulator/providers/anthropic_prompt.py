"""Reading an Anthropic request as a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tests.simulator.model import Prompt, Tool
from tests.simulator.providers.base import text_of

if TYPE_CHECKING:
    from tests.simulator.providers.base import Json

_CHOICES: dict[str, Literal["auto", "none", "required"]] = {"any": "required", "tool": "required", "none": "none"}


def messages_prompt(body: Json) -> Prompt:
    spoken = [text_of(message["content"]) for message in body["messages"] if message["role"] == "user"]
    choice = body.get("tool_choice") or {"type": "auto"}
    form = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    return Prompt(
        text=next((text for text in reversed(spoken) if text), ""),
        results=tuple(_results(body["messages"][-1])),
        tools=tuple(_tool(tool) for tool in body.get("tools") or () if "input_schema" in tool),
        choice=_CHOICES.get(choice["type"], "auto"),
        named=choice.get("name"),
        parallel=not choice.get("disable_parallel_tool_use"),
        schema=form.get("schema"),
        reasoning=(body.get("thinking") or {}).get("type") in {"enabled", "adaptive"},
        limit=body["max_tokens"],
        stop=tuple(body.get("stop_sequences") or ()),
    )


def _results(message: Json) -> list[str]:
    blocks = message["content"] if isinstance(message["content"], list) else []
    return [text_of(block.get("content")) for block in blocks if block["type"] == "tool_result"]


def _tool(tool: Json) -> Tool:
    return Tool(tool["name"], tool["input_schema"])
