"""Which function a path belongs to. As in the template: `/admin/` and `/admin-iam/` are the admin function's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    import asyncio

    from infra.gateway.iam import IamAuthorizer
    from infra.gateway.limits import Limits
    from infra.gateway.ticket import Ticket


@dataclass(frozen=True, slots=True)
class Route:
    """All paths below `prefix`; the empty one takes what no other route does, `/` included.

    `authorizer`: who has to be asked before the function hears of a request.
    """

    tickets: asyncio.Queue[Ticket]
    limits: Limits
    prefix: str = ""
    authorizer: IamAuthorizer | None = None

    def takes(self, path: str) -> bool:
        """A greedy path variable stands for at least one character."""
        return not self.prefix or (path.startswith(f"{self.prefix}/") and len(path) > len(self.prefix) + 1)

    def resource(self, path: str) -> str:
        """The path as the API definition has it."""
        return "/" if path == "/" else f"{self.prefix}/{{proxy+}}"

    def parameters(self, path: str) -> dict[str, str] | None:
        return None if path == "/" else {"proxy": unquote(path[len(self.prefix) + 1 :])}
