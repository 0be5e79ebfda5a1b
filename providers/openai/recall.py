"""Earlier reasoning on its way back to a host that wants it otherwise than as `reasoning_content`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from providers.members import REMOVED, Renamed

if TYPE_CHECKING:
    from providers.jsonwalk import Json, JsonObject
    from providers.members import Change
    from providers.openai.host import Host


def recalled(message: JsonObject, model: str, host: Host) -> dict[str | int, Change]:
    """Changes in one message. What no model of `host.recalls` takes is left to the host's other rules."""
    said = message.get("reasoning_content")
    if not isinstance(said, str) or not said:
        return {}
    form = next((form for models, form in host.recalls if re.search(models, model.lower())), None)
    if form == "reasoning":
        # An answer says its reasoning under both names: the client may send both back.
        if message.get("reasoning"):
            return {"reasoning_content": REMOVED}
        return {"reasoning": REMOVED, "reasoning_content": Renamed("reasoning")}
    if form == "parts":
        return {"reasoning_content": REMOVED, "content": _with_thinking(said, message.get("content"))}
    return {}


def _with_thinking(said: str, content: Json) -> Json:
    """Mistral's form. A client that kept the parts themselves has the thinking in them already."""
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []
    if any(isinstance(part, dict) and part.get("type") == "thinking" for part in parts):
        return content
    return [{"type": "thinking", "thinking": [{"type": "text", "text": said}]}, *parts]
