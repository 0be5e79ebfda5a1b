"""What must differ between the request as it is written and the request that the host understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.members import REMOVED, Renamed, Within
from providers.openai.call_ids import short_ids
from providers.openai.effort import effort_changes
from providers.openai.recall import recalled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from providers.jsonwalk import JsonObject
    from providers.members import Change
    from providers.openai.host import Host


def host_changes(written: JsonObject, model: str, host: Host) -> tuple[dict[str, Change], tuple[str, ...]]:
    """Changes for `patch_members`, and the wire names of what they leave out. Raises `Unsupported`."""
    effort, left_out = effort_changes(written, model, host.controls)
    changes = {**naming_changes(written, model, host.renames), **effort}
    dropped: dict[str, None] = dict.fromkeys(left_out)
    refused = host.refuses | {"stream_options"} if host.stream_options == "refuse" else host.refuses
    for name in written.keys() & refused:
        changes[name] = REMOVED
        dropped |= {name: None} if written[name] is not None else {}
    if written.get("stream") is True and host.stream_options == "ask":
        changes["stream_options"] = Within({"include_usage": True})
    if messages := dict(_message_changes(written, model, host, dropped)):
        changes["messages"] = Within(messages)
    return changes, tuple(sorted(dropped))


def naming_changes(written: JsonObject, model: str, renames: Iterable[tuple[str, str]]) -> dict[str, Change]:
    """The host's own names, of the model and of members. A client that uses both names of one is taken by ours."""
    changes: dict[str, Change] = {} if written.get("model") == model else {"model": model}
    for name, theirs in renames:
        if written.get(name) is not None:
            changes[name] = Renamed(theirs)
            if theirs in written:
                changes[theirs] = REMOVED
        elif name in written:
            changes[name] = REMOVED
    return changes


def _message_changes(
    written: JsonObject, model: str, host: Host, dropped: dict[str, None]
) -> Iterator[tuple[str | int, Change]]:
    """Changes in each message. `developer` is OpenAI's newer word for `system`: no meaning is lost with it."""
    messages = written.get("messages")
    untouched = host.developer_role and not (host.refuses_in_messages or host.recalls or host.short_call_ids)
    if not isinstance(messages, list) or untouched:
        return
    for number, message in enumerate(messages):
        if not isinstance(message, dict):
            continue
        changes = recalled(message, model, host)
        if host.short_call_ids:
            changes |= short_ids(message)
        if message.get("role") == "developer" and not host.developer_role:
            changes["role"] = "system"
        for name in (message.keys() & host.refuses_in_messages) - changes.keys():
            changes[name] = REMOVED
            dropped |= {f"messages[].{name}": None} if message[name] is not None else {}
        if changes:
            yield number, Within(changes)
