"""Who can read the content log: the key that asked, through the API, and nobody else; and what a thief finds of it."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from cache.content import ContentLog
from cache.errors import CacheFault
from cache.sealed import Sealer
from cache.stores.memory import MemoryStore
from tests.contract.content_rig import COMPLETION, PROMPT, kept, read, said
from tests.contract.org_rig import CACHE_KEY, TOKEN_KEY, an_org, endpoint, org_env
from tests.contract.test_attackers_dump import FAKE_AWS, dynamodb
from tests.simulator import Say, Simulator, Status

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from cache.sealed import SealedEntry
    from handlers.services import Services
    from tests.contract.org_rig import TestOrg
    from tests.contract.rig import Sabir

Start = Any
NOT_FOUND: Final = (404, "content_not_found")


@pytest.fixture
async def sabir(start: Start, tmp_path: Path) -> Sabir:
    started: Sabir = await start(org_env(tmp_path))
    return started


@pytest.fixture
async def acme(sabir: Sabir) -> TestOrg:
    return await an_org(sabir, [endpoint("openai")], content_log_percent=100)


async def refused(sabir: Sabir, http: aiohttp.ClientSession, key: str, request_id: str) -> tuple[int, str]:
    status, body, _ = await read(sabir, http, key, request_id)
    assert set(body) == {"error"}
    return status, body["error"]["code"]


async def token_of(sabir: Sabir, http: aiohttp.ClientSession, key: str) -> str:
    done = len(sabir.log.records)
    headers = {"authorization": f"Bearer {key}"}
    async with http.post(sabir.url() + "/credentials", json={"model": "gpt-4"}, headers=headers) as answer:
        token = str(json.loads(await answer.read())["key"])
    await sabir.log.records_of(done + 1)
    return token


async def test_nobody_reads_what_another_key_asked(sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession) -> None:
    """The rig's orgs have one data key, which real ones never do: the org's id in the scope keeps them apart too."""
    beta = await an_org(sabir, [endpoint("openai")], "beta", content_log_percent=100)
    key = await acme.key()
    _, _, record = await said(sabir, http, key)
    answers = [await read(sabir, http, other, record.request_id) for other in (await acme.key(), await beta.key())]
    never = await read(sabir, http, key, "0" * 32)
    assert {(status, json.dumps(body)) for status, body, _ in answers} == {(never[0], json.dumps(never[1]))}
    assert (never[0], never[1]["error"]["code"]) == NOT_FOUND
    assert (await kept(sabir, http, key, record.request_id))["request"]["messages"][0]["content"] == PROMPT


async def test_a_key_with_access_to_the_org_s_log_reads_what_the_others_asked(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    beta = await an_org(sabir, [endpoint("openai")], "beta", content_log_percent=100)
    key = await acme.key()
    _, _, record = await said(sabir, http, key)
    content = await kept(sabir, http, await acme.key(log_access="org"), record.request_id)
    assert content["key"] == acme.records[key].key_id
    assert await refused(sabir, http, await beta.key(log_access="org"), record.request_id) == NOT_FOUND


async def test_the_record_says_that_there_is_content_and_holds_none(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    key = await acme.key()
    _, _, record = await said(sabir, http, key)
    headers = {"authorization": f"Bearer {key}"}
    async with http.get(f"{sabir.url()}/requests/{record.request_id}", headers=headers) as answer:
        shown = await answer.text()
    assert json.loads(shown)["content"] == "kept"
    assert PROMPT[:12] not in shown


@pytest.mark.parametrize("request_id", ["x", "A" * 32, "0" * 31, "0" * 33, "0" * 32 + "%00"])
async def test_what_is_no_id_finds_nothing(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, request_id: str
) -> None:
    assert await refused(sabir, http, await acme.key(), request_id) == NOT_FOUND


async def test_a_provider_s_own_key_has_no_content(sabir: Sabir, http: aiohttp.ClientSession) -> None:
    _, _, record = await said(sabir, http, "sk-own")
    assert record.content is None
    assert await refused(sabir, http, "sk-own", record.request_id) == (403, "sabir_key_needed")


async def test_a_revoked_key_opens_nothing(sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession) -> None:
    key = await acme.key()
    _, _, record = await said(sabir, http, key)
    await acme.change_key(key, revoked_at=int(sabir.clock.now), wrapped_cache_key=b"")
    sabir.clock.now += sabir.services.settings.key_seconds
    assert await refused(sabir, http, key, record.request_id) == (401, "revoked_api_key")
    # Not even if somebody made it good again: its copy of the data key is gone.
    await acme.change_key(key, revoked_at=None)
    sabir.clock.now += sabir.services.settings.key_seconds
    assert await refused(sabir, http, key, record.request_id) == NOT_FOUND


async def test_a_purge_forgets_it(sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession) -> None:
    key = await acme.key()
    _, _, before = await said(sabir, http, key)
    await acme.change(cache_epoch=1)
    sabir.clock.now += sabir.services.settings.key_seconds
    _, _, after = await said(sabir, http, key)
    assert await refused(sabir, http, key, before.request_id) == NOT_FOUND
    assert (await kept(sabir, http, key, after.request_id))["request_id"] == after.request_id


@pytest.mark.parametrize("share", [False, True])
async def test_a_temporary_credential_s_content_is_read_with_its_key_alone(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, share: bool
) -> None:
    await acme.change(share_cache=share)
    key = await acme.key()
    token = await token_of(sabir, http, key)
    _, _, record = await said(sabir, http, token)
    assert record.content == "kept"
    assert await refused(sabir, http, token, record.request_id) == (403, "temporary_credential")
    assert (await kept(sabir, http, key, record.request_id))["key"] == acme.records[key].key_id


async def test_a_credential_made_before_the_log_was_on_brings_no_key(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    await acme.change(content_log_percent=0)
    token = await token_of(sabir, http, await acme.key())
    await acme.change(content_log_percent=100)
    sabir.clock.now += sabir.services.settings.key_seconds
    status, _, record = await said(sabir, http, token)
    assert (status, record.content) == (200, "no_key")


async def test_a_copy_that_does_not_open_costs_its_bearer_nothing_but_the_content(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    for copy in (b"\1" + bytes(60), b""):
        key = await acme.key(wrapped_cache_key=copy)
        status, _, record = await said(sabir, http, key)
        assert (status, record.content, record.error) == (200, "no_key", None)
        assert await refused(sabir, http, key, record.request_id) == NOT_FOUND


async def test_keys_that_log_content_do_not_share_their_cache_by_it(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    first, second = await acme.key(), await acme.key()
    verdicts = [(await said(sabir, http, key, seed=1))[2].cache for key in (first, second, first)]
    assert verdicts == ["miss", "miss", "hit"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_thief_of_all_tables_and_logs_finds_nothing(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator, tmp_path: Path, stream: bool
) -> None:
    key = await acme.key()
    for fault in (Say(COMPLETION), Status(400, message=f"no: {PROMPT} {COMPLETION}")):
        simulator.next(fault)
        _, _, record = await said(sabir, http, key, stream=stream)
        assert record.content == "kept"
        content = json.dumps(await kept(sabir, http, key, record.request_id), ensure_ascii=False)
        assert PROMPT in content
        assert COMPLETION in content
    stolen = await asyncio.to_thread(_tables, tmp_path)
    assert acme.records[key].key_id.encode() in stolen, "the tables were not read"
    marks = [key, key.rpartition("_")[2], "secret-of-openai", *_pieces(PROMPT), *_pieces(COMPLETION)]
    for mark in [*(mark.encode() for mark in marks), CACHE_KEY, TOKEN_KEY]:
        assert mark not in stolen
        assert mark not in sabir.log.text.encode()


def _pieces(text: str) -> list[str]:
    """A leak need not be whole."""
    pieces = [text[at : at + 12] for at in range(0, len(text) - 11, 4)]
    return [*pieces, *(json.dumps(piece)[1:-1] for piece in pieces)]


def _tables(folder: Path) -> bytes:
    """All that is kept, but for the master key, which Secrets Manager stands for on AWS."""
    files = [file for file in folder.iterdir() if file.name != "master.key"]
    assert {"cache.db", "control.db"} <= {file.name for file in files}
    return b"".join(file.read_bytes() for file in files)


@pytest.mark.slow
@pytest.mark.parametrize("emulator", ["moto", "ministack"])
async def test_a_thief_of_the_dynamodb_table_finds_nothing(
    start: Start, tmp_path: Path, http: aiohttp.ClientSession, request: pytest.FixtureRequest, emulator: str
) -> None:
    url = request.getfixturevalue(f"{emulator}_url")
    table = "sabir-content-of-a-test"
    await dynamodb(
        url,
        "CreateTable",
        {
            "TableName": table,
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "B"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    )
    sabir = await start({**org_env(tmp_path), "SABIR_CACHE_TABLE": table, "AWS_ENDPOINT_URL": url, **FAKE_AWS})
    acme = await an_org(sabir, [endpoint("openai")], content_log_percent=100)
    key = await acme.key()
    _, _, record = await said(sabir, http, key)
    assert (await kept(sabir, http, key, record.request_id))["request"]["messages"][0]["content"] == PROMPT
    (item,) = (await dynamodb(url, "Scan", {"TableName": table}))["Items"]
    assert set(item) == {"id", "sealed", "expires_at"}
    assert int(item["expires_at"]["N"]) == record.at + 7 * 86_400
    stolen = b"".join([json.dumps(item).encode(), *(base64.b64decode(item[name]["B"]) for name in ("id", "sealed"))])
    assert record.request_id.encode() not in stolen
    assert CACHE_KEY not in stolen
    for mark in (*_pieces(PROMPT), "gpt-4", "acme", key):
        assert mark.encode() not in stolen


# --- stores that fail --------------------------------------------------------------------------------------------------


class Failing(MemoryStore):
    """Raises, or hangs until it is released where `error` is None; the content log's own, so that nothing else fails with it."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__()
        self.error = error
        self.released = asyncio.Event()

    async def get(self, item_id: bytes, *, now: int) -> SealedEntry | None:
        await self._fail()
        return None

    async def put(self, item_id: bytes, sealed: SealedEntry, *, now: int) -> None:
        await self._fail()

    async def _fail(self) -> None:
        if self.error is None:
            await self.released.wait()
        else:
            raise self.error


