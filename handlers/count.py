"""`POST /v1/chat/completions/input_tokens` and `/v1/messages/count_tokens`: how many tokens a chat would read.

It goes the way of a chat request, so that what is counted is what would be read, by the model that would read it. A
count is never kept: asking takes no tokens and costs nothing, and a provider may count otherwise tomorrow.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from handlers.answer import Whole
from handlers.caller import Member
from handlers.calls import sent, too_slow
from handlers.course import Course
from handlers.credentials import identified
from handlers.limits import admit_hit
from handlers.lookup import directives_of, note
from handlers.routing import routed
from handlers.tags import tag
from providers import estimate
from providers.errors import NotCached, UpstreamError
from providers.routing.affinity import prefix_of
from providers.token_count import Counted, counter_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handlers.asked import Asked
    from handlers.caller import Caller
    from handlers.course import Turn
    from handlers.services import Services
    from providers.base import Dialect, Provider, Target, Translated
    from providers.chat import ChatRequest
    from providers.routing.plan import Plan
    from providers.token_count import TokenCounter


async def answer(asked: Asked, services: Services) -> Whole:
    """The answer, or `SabirError`."""
    caller = await identified(asked, services)
    chat = replace(asked.dialect.parse(asked.body), stream=False)
    tag(asked, chat.model, user=chat.user, metadata=chat.metadata)
    directives = directives_of(asked.headers)
    plan = routed(chat.model, partial(prefix_of, chat), caller, asked.headers, services)
    note(asked, plan, stream=False)
    if directives.only_if_cached:
        raise NotCached("The request asks for a cached answer only, and counts are never kept.")
    await admit_hit(asked, caller, services)  # one request, as a hit is; no tokens and no money
    return await _Counting(asked, chat, caller, plan, services).counted()


@dataclass(frozen=True, slots=True)
class _Counting:
    asked: Asked
    chat: ChatRequest
    caller: Caller
    plan: Plan
    services: Services

    async def counted(self) -> Whole:
        """By the first provider on the way that can be asked; where that one does not count, what is likely there.

        Neither success nor failure is told to the endpoint's health: counting has limits of its own, and that something
        is counted does not say that it is answered.
        """
        course = Course(self.asked, self.caller, self.plan, self.services, translate=self._translated, streamed=False)
        while True:
            turn = await course.turn()
            counter = self._counter(turn.target)
            if counter is None:
                course.unsent(turn)
                return _told(turn, estimate.input_tokens(self.chat), self.asked.notes, self.asked.dialect, exact=False)
            headers: dict[str, str] = {}
            try:
                count = await self._asked_of(turn, counter, headers)
                return _told(turn, count, headers, self.asked.dialect, exact=True)
            except UpstreamError as error:
                course.failed(turn, error, of_endpoint=False)

    def _counter(self, target: Target) -> TokenCounter | None:
        return counter_for(target.provider, self.chat, target.model)

    def _translated(self, provider: Provider, target: Target) -> Translated:
        """Where nobody counts, the chat itself, which is not sent: what a provider cannot be asked has no count."""
        counter = self._counter(target)
        return provider.request(self.chat, target) if counter is None else counter.count_request(self.chat, target)

    async def _asked_of(self, turn: Turn, counter: TokenCounter, headers: dict[str, str]) -> int:
        limits = not isinstance(self.caller, Member)
        try:
            async with (
                asyncio.timeout(turn.patience),
                sent(turn.request, turn, self.asked, self.services, headers=headers, limits=limits) as upstream,
            ):
                return counter.count_response(await upstream.read())
        except TimeoutError:
            raise too_slow(turn) from None


def _told(turn: Turn, count: int, headers: Mapping[str, str], dialect: Dialect, *, exact: bool) -> Whole:
    """Whether it is exact is in a header too: not every dialect has a word for it."""
    body = dialect.counted(Counted(count, turn.leg.model, turn.leg.provider, exact))
    said = {"content-type": "application/json", "x-sabir-token-count": "exact" if exact else "estimate"}
    return Whole(200, {**headers, **said}, body)
