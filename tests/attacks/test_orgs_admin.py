"""The admin API under attack: ways around its door, strange paths and bodies, races, and addresses that are not for it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Final

import httpx2
import pytest

from tests.handlers.admin.desk import ADMIN_KEY, MARKED, desk_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.handlers.admin.desk import Desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_over(tmp_path) as desk:
        yield desk


PATHS: Final = [
    "/admin/v1/orgs",
    "/admin/v1/orgs/",
    "/admin/v1//orgs",
    "//admin/v1/orgs",
    "/Admin/v1/orgs",
    "/admin/V1/orgs",
    "/admin/v1/./orgs",
    "/admin/v1/x/../orgs",
    "/admin%2Fv1/orgs",
    "/admin/v1%2Forgs",
    "/admin/v1/orgs/acme",
    "/admin/v1/orgs/acme/",
    "/admin/v1/orgs/acme/keys",
    "/admin/v1/orgs/acme%2Fkeys",
    "/admin/v1/orgs/acme/endpoints/main",
    "/admin/v1/orgs/acme/endpoints/main%00",
    "/admin/v1/orgs/acme/models/%2e%2e/keys",
    "/admin/v1/orgs/acme/audit",
    "/admin-iam/v1/orgs",
    "/admin-iam/v1/orgs/acme",
    "/admin/../admin-iam/v1/orgs",
    "/admin-iam/v1/../../admin/v1/orgs",
]
METHODS: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "get", "PROPFIND")


async def raw(desk: Desk, method: str, path: str, headers: str = "", body: bytes = b"{}") -> bytes:
    """As it is written: a client's library would tidy the path up."""
    port = desk.http.base_url.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
    writer.write(head.encode() + body)
    try:
        return await asyncio.wait_for(reader.read(), 20)
    finally:
        writer.close()


async def test_no_spelling_of_a_path_and_no_method_gets_past_the_door(desk: Desk) -> None:
    await desk.acme_with_endpoint()
    for path in PATHS:
        for method in METHODS:
            told = await raw(desk, method, path)
            status = int(told.split(b" ")[1])
            assert status in (400, 401, 404, 405), (method, path, told)
            assert b"acme" not in told.replace(path.encode(), b"")
    assert len(await desk.trail()) == 2


async def test_the_admin_key_does_not_open_the_paths_for_iam_nor_do_headers_that_look_like_it(desk: Desk) -> None:
    await desk.acme()
    pretended = "".join(
        f"{name}: {value}\r\n"
        for name, value in {
            "authorization": f"Bearer {ADMIN_KEY}",
            "x-amzn-requestcontext": json.dumps(
                {"resourcePath": "/admin-iam/{proxy+}", "identity": {"userArn": "arn:aws:iam::1:user/eve"}}
            ),
            "x-forwarded-user": "arn:aws:iam::1:user/eve",
            "x-amz-user-arn": "arn:aws:iam::1:user/eve",
        }.items()
    )
    for path in ("/admin-iam/v1/orgs", "/admin-iam/v1/orgs/acme"):
        assert (await raw(desk, "GET", path, pretended)).split(b" ")[1] == b"401"


