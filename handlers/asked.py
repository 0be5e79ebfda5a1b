"""One request as it came in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from handlers.content import Draft

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AsyncExitStack

    from infra.requests.record import RequestRecord
    from infra.requests.timing import Timing
    from infra.telemetry.context import TraceContext
    from providers.base import Dialect


@dataclass(frozen=True, slots=True)
class Asked:
    """`headers` with lower-case names, `body` decompressed, `endpoint` less its prefix. `item`: what the URL names
    below the endpoint (`models/gpt-4`), empty where it names the endpoint alone. `query`: the URL's, as it came.

    `notes`: headers that the answer will bear, an error too; they fill as the request goes its way. `closing`: what is
    to be done when it is over, however it ended; nobody waits for it. `timing`: where its time goes. `draft`: what of
    it may be kept for the org's content log. `trace`: the one that it is part of, if any.
    """

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    endpoint: str
    dialect: Dialect
    record: RequestRecord
    notes: dict[str, str]
    closing: AsyncExitStack
    timing: Timing
    item: str = ""
    query: str = field(default="", repr=False)
    draft: Draft = field(default_factory=Draft, repr=False)
    trace: TraceContext | None = None
