"""One invocation: the event bytes and what the Runtime API says about them in headers."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from typing import Any

from infra.runtime.framing import FramingError, Headers


@dataclass(frozen=True, slots=True)
class Invocation:
    """What ``/next`` gave.

    ``invocation_id`` names this attempt, where the platform says so, and is echoed with its answer;
    ``deadline`` is in seconds of the Unix epoch.
    """

    request_id: str
    invocation_id: str | None
    deadline: float
    function_arn: str
    trace_id: str | None
    client_context: str | None
    cognito_identity: str | None
    event: bytes = field(repr=False)

    @classmethod
    def from_next(cls, headers: Headers, event: bytes) -> Invocation:
        """Raises FramingError without a request id or a numeric deadline: it cannot be answered then."""
        request_id = headers.get("lambda-runtime-aws-request-id")
        deadline_ms = headers.get("lambda-runtime-deadline-ms")
        if not request_id or not deadline_ms or not deadline_ms.isdigit():
            raise FramingError("the Runtime API gave an invocation without request id or deadline")
        return cls(
            request_id=request_id,
            invocation_id=headers.get("lambda-runtime-invocation-id"),
            deadline=int(deadline_ms) / 1000,
            function_arn=headers.get("lambda-runtime-invoked-function-arn") or "",
            trace_id=headers.get("lambda-runtime-trace-id"),
            client_context=headers.get("lambda-runtime-client-context"),
            cognito_identity=headers.get("lambda-runtime-cognito-identity"),
            event=event,
        )

    def seconds_left(self) -> float:
        """Until the platform kills the sandbox; negative when that is overdue."""
        return self.deadline - time.time()


class Context:
    """What Lambda gives handlers beside the event, under the names that AWS documents for Python.

    The application finds it as ``scope["aws.context"]``, as under Mangum.
    """

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self.aws_request_id = invocation.request_id
        self.invoked_function_arn = invocation.function_arn
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "")
        self.memory_limit_in_mb = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE") or 0)
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")

    @property
    def client_context(self) -> Any:
        """The JSON a mobile SDK sent along, or None."""
        return json.loads(self._invocation.client_context) if self._invocation.client_context else None

    @property
    def identity(self) -> Any:
        """The Cognito identity as JSON, or None."""
        return json.loads(self._invocation.cognito_identity) if self._invocation.cognito_identity else None

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int(self._invocation.seconds_left() * 1000))
