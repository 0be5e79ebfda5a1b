"""What `api.openai.com` refuses in a chat completion, and in which words.

The codes and parameters are the contract; the texts are near to the real ones, because clients show them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.simulator.providers import openai_models as models
from tests.simulator.providers.base import Json, Refused, parse_json, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.http1 import Request

_STRING, _BOOL, _LIST, _OBJECT = (str,), (bool,), (list,), (dict,)
_FIELDS: dict[str, tuple[type, ...]] = {
    "model": _STRING,
    "messages": _LIST,
    "audio": _OBJECT,
    "frequency_penalty": (int, float),
    "function_call": (str, dict),
    "functions": _LIST,
    "logit_bias": _OBJECT,
    "logprobs": _BOOL,
    "max_completion_tokens": (int,),
    "max_tokens": (int,),
    "metadata": _OBJECT,
    "modalities": _LIST,
    "moderation": _OBJECT,
    "n": (int,),
    "parallel_tool_calls": _BOOL,
    "prediction": _OBJECT,
    "presence_penalty": (int, float),
    "prompt_cache_key": _STRING,
    "prompt_cache_options": _OBJECT,
    "prompt_cache_retention": _STRING,
    "reasoning_effort": _STRING,
    "response_format": _OBJECT,
    "safety_identifier": _STRING,
    "seed": (int,),
    "service_tier": _STRING,
    "stop": (str, list),
    "store": _BOOL,
    "stream": _BOOL,
    "stream_options": _OBJECT,
    "temperature": (int, float),
    "tool_choice": (str, dict),
    "tools": _LIST,
    "top_logprobs": (int,),
    "top_p": (int, float),
    "user": _STRING,
    "verbosity": _STRING,
    "web_search_options": _OBJECT,
}
_RANGES = {"temperature": (0, 2), "top_p": (0, 1), "n": (1, 128), "top_logprobs": (0, 20), "max_tokens": (1, 10**6),
           "max_completion_tokens": (1, 10**6), "frequency_penalty": (-2, 2), "presence_penalty": (-2, 2)}  # fmt: skip
_ROLES = ("system", "assistant", "user", "function", "tool", "developer")


def reasons(body: Json) -> bool:
    """Whether the model thinks before it answers this request."""
    effort = body.get("reasoning_effort")
    return models.can_think(body["model"]) and effort != "none"


def check(request: Request) -> Json:
    _authenticate(request)
    body = parse_json(request.body)
    if not isinstance(body, dict):
        raise _invalid("We could not parse the JSON body of your request. The API expects a JSON payload.")
    _known_fields(body)
    if not body.get("model"):
        raise _invalid("you must provide a model parameter")
    if not models.exists(body["model"]):
        message = f"The model `{body['model']}` does not exist or you do not have access to it."
        raise Refused(404, "invalid_request_error", message, code="model_not_found")
    for rule in (_messages, _tool_messages, _ranges, _stream, _reasoning, _tools, _format, _dependent):
        rule(body)
    return body


def _invalid(message: str, param: str | None = None, code: str | None = None) -> Refused:
    return Refused(400, "invalid_request_error", message, param=param, code=code)


def _authenticate(request: Request) -> None:
    scheme, _, key = (request.header("authorization") or "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        message = "You didn't provide an API key. Provide it in an Authorization header using Bearer auth."
        raise Refused(401, "invalid_request_error", message)
    if "invalid" in key:
        masked = f"{key[:3]}{'*' * max(0, len(key) - 7)}{key[-4:]}"
        message = f"Incorrect API key provided: {masked}. You can find your API key at https://platform.openai.com/account/api-keys."
        raise Refused(401, "invalid_request_error", message, code="invalid_api_key")


def _known_fields(body: Json) -> None:
    for name, value in body.items():
        if name not in _FIELDS:
            raise _invalid(f"Unrecognized request argument supplied: {name}")
        if value is not None and not _is(value, _FIELDS[name]):
            found = type(value).__name__
            message = f"Invalid type for '{name}': expected {_FIELDS[name][-1].__name__}, but got {found} instead."
            raise _invalid(message, name, "invalid_type")


def _is(value: object, types: tuple[type, ...]) -> bool:
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _messages(body: Json) -> None:
    if body.get("messages") is None:
        raise _invalid("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    if not body["messages"]:
        message = "Invalid 'messages': empty array. Expected an array with minimum length 1."
        raise _invalid(message, "messages", "empty_array")
    for index, message in enumerate(body["messages"]):
        _message(message, f"messages[{index}]")


def _message(message: Any, place: str) -> None:
    if not isinstance(message, dict):
        raise _invalid(f"Invalid type for '{place}': expected an object.", place, "invalid_type")
    if message.get("role") not in _ROLES:
        supported = ", ".join(f"'{role}'" for role in _ROLES)
        reason = f"Invalid value: '{message.get('role')}'. Supported values are: {supported}."
        raise _invalid(reason, f"{place}.role", "invalid_value")
    content = message.get("content")
    if content is None and not (message["role"] == "assistant" and _speaks_otherwise(message)):
        raise _invalid("Invalid value for 'content': expected a string, got null.", f"{place}.content")
    if not isinstance(content, str | list | None):
        reason = f"Invalid type for '{place}.content': expected one of a string or array of objects."
        raise _invalid(reason, f"{place}.content", "invalid_type")
    for position, part in enumerate(content if isinstance(content, list) else ()):
        _part(part, message["role"], f"{place}.content[{position}]")


def _speaks_otherwise(message: Json) -> bool:
    return any(message.get(other) for other in ("tool_calls", "function_call", "refusal", "audio"))


def _part(part: Any, role: str, place: str) -> None:
    allowed = {"user": ("text", "image_url", "input_audio", "file"), "assistant": ("text", "refusal")}.get(
        role, ("text",)
    )
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in allowed:
        supported = ", ".join(f"'{name}'" for name in allowed)
        raise _invalid(f"Invalid value: '{kind}'. Supported values are: {supported}.", place, "invalid_value")
    if kind not in part or (kind == "image_url" and not isinstance(part[kind], dict)):
        raise _invalid(
            f"Missing required parameter: '{place}.{kind}'.", f"{place}.{kind}", "missing_required_parameter"
        )


def _tool_messages(body: Json) -> None:
    """Each tool call of an assistant is answered by the messages right behind it, and nothing else is."""
    open_calls: set[str] = set()
    for index, message in enumerate(body["messages"]):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_calls:
                reason = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
                raise _invalid(f"Invalid parameter: {reason}", f"messages.[{index}].role")
            open_calls.discard(message["tool_call_id"])
            continue
        _all_answered(open_calls, index)
        open_calls = {call["id"] for call in message.get("tool_calls") or ()}
    _all_answered(open_calls, len(body["messages"]))


def _all_answered(open_calls: set[str], index: int) -> None:
    if open_calls:
        missing = ", ".join(sorted(open_calls))
        reason = (
            "An assistant message with 'tool_calls' must be followed by tool messages "
            "responding to each 'tool_call_id'. "
            f"The following tool_call_ids did not have response messages: {missing}"
        )
        raise _invalid(reason, f"messages.[{index}].role")


def _ranges(body: Json) -> None:
    for name, (low, high) in _RANGES.items():
        value = body.get(name)
        if value is not None and not low <= value <= high:
            kind = "integer" if isinstance(value, int) else "decimal"
            side, bound = ("above_max", f"<= {high}") if value > high else ("below_min", f">= {low}")
            reason = f"Invalid '{name}': {kind} out of range. Expected a value {bound}, but got {value} instead."
            raise _invalid(reason, name, f"{kind}_{side}_value")
    stop = body.get("stop")
    if isinstance(stop, list) and len(stop) > 4:
        raise _invalid("Invalid 'stop': array too long. Expected at most 4.", "stop", "array_above_max_length")


def _stream(body: Json) -> None:
    if body.get("stream_options") is not None and not body.get("stream"):
        raise _invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")


def _reasoning(body: Json) -> None:
    thinker = models.can_think(body["model"])
    if not thinker and body.get("reasoning_effort") is not None:
        raise _invalid("Unrecognized request argument supplied: reasoning_effort")
    if not thinker:
        return
    if body.get("max_tokens") is not None:
        reason = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        raise _invalid(reason, "max_tokens", "unsupported_parameter")
    if models.takes_sampling(body["model"]):
        return
    for name in ("temperature", "top_p"):
        if body.get(name) not in {None, 1}:
            reason = f"Unsupported value: '{name}' does not support {body[name]} with this model."
            raise _invalid(reason, name, "unsupported_value")
    for name in ("logprobs", "stop", "presence_penalty", "frequency_penalty"):
        if body.get(name):
            raise _invalid(
                f"Unsupported parameter: '{name}' is not supported with this model.", name, "unsupported_parameter"
            )


def _tools(body: Json) -> None:
    tools = body.get("tools")
    if tools == []:
        raise _invalid("Invalid 'tools': empty array. Expected an array with minimum length 1.", "tools", "empty_array")
    for name in ("tool_choice", "parallel_tool_calls"):
        if not tools and body.get(name) is not None:
            raise _invalid(f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified.", name)
    names = [_tool_name(tool, f"tools[{index}]") for index, tool in enumerate(tools or ())]
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "function" and choice["function"]["name"] not in names:
        raise _invalid(f"Tool choice '{choice['function']['name']}' not found in 'tools' parameter.", "tool_choice")
    if isinstance(choice, str) and choice not in {"none", "auto", "required"}:
        raise _invalid(f"Invalid value: '{choice}'.", "tool_choice", "invalid_value")


def _tool_name(tool: Any, place: str) -> str:
    kind = tool.get("type") if isinstance(tool, dict) else None
    if kind not in {"function", "custom"}:
        raise _invalid(f"Invalid value: '{kind}'.", f"{place}.type", "invalid_value")
    function = tool.get(kind)
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str):
        raise _invalid(
            f"Missing required parameter: '{place}.function'.", f"{place}.function", "missing_required_parameter"
        )
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name):
        reason = f"Invalid '{place}.function.name': string does not match pattern."
        raise _invalid(reason, f"{place}.function.name", "invalid_value")
    return name


def _format(body: Json) -> None:
    form = body.get("response_format") or {"type": "text"}
    if form.get("type") not in {"text", "json_object", "json_schema"}:
        raise _invalid(f"Invalid value: '{form.get('type')}'.", "response_format.type", "invalid_value")
    if form["type"] == "json_object":
        spoken = " ".join(text_of(message.get("content")) for message in body["messages"])
        if "json" not in spoken.lower():
            reason = (
                "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
            )
            raise _invalid(reason, "messages")
    if form["type"] == "json_schema":
        _schema(form.get("json_schema"))


def _schema(given: Any) -> None:
    place = "response_format.json_schema"
    if not isinstance(given, dict) or not given.get("name"):
        raise _invalid(f"Missing required parameter: '{place}.name'.", f"{place}.name", "missing_required_parameter")
    schema = given.get("schema") or {}
    if given.get("strict") and schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        reason = (
            f"Invalid schema for response_format '{given['name']}': "
            "In context=(), 'additionalProperties' is required to be supplied and to be false."
        )
        raise _invalid(reason, "response_format")


def _dependent(body: Json) -> None:
    """Parameters that need another one."""
    needs: dict[str, tuple[str, Callable[[Json], bool]]] = {
        "metadata": ("store", lambda body: bool(body.get("store"))),
        "top_logprobs": ("logprobs", lambda body: bool(body.get("logprobs"))),
    }
    for name, (other, given) in needs.items():
        if body.get(name) is not None and not given(body):
            raise _invalid(f"The '{name}' parameter is only allowed when '{other}' is enabled.", name)
