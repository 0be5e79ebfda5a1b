"""The content log at the end of a request: what is kept where the end is no good one."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cache.content import ContentLog, Place
from cache.directives import CacheDirectives
from cache.sealed import Sealer
from cache.stores.memory import MemoryStore
from handlers import content
from handlers.answer import Whole
from handlers.caller import CacheRoot, Member
from handlers.content import Draft
from handlers.endpoint import Endpoint
from handlers.services import build_services
from infra.control.records import Org, SabirKey
from infra.requests.record import RequestRecord
from infra.secrets.org_secrets import OrgSecrets
from providers.dialects import openai
from providers.secret import Secret
from tests.contract.rig import Records
from tests.handlers.test_endpoint import Server

if TYPE_CHECKING:
    from handlers.asked import Asked
    from handlers.services import Services

DATA_KEY = bytes(range(32))
MEMBER = Member(
    Org("acme", 0, content_log_percent=100),
    SabirKey("acme", "aaaaaaaaaa", bytes(32), "test", 0),
    OrgSecrets((), Secret("AA=="), "1"),
    {},
    CacheRoot(b"a key"),
    lambda: DATA_KEY,
)


class Slow(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def put(self, *_: Any, **__: Any) -> None:
        self.asked.set()
        await asyncio.get_running_loop().create_future()


def services_over(store: MemoryStore, log: Records | None = None) -> Services:
    built = build_services({}, log=log)
    return replace(built, content=ContentLog(store, Sealer(lambda: os.urandom(12))))


async def answering(asked: Asked, _: Services) -> Whole:
    content.draft(asked, MEMBER, CacheDirectives())
    asked.draft.answer = lambda: b"{}"
    return Whole(200, {}, b"{}")


async def test_a_sandbox_that_is_about_to_end_keeps_no_content() -> None:
    store = MemoryStore()
    record = RequestRecord("0" * 32, "openai-chat")
    await content.keep(Draft(MEMBER, request=b"{}"), record, services_over(store), hurried=True)
    assert record.content == "fault"
    assert store._entries == {}


async def test_a_request_that_is_cancelled_at_the_store_is_in_the_log_all_the_same() -> None:
    store, log = Slow(), Records()
    endpoint = Endpoint("x", openai.DIALECT, services_over(store, log), answering, operation="chat")
    server = Server(b"{}")
    task = asyncio.create_task(endpoint(server.scope, server.receive, server.send))
    await asyncio.wait_for(store.asked.wait(), 20)
    assert server.answer == (200, {})
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    (record,) = log.records
    assert (record.content, record.status) == ("fault", 200)


@pytest.mark.parametrize("bug", [RuntimeError("it quotes the prompt"), RecursionError()], ids=repr)
async def test_an_answer_that_cannot_be_put_together_is_no_answer_kept(bug: Exception) -> None:
    def told() -> bytes:
        raise bug

    record = RequestRecord("0" * 32, "openai-chat")
    await content.keep(Draft(MEMBER, request=b"{}", answer=told), record, services_over(MemoryStore()), hurried=False)
    assert (record.content, record.cache_fault) == ("fault", None)


async def test_a_bug_of_ours_is_kept_with_the_request_that_found_it() -> None:
    async def failing(asked: Asked, services: Services) -> Whole:
        await answering(asked, services)
        raise RuntimeError("it quotes the prompt")

    store, log = MemoryStore(), Records()
    services = services_over(store, log)
    endpoint = Endpoint("x", openai.DIALECT, services, failing, operation="chat")
    server = Server('{"größe": "\u2028"}'.encode() + b"\xff")
    await endpoint(server.scope, server.receive, server.send)
    (record,) = log.records
    assert (record.error, record.content) == ("internal_error", "kept")
    entry = await services.content.get(DATA_KEY, Place("acme", 0, record.request_id), now=int(services.now()))
    assert entry is not None
    assert '{\\"größe\\": \\"\u2028\\"}\\\\xff'.encode() in entry.payload
    assert b"Sabir failed to handle this request." in entry.payload
    assert b"quotes" not in entry.payload
