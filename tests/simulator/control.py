"""The simulator by HTTP, for those who run it as a process: the same verbs as the Python API, on a port of its own.

POST /next     {"faults": [{"kind": "Status", "status": 429, "retry_after": "1"}], "provider": "openai", "times": 1}
POST /hold     POST /release     POST /step {"pieces": 1}     POST /forget
POST /pace     {"first_token_ms": 400, "per_token_ms": 15}
GET  /requests
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

from tests.simulator.fault import Fault
from tests.simulator.reply import Piece, Reply
from tests.simulator.server import Listener

if TYPE_CHECKING:
    from tests.simulator.ledger import Seen
    from tests.simulator.simulator import Simulator

_KINDS: dict[str, type[Fault]] = {kind.__name__: kind for kind in get_args(Fault)}


def fault(described: dict[str, Any]) -> Fault:
    """A fault from its JSON: `kind` is the class, the rest its fields. ValueError when there is no such fault."""
    fields = dict(described)
    kind = fields.pop("kind", None)
    if kind not in _KINDS:
        raise ValueError(f"no fault is called {kind!r}; there are {', '.join(_KINDS)}")
    try:
        return _KINDS[kind](**fields)
    except TypeError as error:
        raise ValueError(f"{kind}: {error}") from error


class Control:
    """Answers the verbs above for one simulator. On a listener of its own: no request to it counts as a call."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.listener = Listener("control", self._answer)

    def _answer(self, seen: Seen) -> Reply:
        try:
            result = self._do(seen.method, seen.path, seen.json if seen.body else {})
        except (ValueError, KeyError, TypeError) as error:
            return _reply(400, {"error": str(error)})
        return _reply(200, result)

    def _do(self, method: str, path: str, body: dict[str, Any]) -> Any:
        simulator = self._simulator
        match method, path:
            case "POST", "/next":
                faults = [fault(described) for described in body["faults"]]
                simulator.next(*faults, provider=body.get("provider"), times=body.get("times", 1))
            case "POST", "/hold":
                simulator.hold()
            case "POST", "/release":
                simulator.release()
            case "POST", "/step":
                simulator.gate.allow(body.get("pieces", 1))
            case "POST", "/forget":
                simulator.forget()
            case "POST", "/pace":
                simulator.pace.first_token_ms = float(body["first_token_ms"])
                simulator.pace.per_token_ms = float(body["per_token_ms"])
            case "GET", "/requests":
                return [_described(seen) for seen in simulator.requests]
            case _:
                raise ValueError(f"no such verb: {method} {path}")
        return {"ok": True}


def _described(seen: Seen) -> dict[str, Any]:
    return {
        "number": seen.number,
        "provider": seen.provider,
        "method": seen.method,
        "path": seen.path,
        "headers": seen.headers,
        "body": seen.body.decode("utf-8", "replace"),
        "status": seen.status,
        "pieces_sent": seen.pieces_sent,
        "client_gone": seen.client_gone,
    }


def _reply(status: int, body: object) -> Reply:
    data = json.dumps(body, ensure_ascii=False).encode()
    return Reply(status, (("content-type", "application/json"),), (Piece(data),), streamed=False)
