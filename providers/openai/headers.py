"""The headers of a request to a host, whichever of its wires it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers.base import Target


def headers_of(target: Target, *, streaming: bool) -> dict[str, str]:
    """The client's allow-listed ones and ours. A compressed stream would be held back until its blocks are full."""
    headers = {name.lower(): value for name, value in target.profile.headers.items()}
    headers |= {"content-type": "application/json", "accept": "text/event-stream" if streaming else "application/json"}
    return headers | {"accept-encoding": "identity"} if streaming else headers
