"""The Lambda function: our runtime loop serves `app`; AWS's own, with the exec wrapper cleared, calls `handler`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from handlers.app import create_app
from handlers.services import build_services

if TYPE_CHECKING:
    from mangum.types import LambdaContext, LambdaEvent

app = create_app(build_services(os.environ))

_mangum: Any = None


def handler(event: LambdaEvent, context: LambdaContext) -> dict[str, Any]:
    """The stock runtime's entry. Mangum is made at the first call: our own loop never needs its cycle."""
    global _mangum  # noqa: PLW0603 - one for the sandbox, as Lambda's programming model has it
    if _mangum is None:
        from mangum import Mangum

        _mangum = Mangum(app, lifespan="off")
    answer: dict[str, Any] = _mangum(event, context)
    return answer
