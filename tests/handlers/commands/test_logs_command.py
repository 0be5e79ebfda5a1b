"""`sabir logs` and `sabir logs show`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.requests.record import AttemptRecord
from providers.usage import Usage
from tests.handlers.commands.log_desk import local, remote

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.handlers.commands.log_desk import LogDesk


@pytest.fixture(params=[local, remote])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LogDesk]:
    async with request.param(tmp_path) as made:
        yield made


async def test_the_last_requests_of_all_orgs_newest_at_the_end(desk: LogDesk) -> None:
    old = await desk.keep(300)
    own = await desk.keep(200, org=None, key=None)
    new = await desk.keep(100, cache="hit", cost_nano_usd=0, usage=None, saved_nano_usd=5)
    rows = await desk.listed()
    assert [row.split()[-1] for row in rows] == [one.request_id[:12] for one in (old, own, new)]
    first, second, third = rows
    for words in ("acme/7f3kq2mz4a", "smart", "main", "MISS", "200", "812→184", "$0.0039", "402/1205/4.0"):
        assert words in first, words
    assert "  -  " in second
    assert "HIT" in third
    assert "$0 " in third
    assert [row.split()[-1] for row in await desk.listed("-n", "2")] == [one.request_id[:12] for one in (own, new)]
    assert [row.split()[-1] for row in await desk.listed("-")] == [own.request_id[:12]]
    assert len(await desk.listed("acme")) == 2


async def test_filters(desk: LogDesk) -> None:
    plain = await desk.keep(50)
    odd = await desk.keep(
        40, model="m2", request_model="m2", response_model="m2", provider="p2", key="k2", user="u2", status=429,
        error="rate_limit_exceeded", cause="provider", cache="bypass", tags={"team": "a:b"}
    )  # fmt: skip
    await desk.keep(9000)
    for options in (
        ("--model", "m2"), ("--provider", "p2"), ("--key-id", "k2"), ("--user", "u2"), ("--status", "429"),
        ("--errors",), ("--cache", "bypass"), ("--tag", "team=a:b"), ("--since", f"{desk.began - 45:.3f}"),
    ):  # fmt: skip
        assert [row.split()[-1] for row in await desk.listed("acme", *options)] == [odd.request_id[:12]], options
    assert len(await desk.listed("--since", "2h")) == 2
    assert [row.split()[-1] for row in await desk.listed("--since", "2h", "--until", f"{desk.began - 45:.3f}")] == [
        plain.request_id[:12]
    ]
    assert "no such request" in await desk.shell.run("logs", "--model", "nobody")


async def test_json_is_one_object_a_line_with_everything_in_it(desk: LogDesk) -> None:
    records = [await desk.keep(seconds) for seconds in (30, 20, 10)]
    lines = (await desk.shell.run("logs", "acme", "--json")).splitlines()
    shown = [json.loads(line) for line in lines]
    assert [one["id"] for one in shown] == [one.request_id for one in records]
    assert shown[0]["cost_usd"] == "0.00387"
    assert shown[0]["attempts"] == records[0].document()["attempts"]


async def test_many_are_read_page_after_page(desk: LogDesk) -> None:
    records = [await desk.keep(1000 - number) for number in range(230)]
    lines = (await desk.shell.run("logs", "-n", "220", "--json")).splitlines()
    assert [json.loads(line)["id"] for line in lines] == [one.request_id for one in records[10:]]


async def test_one_request_in_full_by_its_id_or_how_that_begins(desk: LogDesk) -> None:
    attempts = [
        AttemptRecord("eu", "openai", "gpt-4o", 0.0, None, 500.0, 429, "rate_limit_exceeded"),
        AttemptRecord("us", "openai", "gpt-4o", 500.0, 750.0, 1000.0, 200),
    ]
    record = await desk.keep(60, attempts=attempts, total_ms=1000.0, endpoint="us")
    await desk.keep(3600)
    pages = [
        await desk.shell.run("logs", "show", record.request_id),
        await desk.shell.run("logs", "show", record.request_id[:12]),
        await desk.shell.run("logs", "show", record.request_id[:12].upper(), "--org", "acme"),
    ]
    assert len(set(pages)) == 1
    for words in (
        record.request_id, "acme/7f3kq2mz4a", "user u-1", "chat of smart, streamed", "gpt-4o-2024-08-06 of openai",
        "eu:rate_limit_exceeded → us", "miss: not stored → stored", "812 input, 120 output, 64 reasoning", "$0.00387",
        "team=search, run=nightly", "first token 402.5 ms", "429 rate_limit_exceeded",
    ):  # fmt: skip
        assert words in pages[0], words
    eu, us = (line.split("|")[1] for line in pages[0].splitlines()[-2:])
    assert eu == "░" * 30 + " " * 30
    assert us == " " * 30 + "░" * 15 + "█" * 15
    assert (await desk.shell.json("logs", "show", record.request_id))["id"] == record.request_id


async def test_a_beginning_that_is_of_several_or_of_none_is_refused(desk: LogDesk) -> None:
    one, other = await desk.keep(60.0005), await desk.keep(60.0005)
    said = await desk.shell.run("logs", "show", one.request_id[:12], code=1)
    assert one.request_id in said
    assert other.request_id in said
    assert "no request" in await desk.shell.run("logs", "show", "0" * 32, code=1)
    assert "no request" in await desk.shell.run("logs", "show", "f" * 12, code=1)
    for written in ("abc", "hello-world-hello", "0" * 33):
        assert "hexadecimal" in await desk.shell.run("logs", "show", written, code=2)


async def test_an_org_that_is_not_there_and_wrong_words_are_refused(desk: LogDesk) -> None:
    assert "There is no org 'ghost'" in await desk.shell.run("logs", "ghost", code=1)
    for options in (
        ("--since", "soon"), ("--status", "4"), ("--cache", "x"), ("--tag", "team"), ("-f", "--until", "1h"), ("a", "b"),
    ):  # fmt: skip
        await desk.shell.run("logs", *options, code=2)


async def test_a_narrow_terminal_has_fewer_columns_and_each_line_fits(desk: LogDesk) -> None:
    await desk.keep(20)
    await desk.keep(10, status=429, error="rate_limit_exceeded", cause="provider")
    seen = []
    for width in (40, 60, 80, 100, 140, 300):
        said = (await desk.shell.run("logs", COLUMNS=str(width))).splitlines()
        assert max(map(len, said)) <= width
        assert "STATUS" in said[0]
        seen.append(len(said[0]))
    assert seen == sorted(seen)
    assert len(set(seen)) > 3


async def test_nothing_that_a_caller_chose_steers_the_terminal(desk: LogDesk) -> None:
    record = await desk.keep(10, request_model="\x1b[2Jx\n\u202egpt", user="\x1b]0;x\x07", tags={"a\rb": "\ud800"})
    for said in (await desk.shell.run("logs"), await desk.shell.run("logs", "show", record.request_id)):
        assert not {"\x1b", "\r", "\x07", "\u202e", "\ud800"} & set(said)
        assert "�[2Jx��gpt" in said


@pytest.mark.parametrize("command", ["list", "show"])
async def test_no_word_of_a_caller_steers_the_terminal_or_stops_the_command_as_json(
    desk: LogDesk, command: str
) -> None:
    """DEL, the one-character form of an escape, one that turns the line around, and half a character."""
    said = "a\x7f\x9b2J\u202e\ud800"
    record = await desk.keep(10, tags={said: said}, user=said, client=said)
    ids = (record.request_id,) if command == "show" else ()
    shown = await desk.shell.run("logs", command, *ids, "--json")
    assert shown.isascii()
    assert shown.replace("\n", "").isprintable()
    assert (json.loads(shown)["user"], json.loads(shown)["tags"]) == (said, {said: said})


async def test_what_is_piped_has_no_colour_and_a_terminal_has() -> None:
    import click

    from handlers.commands.log_lines import lines
    from handlers.commands.screen import Screen

    found = [{"id": "0" * 32, "at": 0.0, "cache": "hit", "status": 200}]
    (_, row) = lines(found, Screen(300, unicode=True), heading=True, widths={})
    assert "\x1b[32m" in row
    assert "\x1b" not in click.unstyle(row)


async def test_a_request_that_did_not_get_far_has_a_line_and_a_page(desk: LogDesk) -> None:
    bare: dict[str, Any] = {
        "key": None, "user": None, "tags": {}, "client": None, "request_model": None, "model": None, "provider": None,
        "response_model": None, "endpoint": None, "attempts": [], "cache": None, "cache_reason": None, "usage": None,
        "stored": None, "first_token_ms": None, "total_ms": 0.4, "cost_nano_usd": None, "org": None,
    }  # fmt: skip
    record = await desk.keep(10, **bare, status=401, error="invalid_api_key", cause="caller", usage_estimated=False)
    (row,) = await desk.listed("-")
    assert "401 invalid_api_key" in row
    page = await desk.shell.run("logs", "show", record.request_id)
    assert "401 invalid_api_key, the fault of: caller" in page
    assert "cost" not in page
    assert "attempts" not in page


async def test_a_likely_number_of_tokens_is_marked(desk: LogDesk) -> None:
    record = await desk.keep(10, usage=Usage(input=7, output=5), usage_estimated=True)
    assert "~7→5" in (await desk.listed())[0]
    assert "estimated" in await desk.shell.run("logs", "show", record.request_id)


async def test_a_key_is_given_the_orgs_log_and_loses_it_again(desk: LogDesk) -> None:
    made = await desk.shell.json("key", "create", "acme", "--name", "boss", "--log-access", "org")
    assert made["log_access"] == "org"
    assert "all requests of the org" in await desk.shell.run("key", "show", "acme", made["key_id"])
    said = await desk.shell.run("key", "set", "acme", made["key_id"], "--log-access", "own")
    assert "its own requests" in said
    await desk.shell.run("key", "set", "acme", made["key_id"], "--log-access", "all", code=2)
