"""The admin function as Lambda calls it: buffered, through Mangum."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mangum import Mangum

from handlers.admin.app import create_admin_app
from handlers.admin.services import build_admin_services

if TYPE_CHECKING:
    from mangum.types import LambdaContext, LambdaEvent

_services = build_admin_services(os.environ)
# Mangum runs every event on the thread's one loop, so the HTTP session is as old as the sandbox.
_mangum = Mangum(create_admin_app(_services), lifespan="off")


def handler(event: LambdaEvent, context: LambdaContext) -> dict[str, Any]:
    return _mangum(event, context)