BODIES: Final = [
    b"[" * 100_000,
    b'{"org_id":' * 50_000,
    b'{"org_id": "' + b"a" * 300_000 + b'"}',
    b'{"org_id": "\\ud800"}',
    b'{"org_id": "beta", "limits": {"requests_per_minute": 1e400}}',
    b'{"org_id": "beta", "limits": {"requests_per_minute": ' + b"9" * 5000 + b"}}",
    b'{"org_id": "beta", "limits": {"usd_per_day": "' + "\u0661".encode() + b'"}}',
    b'{"org_id": "beta", "limits": {"usd_per_day": "-1"}}',
    b'{"org_id": "beta", "limits": {"usd_per_day": 1e9}}',
    b'{"org_id": "beta", "models": [{"name": "\\ud800", "candidates": [{"model": "x"}]}]}',
    b'{"org_id": "beta", "share_cache": 1}',
    b'{"org_id": "beta\\n"}',
    b'{"org_id": "BETA"}',
    b'{"org_id": "b_eta"}',
    b'{"org_id": null}',
    b"\xff",
    b"null",
    b'"x"',
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
async def test_a_hostile_body_is_refused_and_makes_no_org(desk: Desk, body: bytes) -> None:
    answer = await desk.http.post("/admin/v1/orgs", content=body)
    assert answer.status_code in (400, 413), answer.text
    assert (await desk.made("GET", "/orgs"))["data"] == []
    assert desk.reports == []


QUERIES: Final = [
    "limit=000000001999",
    "limit=" + "0" * 8 + "1" + "9" * 5000,
    "limit=%C2%B2",
    "limit=-1",
    "limit=",
    "limit=1&limit=2000",
    "after=%00",
    "after=" + "x" * 5000,
    "after=%F0%9F%98%80",
    "after=%ff%fe",
    "after=%ED%A0%80",
    "after=../../ORG",
    "nothing=1",
    "%ff=1",
]


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
@pytest.mark.parametrize("path", ["/orgs", "/orgs/acme/keys", "/orgs/acme/audit"])
async def test_a_hostile_query_is_refused_or_finds_what_is_there(desk: Desk, path: str, query: str) -> None:
    await desk.acme()
    answer = await desk.http.get(f"/admin/v1{path}?{query}")
    assert answer.status_code in (200, 400), answer.text
    assert desk.reports == []
    if answer.status_code == 200:
        assert all(found.get("object") != "org" or found["org_id"] == "acme" for found in answer.json()["data"])


@pytest.mark.parametrize("name", ["%00", "..", "a%2Fb", "%F0%9F%98%80", "a" * 5000, "%ED%A0%80", "-", "a%0D%0Ab"])
async def test_a_hostile_name_in_the_path_is_refused_everywhere(desk: Desk, name: str) -> None:
    await desk.acme_with_endpoint()
    auth = f"authorization: Bearer {ADMIN_KEY}\r\n"
    endpoint = json.dumps({"provider": "openai", "secret": MARKED}).encode()
    model = json.dumps({"candidates": [{"model": "gpt-4o"}]}).encode()
    for method, path, body in [
        ("GET", f"/orgs/{name}", b""),
        ("PATCH", f"/orgs/{name}", b"{}"),
        ("PUT", f"/orgs/acme/endpoints/{name}", endpoint),
        ("GET", f"/orgs/acme/endpoints/{name}", b""),
        ("POST", f"/orgs/acme/endpoints/{name}/test", b"{}"),
        ("GET", f"/orgs/acme/keys/{name}", b""),
        ("DELETE", f"/orgs/acme/keys/{name}", b""),
        ("PUT", f"/orgs/{name}/models/x", model),
        ("GET", f"/orgs/{name}/audit", b""),
    ]:
        told = await raw(desk, method, f"/admin/v1{path}", auth, body)
        assert int(told.split(b" ")[1]) in (400, 404, 405), (method, path[:80], told[-300:])
        assert MARKED.encode() not in told
    assert desk.reports == []


async def test_edits_at_the_same_time_are_all_kept_or_told(desk: Desk) -> None:
    await desk.acme()
    body = {"provider": "openai", "secret": MARKED}
    answers = await asyncio.gather(
        *(desk.ask("PUT", f"/orgs/acme/endpoints/e{number}", body) for number in range(8)),
        *(desk.ask("PATCH", "/orgs/acme", {"limits": {"requests_per_minute": number}}) for number in range(8)),
    )
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    kept = {each["name"] for each in (await desk.made("GET", "/orgs/acme/endpoints"))["data"]}
    assert kept == {f"e{number}" for number, answer in enumerate(answers[:8]) if answer.status_code == 201}
    trail = await desk.trail()
    assert all(entry["outcome"] in ("done", "failed: conflict") for entry in trail)
    assert sum(entry["action"] == "endpoint.add" and entry["outcome"] == "done" for entry in trail) == len(kept)


LINK_LOCAL: Final = [
    "http://169.254.169.254",
    "http://169.254.169.254:80/latest/meta-data",
    "http://169.254.170.2/v2/credentials",
    "http://2852039166",
    "http://0xa9fea9fe",
    "http://0xA9.0xFE.0xA9.0xFE/",
    "http://169.254.43518",
    "http://0251.0376.0251.0376",
    "http://[fe80::1]",
    "http://[::ffff:169.254.169.254]",
    "http://[::ffff:a9fe:a9fe]",
    "http://[fd00:ec2::254]",
    "http://169.254.169.254.",
]
LOOPBACK: Final = [
    "http://127.0.0.1:9001",
    "http://127.0.0.1:9001/2018-06-01/runtime",
    "http://localhost:9001",
    "http://LOCALHOST.:9001",
    "http://x.localhost:9001",
    "http://127.1:9001",
    "http://2130706433:9001",
    "http://0x7f000001:9001",
    "http://0:9001",
    "http://0.0.0.0:9001",
    "http://[::1]:9001",
    "http://[::]:9001",
    "http://[::ffff:127.0.0.1]:9001",
    "http://127.255.255.254",
]
FINE: Final = ["http://10.0.0.7:8000/v1", "https://models.example.com/v1", "http://[fd12::7]:8000", "http://1.example"]


@pytest.mark.parametrize("url", LINK_LOCAL)
async def test_an_endpoint_cannot_be_at_a_metadata_service(desk: Desk, url: str) -> None:
    await desk.acme()
    body = {"provider": "openai", "secret": MARKED, "base_url": url}
    error = await desk.refused("PUT", "/orgs/acme/endpoints/main", body)
    assert error["param"] == "base_url"
    assert (await desk.made("GET", "/orgs/acme/endpoints"))["data"] == []


@pytest.mark.parametrize("url", LOOPBACK)
async def test_on_lambda_an_endpoint_cannot_be_the_runtime_api_or_anything_else_in_the_sandbox(
    tmp_path: Path, url: str
) -> None:
    async with desk_over(tmp_path, {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"}) as desk:
        await desk.acme()
        body = {"provider": "openai", "secret": MARKED, "base_url": url}
        assert (await desk.refused("PUT", "/orgs/acme/endpoints/main", body))["param"] == "base_url"
    async with desk_over(tmp_path) as desk:
        await desk.made("PUT", "/orgs/acme/endpoints/main", body)  # a model server on one's own machine is welcome


@pytest.mark.parametrize("url", FINE)
async def test_an_endpoint_can_be_anywhere_else(tmp_path: Path, url: str) -> None:
    async with desk_over(tmp_path, {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"}) as desk:
        await desk.acme()
        await desk.made("PUT", "/orgs/acme/endpoints/main", {"provider": "openai", "secret": MARKED, "base_url": url})


async def test_a_stranger_who_asks_for_everything_at_once_leaves_no_trace_and_no_secret(desk: Desk) -> None:
    await desk.acme_with_endpoint()
    async with httpx2.AsyncClient(base_url=desk.http.base_url, timeout=20) as stranger:
        answers = await asyncio.gather(
            *(
                stranger.get("/admin/v1/orgs/acme/endpoints", headers={"authorization": f"Bearer sba_{number}"})
                for number in range(100)
            )
        )
    assert {answer.status_code for answer in answers} == {401}
    assert len(await desk.trail()) == 2
