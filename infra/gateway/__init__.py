"""API Gateway and the Lambda Runtime API, played on loopback without buffering: the real bundle with no containers.

In front it takes HTTP requests and makes the events that API Gateway makes; behind it hands them to sandboxes, which
are processes of the bundle, and relays their answers byte by byte as they come. `sam local` and the Runtime Interface
Emulator buffer, so neither can show streaming. For tests and for trying things out; the bundle does not contain it.
"""

from infra.gateway.journal import Entry, Journal, Moment
from infra.gateway.limits import Limits
from infra.gateway.sandbox import Function
from infra.gateway.server import Gateway

__all__ = ["Entry", "Function", "Gateway", "Journal", "Limits", "Moment"]