FAULTS: Final = {
    "down": (CacheFault("the table is on fire"), "the table is on fire"),
    "buggy": (RuntimeError(PROMPT), "unexpected RuntimeError"),
    "hanging": (None, "the cache did not take the content in time"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stream", [False, True])
async def test_pitfall_28_a_broken_store_is_a_line_in_the_log_and_nothing_to_the_client(
    start: Start, tmp_path: Path, http: aiohttp.ClientSession, simulator: Simulator, fault: str, stream: bool
) -> None:
    error, words = FAULTS[fault]

    def over(services: Services) -> Services:
        log = ContentLog(Failing(error), Sealer(lambda: os.urandom(12)), write_deadline=0.02)
        return replace(services, content=log)

    sabir = await start(org_env(tmp_path), change=over)
    acme = await an_org(sabir, [endpoint("openai")], content_log_percent=100)
    simulator.next(Say(COMPLETION))
    status, body, record = await said(sabir, http, await acme.key(), stream=stream)
    assert (status, body[-14:] == b"data: [DONE]\n\n") == (200, stream)
    assert (record.error, record.bug, record.content, record.cache_fault) == (None, (), "fault", words)


async def test_the_client_has_its_last_byte_before_the_store_has_the_content(
    start: Start, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    store = Failing(None)

    def over(services: Services) -> Services:
        log = ContentLog(store, Sealer(lambda: os.urandom(12)), write_deadline=60.0)
        return replace(services, content=log)

    sabir = await start(org_env(tmp_path), change=over)
    acme = await an_org(sabir, [endpoint("openai")], content_log_percent=100)
    body = {"model": "gpt-4", "messages": [{"role": "user", "content": PROMPT}]}
    headers = {"authorization": f"Bearer {await acme.key()}"}
    async with http.post(sabir.completions, json=body, headers=headers) as answer:
        assert json.loads(await answer.read())["choices"]
    assert sabir.log.records == [], "the answer waited for the store"
    store.released.set()
    assert (await sabir.log.last(1)).content == "kept"


@pytest.mark.parametrize("error", [CacheFault("the table is on fire"), None], ids=["down", "hanging"])
async def test_pitfall_39_an_outage_of_the_store_is_a_503_and_not_a_404(
    start: Start, tmp_path: Path, http: aiohttp.ClientSession, error: Exception | None
) -> None:
    def over(services: Services) -> Services:
        log = ContentLog(Failing(error), Sealer(lambda: os.urandom(12)), read_deadline=0.02)
        return replace(services, content=log)

    sabir = await start(org_env(tmp_path), change=over)
    acme = await an_org(sabir, [endpoint("openai")], content_log_percent=100)
    code = "content_store_unavailable"
    assert await refused(sabir, http, await acme.key(), f"{1 << 124:032x}") == (503, code)
