from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from cache.directives import CacheDirectives
from cache.policy import Outcome, RequestFacts
from cache.sealed_cache import Hit, Kept, Miss, Stored
from handlers.app import create_app
from handlers.record import JsonLines
from handlers.services import Services, build_services
from infra.settings import Misconfigured

if TYPE_CHECKING:
    from pathlib import Path

FACTS = RequestFacts(deterministic=True)
WHOLE = Outcome(200, complete=True, storable_finish=True, size=7)
PATIENT = {"SABIR_CACHE_READ_MS": "10000"}


async def look_up(services: Services) -> Hit | Miss:
    return await services.cache.look_up(b"key", b"request", CacheDirectives(), FACTS, now=100)


async def put(services: Services, miss: Hit | Miss) -> Kept:
    assert isinstance(miss, Miss)
    return await services.cache.put(miss.handle, b"payload", WHOLE, now=100)


@pytest.mark.parametrize("kind", ["memory", "file"])
async def test_the_embedded_stores_keep_what_is_put(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "folder" / "cache.db"
    services = build_services(PATIENT | ({"SABIR_CACHE_PATH": str(file)} if kind == "file" else {}))
    assert not file.exists(), "nothing is made before it is needed"
    assert isinstance(await put(services, await look_up(services)), Stored)
    assert isinstance(await look_up(services), Hit)
    assert file.exists() is (kind == "file")
    await services.close()


async def test_a_table_goes_before_a_file_and_is_called_signed(tmp_path: Path) -> None:
    file = tmp_path / "cache.db"
    calls: list[tuple[str, str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        calls.append(
            (request.headers["x-amz-target"], request.headers["authorization"], (await request.json())["TableName"])
        )
        return web.json_response({}, content_type="application/x-amz-json-1.0")

    app = web.Application()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    env = {
        **PATIENT,
        "SABIR_CACHE_TABLE": "the-table",
        "SABIR_CACHE_PATH": str(file),
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example-secret",
    }
    services = build_services(env)
    assert isinstance(await put(services, await look_up(services)), Stored)
    await services.close()
    await runner.cleanup()
    assert [(target.partition(".")[2], table) for target, _, table in calls] == [
        ("GetItem", "the-table"),
        ("PutItem", "the-table"),
    ]
    assert all("/eu-central-1/dynamodb/aws4_request" in authorization for _, authorization, _ in calls)
    assert not file.exists()


async def test_without_credentials_of_aws_the_cache_is_a_miss_and_no_more() -> None:
    services = build_services({**PATIENT, "SABIR_CACHE_TABLE": "the-table"})
    miss = await look_up(services)
    assert isinstance(miss, Miss)
    assert (miss.reason, miss.may_forward) == ("fault", True)
    await services.close()


async def test_the_services_end_with_the_application(tmp_path: Path) -> None:
    services = build_services({**PATIENT, "SABIR_CACHE_PATH": str(tmp_path / "cache.db")})
    app = create_app(services)
    async with app.router.lifespan_context(app):
        await look_up(services)
        session = services.upstream.session
        assert isinstance(session, aiohttp.ClientSession)
    assert session.closed
    miss = await look_up(services)
    assert isinstance(miss, Miss)
    assert miss.reason == "fault"


def test_what_is_wrong_is_said_at_the_start() -> None:
    with pytest.raises(Misconfigured, match="OPENAI_BASE_URL"):
        build_services({"OPENAI_BASE_URL": "nonsense"})


def test_ids_are_32_hexadecimal_digits_and_the_clock_is_the_real_one() -> None:
    services = build_services({})
    assert re.fullmatch(r"[0-9a-f]{32}", services.new_id(1_800_000_000.5))
    assert services.new_id(0) != services.new_id(0)
    assert services.now() > 1_700_000_000
    assert isinstance(services.journal._line, JsonLines)


def test_records_are_kept_unless_they_are_to_be_kept_for_no_day(tmp_path: Path) -> None:
    env = {"SABIR_CONTROL_PATH": str(tmp_path / "c.db"), "SABIR_MASTER_KEY_PATH": str(tmp_path / "m.key")}
    assert list(build_services(env).journal._sinks) == ["store"]
    assert list(build_services({**env, "SABIR_REQUEST_DAYS": "0"}).journal._sinks) == []
    assert list(build_services({}).journal._sinks) == []
    with pytest.raises(Misconfigured, match="SABIR_REQUEST_DAYS"):
        build_services({**env, "SABIR_REQUEST_DAYS": "-1"})
