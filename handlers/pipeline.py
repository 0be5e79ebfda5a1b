"""A request's way, top to bottom. Each step is one call; the rules behind them live in the layers below."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from handlers.credentials import identified
from handlers.estimates import ChatEstimate
from handlers.exchange import Exchange
from handlers.lookup import Question, directives_of, look_up, note
from handlers.routing import routed
from handlers.serving import served
from handlers.sidecar import signatures_of
from handlers.tab import Tab
from handlers.tags import tag
from providers import codec
from providers.routing.affinity import prefix_of

if TYPE_CHECKING:
    from handlers.answer import Streamed, Whole
    from handlers.asked import Asked
    from handlers.services import Services
    from providers.chat import ChatRequest

# How the answer travels, not what it says. The model is in the identity as the provider calls it.
_TRANSPORT: Final = frozenset({"stream", "stream_options", "model"})


async def answer(asked: Asked, services: Services) -> Whole | Streamed:
    """The answer, or `SabirError`. Its `after` is to be awaited when the last byte has gone."""
    caller = await identified(asked, services)
    chat = asked.dialect.parse(asked.body)
    tag(asked, chat.model, user=chat.user, metadata=chat.metadata)
    directives = directives_of(asked.headers)
    plan = routed(chat.model, partial(prefix_of, chat), caller, asked.headers, services)
    note(asked, plan, stream=chat.stream)
    verdict = await look_up(_question(chat), directives, asked, caller, plan, services=services)
    tab = Tab(ChatEstimate(chat), int(services.now()))
    signatures = signatures_of(asked, caller, directives, services)
    return await served(Exchange(asked, chat, caller, plan, tab, services, signatures), verdict, directives)


def _question(chat: ChatRequest) -> Question:
    body = {name: value for name, value in chat.source.value.items() if name not in _TRANSPORT}
    return Question(body, codec.VERSION, deterministic=chat.temperature == 0 or chat.seed is not None)
