"""`sabir usage`: sums by what is asked for, as a table with a chart, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from infra.requests.store import Report
from providers.usage import Usage
from tests.handlers.commands.log_desk import DAY, local, remote

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.handlers.commands.log_desk import LogDesk


@pytest.fixture(params=[local, remote])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LogDesk]:
    async with request.param(tmp_path) as made:
        yield made


async def csv_of(desk: LogDesk, *args: str) -> list[dict[str, str]]:
    said = await desk.shell.run("usage", *args, "--format", "csv")
    return list(csv.DictReader(io.StringIO(said)))


async def test_a_table_by_model_the_dearest_first_with_a_total(desk: LogDesk) -> None:
    await desk.keep(20, model="cheap", cost_nano_usd=1_000_000)
    await desk.keep(20, model="dear", cost_nano_usd=9_000_000, error="x", cause="provider")
    await desk.keep(20, model="dear", cost_nano_usd=0, saved_nano_usd=9_000_000, cache="hit", usage=None)
    heading, dear, cheap, total = (await desk.shell.run("usage", "acme", "--by", "model")).splitlines()[:4]
    assert heading.split() == [
        "MODEL", "REQUESTS", "HITS", "ERRORS", "TOKENS", "IN", "OUT", "COST", "SAVED", "FIRST", "ms", "ALL", "ms",
    ]  # fmt: skip
    assert dear.split() == ["dear", "2", "50%", "1", "812", "184", "$0.0090", "$0.0090", "402", "1205"]
    assert cheap.split() == ["cheap", "1", "0%", "0", "812", "184", "$0.0010", "$0", "402", "1205"]
    assert total.split() == ["total", "3", "33%", "1", "1624", "368", "$0.010", "$0.0090", "402", "1205"]


async def test_days_have_a_chart_and_a_narrow_or_plain_terminal_another_or_none(desk: LogDesk) -> None:
    for days, cost in ((3, 1_000_000), (2, 4_000_000), (1, 2_000_000)):
        await desk.keep(days * DAY, cost_nano_usd=cost)
    said = (await desk.shell.run("usage")).splitlines()
    bars = [line.count("█") for line in said[-3:]]
    assert bars == [12, 50, 25]
    assert [line.split()[-1] for line in said[-3:]] == ["$0.0010", "$0.0040", "$0.0020"]
    assert len({line.split()[0] for line in said[-3:]}) == 3
    narrow = (await desk.shell.run("usage", COLUMNS="60")).splitlines()
    assert max(map(len, narrow)) <= 60
    assert narrow[-2].count("█") > narrow[-3].count("█") > 0
    assert "█" not in await desk.shell.run("usage", COLUMNS="39")


def test_a_terminal_without_blocks_gets_number_signs() -> None:
    from handlers.commands.screen import Screen

    plain, full = Screen(80, unicode=False), Screen(80, unicode=True)
    assert [plain.bar(part, 10) for part in (0, 0.001, 0.5, 1)] == ["", "#", "#####", "#" * 10]
    assert [full.bar(part, 10) for part in (0, 0.001, 0.55, 1)] == ["", "▏", "█████▌", "█" * 10]


async def test_every_way_to_split_adds_up_to_the_same(desk: LogDesk) -> None:
    for number in range(12):
        await desk.keep(
            3600 * number, key=f"k{number % 2}", model=f"m{number % 3}", provider=f"p{number % 4}",
            cost_nano_usd=10**number + 1, org=None if number % 5 == 0 else "acme", usage=Usage(input=10**20 + number),
        )  # fmt: skip
    expected = sum(10**number + 1 for number in range(12))
    for by in ((), ("day",), ("hour",), ("org",), ("key", "model"), ("provider", "hour"), ("key", "provider", "model")):
        options = [word for name in by for word in ("--by", name)]
        rows = await csv_of(desk, *options)
        assert sum(Decimal(row["cost_usd"]) for row in rows) * 10**9 == expected, by
        assert sum(int(row["input"]) for row in rows) == 12 * 10**20 + 66
        assert sum(int(row["requests"]) for row in rows) == 12
        told = await desk.shell.json("usage", *options)
        assert Decimal(told["total"]["cost_usd"]) * 10**9 == expected
        assert [row["cost_usd"] for row in told["data"]] == [row["cost_usd"] for row in rows]
    assert len(await csv_of(desk, "--by", "hour")) == 12
    assert [row["requests"] for row in await csv_of(desk, "acme", "--by", "key", "--key-id", "k0")] == ["4"]
    assert "--key" not in (await desk.shell.run("usage", "--by", "week", code=2)).split()


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1+1", "@SUM(1)", "\t=1", '="a",\n"b"', "\uff1d1"])
async def test_no_name_becomes_a_formula_in_a_spreadsheet(desk: LogDesk, name: str) -> None:
    await desk.keep(10, model=name, cost_nano_usd=7)
    (row,) = await csv_of(desk, "--by", "model")
    assert row["model"].startswith("'")
    assert "\n" not in row["model"]
    assert row["cost_usd"] == "0.000000007"


async def test_a_time_without_anything_says_so(desk: LogDesk) -> None:
    assert "Nothing was used" in await desk.shell.run("usage")
    assert await csv_of(desk) == []
    assert (await desk.shell.json("usage"))["data"] == []


async def test_a_month_of_many_sums_comes_in_pages_of_a_thousand(desk: LogDesk) -> None:
    for day in range(26):
        for number in range(40):
            await desk.keep(day * DAY, model=f"m{number}", cost_nano_usd=3)
    rows = await csv_of(desk, "--by", "day", "--by", "model")
    assert len(rows) == 26 * 40
    assert {row["cost_usd"] for row in rows} == {"0.000000003"}


async def test_a_report_of_a_month_reads_sums_and_no_requests(desk: LogDesk) -> None:
    """However many requests a day has, it is a row for each key and model."""
    queries: list[str] = []
    for _ in range(50):
        await desk.keep(DAY)
    store: Any = desk.store
    store = getattr(store, "_made", None) or store
    await store._file.read(lambda connection: connection.set_trace_callback(queries.append))
    now = int(time.time())
    (row,) = await store.usage(Report("acme", now - 30 * DAY, now), now=now)
    assert row.sums.requests == 50
    assert [query for query in queries if "requests_records" in query] == []
