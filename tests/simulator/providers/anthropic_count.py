"""`POST /v1/messages/count_tokens`: the number, and what it does not take beside a message's own rules."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.simulator.providers import anthropic_rules
from tests.simulator.providers.anthropic_messages import invalid
from tests.simulator.providers.base import count_tokens, parse_json
from tests.simulator.reply import Piece, Reply

if TYPE_CHECKING:
    from tests.simulator.http1 import Request

PATH = "/v1/messages/count_tokens"
_FIELDS = {"messages", "model", "cache_control", "output_config", "speed", "system", "thinking", "tool_choice", "tools"}
_FIELDS |= {"prefill", "context_management", "compaction", "billing_policy"}


def reply(request: Request) -> Reply:
    """Raises `Refused`."""
    body = parse_json(request.body)
    for name in body if isinstance(body, dict) else ():
        if name not in _FIELDS:
            raise invalid(f"{name}: Extra inputs are not permitted")
    if isinstance(body, dict):
        # A budget for thinking is judged by `max_tokens`, which counting has none of.
        budget = (body.get("thinking") or {}).get("budget_tokens", 0)
        request = replace(request, body=json.dumps({**body, "max_tokens": max(1, budget + 1)}).encode())
    counted = count_tokens(anthropic_rules.check(request))
    answer = json.dumps({"input_tokens": counted}, separators=(",", ":")).encode()
    headers = (("content-type", "application/json"), ("request-id", "req_count"))
    return Reply(200, headers, (Piece(answer),), streamed=False)
