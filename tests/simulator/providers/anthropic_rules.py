"""What `api.anthropic.com` refuses in a message request, and in which words. The messages have rules of their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.simulator.providers import anthropic_models as models
from tests.simulator.providers.anthropic_messages import check_messages, check_system, invalid
from tests.simulator.providers.base import Json, Refused, parse_json

if TYPE_CHECKING:
    from tests.simulator.http1 import Request

_VERSIONS = {"2023-01-01", "2023-06-01", "2026-10-21"}
_MAX_BODY = 32 * 1024 * 1024

_FIELDS: dict[str, tuple[tuple[type, ...], str]] = {
    "model": ((str,), "a valid string"),
    "messages": ((list,), "a valid list"),
    "max_tokens": ((int,), "a valid integer"),
    "cache_control": ((dict,), "a valid dictionary"),
    "container": ((str, dict), "a valid string"),
    "diagnostics": ((dict,), "a valid dictionary"),
    "inference_geo": ((str,), "a valid string"),
    "metadata": ((dict,), "a valid dictionary"),
    "output_config": ((dict,), "a valid dictionary"),
    "service_tier": ((str,), "a valid string"),
    "stop_sequences": ((list,), "a valid list"),
    "stream": ((bool,), "a valid boolean"),
    "system": ((str, list), "a valid string"),
    "temperature": ((int, float), "a valid number"),
    "thinking": ((dict,), "a valid dictionary"),
    "tool_choice": ((dict,), "a valid dictionary"),
    "tools": ((list,), "a valid list"),
    "top_k": ((int,), "a valid integer"),
    "top_p": ((int, float), "a valid number"),
}
# Fields that exist only for requests that name a beta.
_BETA_FIELDS = {"mcp_servers", "context_management", "output_format", "speed"}
_TOOL_FIELDS = {"type", "name", "description", "input_schema", "cache_control", "strict", "eager_input_streaming"}
_TOOL_FIELDS |= {"input_examples", "defer_loading", "allowed_callers"}
_REQUIRED = ("model", "max_tokens", "messages")


def check(request: Request) -> Json:
    _authenticate(request)
    if len(request.body) > _MAX_BODY:
        raise Refused(413, "request_too_large", "Request exceeds the maximum allowed number of bytes.")
    body = parse_json(request.body)
    if not isinstance(body, dict):
        raise invalid("The request body is not valid JSON.")
    if request.header("anthropic-version") == "2026-10-21":
        _since_2026(body)
    _fields(body, beta=request.header("anthropic-beta") is not None)
    if models.generation(body["model"]) is None:
        raise Refused(404, "not_found_error", f"model: {body['model']}")
    for rule in (_numbers, check_system, check_messages, _tools, _choice, _thinking, _stops, _format):
        rule(body)
    return body


def _authenticate(request: Request) -> None:
    scheme, _, token = (request.header("authorization") or "").partition(" ")
    # Either header will do (the SDKs send a bearer token since 2026); with both, x-api-key decides.
    key = request.header("x-api-key") or (token if scheme.lower() == "bearer" else "")
    if not key:
        raise Refused(401, "authentication_error", "x-api-key header is required")
    if "invalid" in key:
        raise Refused(401, "authentication_error", "invalid x-api-key")
    version = request.header("anthropic-version")
    if version is None:
        raise invalid("anthropic-version: header is required")
    if version not in _VERSIONS:
        raise invalid(f'anthropic-version: "{version}" is not a valid version')


def _since_2026(body: Json) -> None:
    """What API version 2026-10-21 refuses and 2023-06-01 still takes, whatever the model."""
    for name in ("temperature", "top_p", "top_k"):
        if name in body:
            raise invalid(f"{name}: Extra inputs are not permitted")
    for index, message in enumerate(body.get("messages") or ()):
        if isinstance(message.get("content"), list) and message.get("role") == "user":
            for position, block in enumerate(message["content"]):
                if block.get("type") == "text" and block.get("citations"):
                    raise invalid(f"messages.{index}.content.{position}.text.citations: Input should be empty")


def _fields(body: Json, *, beta: bool) -> None:
    for name in _REQUIRED:
        if name not in body:
            raise invalid(f"{name}: Field required")
    for name, value in body.items():
        if beta and name in _BETA_FIELDS:
            continue
        if name not in _FIELDS:
            raise invalid(f"{name}: Extra inputs are not permitted")
        types, wanted = _FIELDS[name]
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise invalid(f"{name}: Input should be {wanted}")


def _numbers(body: Json) -> None:
    if body["max_tokens"] < 1:
        raise invalid("max_tokens: Input should be greater than or equal to 1")
    limit = models.output_limit(body["model"])
    if body["max_tokens"] > limit:
        reason = f"max_tokens: {body['max_tokens']} > {limit}, which is the maximum allowed number of output tokens"
        raise invalid(f"{reason} for {body['model']}")
    _sampling(body, body["model"])


def _sampling(body: Json, model: str) -> None:
    for name in ("temperature", "top_p", "top_k"):
        if name not in body:
            continue
        if not models.takes_sampling(model) and (name == "top_k" or body[name] != 1):
            raise invalid(f"`{name}` is deprecated for this model.")
        if name != "top_k" and not 0 <= body[name] <= 1:
            raise invalid(f"{name}: range: 0..1")
    if {"temperature", "top_p"} <= body.keys() and not models.takes_both_samplings(model):
        raise invalid("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")


def _tools(body: Json) -> None:
    names: set[str] = set()
    for index, tool in enumerate(body.get("tools") or ()):
        if tool.get("type", "custom") != "custom":
            continue  # a tool of Anthropic's own, by type and version
        name = _tool_name(tool, f"tools.{index}.custom")
        if name in names:
            raise invalid("tools: Tool names must be unique.")
        names.add(name)


def _tool_name(tool: Json, place: str) -> str:
    for required in ("name", "input_schema"):
        if required not in tool:
            raise invalid(f"{place}.{required}: Field required")
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", tool["name"]):
        raise invalid(f"{place}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    if tool["input_schema"].get("type") != "object":
        raise invalid(f"{place}.input_schema.type: Input should be 'object'")
    _no_extras(tool, _TOOL_FIELDS, place)
    return str(tool["name"])


def _no_extras(block: Json, allowed: set[str], place: str) -> None:
    for extra in block.keys() - allowed:
        raise invalid(f"{place}.{extra}: Extra inputs are not permitted")


def _choice(body: Json) -> None:
    choice = body.get("tool_choice")
    if choice is None:
        return
    kind = choice.get("type")
    if kind not in {"auto", "any", "tool", "none"}:
        raise invalid("tool_choice: Input tag does not match any of the expected tags: 'auto', 'any', 'tool', 'none'")
    _no_extras(choice, {"type"} | _choice_fields(kind), f"tool_choice.{kind}")
    if kind != "none" and not body.get("tools"):
        raise invalid("tool_choice may only be specified while providing tools")
    if kind == "tool" and choice.get("name") not in {tool.get("name") for tool in body["tools"]}:
        raise invalid(f"Tool '{choice.get('name')}' not found in provided tools")


def _choice_fields(kind: str) -> set[str]:
    return {"none": set[str](), "tool": {"name", "disable_parallel_tool_use"}}.get(kind, {"disable_parallel_tool_use"})


def _thinking(body: Json) -> None:
    thinking = body.get("thinking") or {"type": "disabled"}
    kind = thinking.get("type")
    if kind not in {"enabled", "adaptive", "disabled"}:
        raise invalid("thinking: Input tag does not match any of the expected tags: 'adaptive', 'disabled', 'enabled'")
    if kind not in models.thinking_types(body["model"]):
        raise invalid(f'"thinking.type.{kind}" is not supported for this model.')
    if kind == "disabled":
        return
    if kind == "enabled":
        _budget(thinking, body["max_tokens"])
    if body.get("temperature", 1) != 1:
        raise invalid("`temperature` may only be set to 1 when thinking is enabled.")
    if "top_k" in body or not 0.95 <= body.get("top_p", 1) <= 1:
        raise invalid("`top_k` must be unset and `top_p` at least 0.95 when thinking is enabled.")
    if (body.get("tool_choice") or {}).get("type") in {"any", "tool"}:
        raise invalid("Thinking may not be enabled when tool_choice forces tool use.")


def _budget(thinking: Json, max_tokens: int) -> None:
    budget = thinking.get("budget_tokens")
    if budget is None:
        raise invalid("thinking.enabled.budget_tokens: Field required")
    if budget < 1024:
        raise invalid("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    if budget >= max_tokens:
        raise invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _stops(body: Json) -> None:
    for index, stop in enumerate(body.get("stop_sequences") or ()):
        if not isinstance(stop, str):
            raise invalid(f"stop_sequences.{index}: Input should be a valid string")
        if not stop.strip():
            raise invalid("stop_sequences: each stop sequence must contain non-whitespace")


def _format(body: Json) -> None:
    config: dict[str, Any] = body.get("output_config") or {}
    _no_extras(config, {"format", "effort", "task_budget"}, "output_config")
    form = config.get("format") or {}
    schema = form.get("schema") or {}
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        place = "output_config.format.schema"
        raise invalid(f"{place}: For 'object' type, 'additionalProperties' must be explicitly set to false")
