"""Stands in for AWS's own Python runtime, which a function without our wrapper runs on: one call, one whole answer.

Started as a script by the function's interpreter; standard library only, as the bundle must bring all else.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from http.client import HTTPConnection
from types import SimpleNamespace
from typing import Any

INVOCATION = "/2018-06-01/runtime/invocation"
INIT_ERROR = "/2018-06-01/runtime/init/error"


def main() -> int:
    root = os.environ["LAMBDA_TASK_ROOT"]
    os.chdir(root)
    sys.path.insert(0, root)
    api = HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        handler = _load(os.environ["_HANDLER"])
    except Exception as fault:
        _post(api, INIT_ERROR, _error(fault), type(fault).__name__)
        raise
    while True:
        _serve_one(api, handler)


def _load(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def _serve_one(api: HTTPConnection, handler: Any) -> None:
    api.request("GET", f"{INVOCATION}/next")
    response = api.getresponse()
    request_id = response.getheader("Lambda-Runtime-Aws-Request-Id")
    event = json.loads(response.read())
    try:
        answer = json.dumps(handler(event, SimpleNamespace(aws_request_id=request_id))).encode()
    except Exception as fault:  # noqa: BLE001 - whatever a function raises is its answer
        traceback.print_exc()
        _post(api, f"{INVOCATION}/{request_id}/error", _error(fault), type(fault).__name__)
        return
    _post(api, f"{INVOCATION}/{request_id}/response", answer)


def _post(api: HTTPConnection, path: str, body: bytes, error_type: str | None = None) -> None:
    headers = {"Content-Type": "application/json"}
    if error_type is not None:
        headers["Lambda-Runtime-Function-Error-Type"] = error_type
    api.request("POST", path, body, headers)
    api.getresponse().read()


def _error(fault: Exception) -> bytes:
    return json.dumps({"errorMessage": str(fault), "errorType": type(fault).__name__}).encode()


if __name__ == "__main__":
    sys.exit(main())
