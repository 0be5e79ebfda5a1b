"""The request log by way of the admin API: the last requests of some orgs, those that follow, and one by its id."""

from __future__ import annotations

import re
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import click

from handlers.commands.api import Refused
from handlers.commands.screen import progress
from infra.requests.record import NO_ORG

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from handlers.commands.api import AdminApi, Answer

_PAGE: Final = 100
# What is mostly in flight at once: as many have to be looked through for one that began before others and ends now.
_NEAR_PAGE: Final = 25
# Without an ORG, each org is asked for by itself.
_MOST_ORGS: Final = 20

# Seconds. A request is in the log when it is over, at the place of its beginning: the longest has begun so long before
# (`Timeouts.total` and `unread`, and what is done after the last byte).
LONGEST_REQUEST: Final = 960
# Of so many looks for new requests, one goes back so far.
FAR_LOOK: Final = 15

_ID_DIGITS: Final = 32
_TIME_DIGITS: Final = 12
_PREFIX: Final = re.compile(r"[0-9a-f]{8,32}", re.ASCII)


async def orgs_of(api: AdminApi, org: str | None) -> list[str]:
    """The one that is named; else all there are, and those who bring a provider's own key."""
    if org is not None:
        return [org]
    found = [each["org_id"] for each in await api.every("orgs")]
    if len(found) > _MOST_ORGS:
        raise click.UsageError(f"there are {len(found)} orgs: name one, or - for requests with a provider's own key")
    return [*found, NO_ORG]


async def pages(
    api: AdminApi, org: str, filters: Mapping[str, str], limit: int = _PAGE
) -> AsyncGenerator[list[Answer], None]:
    """Newest first. One page may be short or empty with more behind it."""
    after: dict[str, str] = {}
    while True:
        page = await api.get("orgs", org, "requests", limit=limit, **filters, **after)
        yield page["data"]
        if page["next"] is None:
            return
        after = {"after": page["next"]}


async def last(api: AdminApi, orgs: Sequence[str], filters: Mapping[str, str], count: int) -> list[Answer]:
    """The newest `count` of all the orgs together, oldest first."""
    found: list[Answer] = []
    for org in orgs if count else ():
        wanted: list[Answer] = []
        async with aclosing(pages(api, org, filters, min(count, _PAGE))) as read:
            async for page in read:
                wanted += page
                if len(wanted) >= count:
                    break
                progress(f"Looking back … {len(found) + len(wanted)} found")
        found += wanted[:count]
    progress("")
    return _by_time(found)[-count:] if count else []


@dataclass(slots=True)
class Follower:
    """What has not been shown yet of one org's requests: each once, and none left out.

    Most looks end at the first page without anything new. What began long ago and was over only now lies further back:
    every so often a look goes back as far as that may be. Times are the log's own, so that no clock has to be right.
    """

    api: AdminApi
    org: str
    filters: Mapping[str, str]
    _seen: dict[str, float] = field(default_factory=dict)
    _newest: float = 0.0
    _looks: int = 0

    async def begin(self, shown: Sequence[Answer], floor: str) -> list[Answer]:
        """What came after `shown` was read. Ids up to `floor` are passed over: they are older than what was shown."""
        self._mark(shown)
        return [one for one in await self._look(far=True) if one["id"] > floor]

    async def new(self) -> list[Answer]:
        """Oldest first."""
        self._looks += 1
        return await self._look(far=self._looks % FAR_LOOK == 0)

    async def _look(self, *, far: bool) -> list[Answer]:
        if far:
            newest = (await self.api.get("orgs", self.org, "requests", limit=1))["data"]
            self._newest = max([self._newest, *(one["at"] for one in newest)])
        since = {"since": f"{max(0.0, self._newest - LONGEST_REQUEST):.3f}"}
        found: list[Answer] = []
        size = _PAGE if far else _NEAR_PAGE
        async with aclosing(pages(self.api, self.org, {**self.filters, **since}, size)) as read:
            async for page in read:
                unseen = [one for one in page if one["id"] not in self._seen]
                found += unseen
                if not (unseen or far):
                    break
        self._mark(found)
        return _by_time(found)

    def _mark(self, shown: Sequence[Answer]) -> None:
        self._seen.update((one["id"], one["at"]) for one in shown)
        self._newest = max([self._newest, *(one["at"] for one in shown)])
        self._seen = {one: at for one, at in self._seen.items() if at > self._newest - 2 * LONGEST_REQUEST}


async def one(api: AdminApi, orgs: Sequence[str], written: str) -> Answer:
    """The request whose id begins so. Raises `click.ClickException`, and `UsageError` for what no id begins with."""
    prefix = written.lower().replace("-", "")
    if _PREFIX.fullmatch(prefix) is None:
        raise click.UsageError("an id has 32 hexadecimal digits; its first 12 are mostly enough, and 8 the least")
    found: list[Answer] = []
    for org in orgs:
        found += await _beginning(api, org, prefix)
    if not found:
        raise click.ClickException(f"there is no request {written} in {' or '.join(orgs)}, or not any more")
    if len(found) > 1:
        raise click.ClickException(f"several ids begin with {written}: {', '.join(each['id'] for each in found[:10])}")
    return found[0]


async def _beginning(api: AdminApi, org: str, prefix: str) -> list[Answer]:
    if len(prefix) == _ID_DIGITS:
        try:
            return [await api.get("orgs", org, "requests", prefix)]
        except Refused as refused:
            if refused.code != "request_not_found":
                raise
            return []
    async with aclosing(pages(api, org, _span_of(prefix))) as found:
        return [one async for page in found for one in page if one["id"].startswith(prefix)]


def _span_of(prefix: str) -> dict[str, str]:
    """An id begins with its time, so that all ids with this beginning are of one span of time."""
    first = int(prefix[:_TIME_DIGITS].ljust(_TIME_DIGITS, "0"), 16)
    last_one = int(prefix[:_TIME_DIGITS].ljust(_TIME_DIGITS, "f"), 16) + 1
    return {"since": _seconds(first), "until": _seconds(last_one)}


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}"


def _by_time(found: list[Any]) -> list[Answer]:
    return sorted(found, key=lambda each: each["id"])
