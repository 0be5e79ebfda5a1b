"""Reports of every store: what counts where, how it is split, and what has expired."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from infra.requests.rollup import KEPT_FOR, MAX_NAME, bounded
from infra.requests.store import Report, Sums, UsageRow
from providers.usage import Usage
from tests.infra.requests.records import DAY, HOUR, MIDNIGHT, NOW, a_record, put

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.requests.record import RequestRecord
    from infra.requests.store import Dimension, RequestStore

NAMES: list[dict[str, Any]] = [
    {"key": "k-1", "provider": "one", "model": "m"},
    {"key": "k-1", "provider": "one", "model": "m#2"},
    {"key": "k-1", "provider": "two", "model": "m"},
    {"key": "k-1#one", "provider": "m", "model": ""},
    {"key": "k-2", "provider": "one", "model": "ü/\N{PILE OF POO}\ud800\\"},
    {"key": None, "provider": None, "model": None},
]


def counted(records: Iterable[RequestRecord], report: Report) -> list[UsageRow]:
    """The same report of a plain list."""
    seconds = HOUR if report.step == "hour" else DAY
    since, until = report.since // seconds * seconds, -(-report.until // seconds) * seconds
    places: dict[tuple[Any, ...], list[RequestRecord]] = {}
    for one in records:
        names = {"key": one.key or "", "provider": one.provider or "", "model": one.model or ""}
        asked = {"key": report.key, "provider": report.provider, "model": report.model}
        if since <= one.at < until and all(asked[name] in (None, names[name]) for name in names):
            place = (int(one.at) // seconds * seconds, *(names[name] if name in report.by else None for name in names))
            places.setdefault(place, []).append(one)
    rows = []
    for (at, key, provider, model), those in places.items():
        causes = {one.cause for one in those if one.cause is not None}
        sums = Sums(
            requests=len(those),
            hits=sum(one.cache == "hit" for one in those),
            errors={cause: sum(one.cause == cause for one in those) for cause in causes},
            input=sum(one.usage.input or 0 for one in those if one.usage),
            cost_nano_usd=sum(one.cost_nano_usd or 0 for one in those),
        )
        rows.append(UsageRow(at, sums, key, provider, model))
    return sorted(rows, key=lambda row: (row.at, row.key or "", row.provider or "", row.model or ""))


@pytest.fixture
async def year(store: RequestStore) -> list[RequestRecord]:
    """Requests of some hours and days, each name several times."""
    chance = random.Random(7)  # noqa: S311 - the same in each run
    begun = [NOW - chance.choice([0, 1, HOUR, 5 * HOUR, DAY, 3 * DAY, 30 * DAY]) for _ in range(72)]
    records = [
        a_record(
            at,
            **NAMES[place % len(NAMES)],
            cache=chance.choice(["hit", "miss"]),
            cause=(cause := chance.choice(["provider", "sabir", None])),
            error=cause,
            usage=Usage(input=chance.randrange(1000)),
            cost_nano_usd=chance.randrange(10**12),
        )
        for place, at in enumerate(begun)
    ]
    await put(store, *records)
    return records


async def test_reports_sum_what_a_plain_list_sums(store: RequestStore, year: list[RequestRecord]) -> None:
    split: list[tuple[Dimension, ...]] = [
        (),
        ("key",),
        ("provider",),
        ("model",),
        ("key", "model"),
        ("provider", "key"),
    ]
    split.append(("key", "provider", "model"))
    for step in ("hour", "day"):
        for by in split:
            report = Report("acme", NOW - 31 * DAY, NOW + 1, step, by)
            rows = await store.usage(report, now=NOW)
            assert rows == counted(year, report)
            assert sum(row.sums.requests for row in rows) == len(year)
    only = Report("acme", NOW - DAY, NOW, "hour", ("model",), key="k-1", provider="one")
    assert await store.usage(only, now=NOW) == counted(year, only) != []
    for name in NAMES:
        key, provider, model = (name[part] or "" for part in ("key", "provider", "model"))
        by_name = Report("acme", NOW - 31 * DAY, NOW, key=key, provider=provider, model=model)
        assert await store.usage(by_name, now=NOW) == counted(year, by_name) != []


async def test_times_are_rounded_outwards_to_whole_steps(store: RequestStore) -> None:
    await put(store, *(a_record(MIDNIGHT + offset) for offset in (-1, 0, HOUR - 0.001, HOUR, DAY - 0.001)))
    for since, until, step, steps in (
        (MIDNIGHT, MIDNIGHT + HOUR, "hour", {0: 2}),
        (MIDNIGHT + HOUR - 1, MIDNIGHT + HOUR + 1, "hour", {0: 2, HOUR: 1}),
        (MIDNIGHT - 1, MIDNIGHT + 1, "hour", {-HOUR: 1, 0: 2}),
        (MIDNIGHT + 5, MIDNIGHT + 6, "day", {0: 4}),
        (MIDNIGHT - 1, MIDNIGHT, "day", {-DAY: 1}),
        (MIDNIGHT, MIDNIGHT, "day", {}),
        (MIDNIGHT + DAY, MIDNIGHT, "day", {}),
        (-(10**12), 10**15, "day", {-DAY: 1, 0: 4}),
    ):
        rows = await store.usage(Report("acme", since, until, step), now=NOW + DAY)  # type: ignore[arg-type]
        assert {row.at - MIDNIGHT: row.sums.requests for row in rows} == steps


@pytest.mark.parametrize(("step", "seconds"), [("hour", HOUR), ("day", DAY)])
async def test_sums_are_gone_from_the_very_second_in_which_they_expire(
    store: RequestStore, step: Any, seconds: int
) -> None:
    begin = NOW // seconds * seconds
    await put(store, a_record(begin), a_record(begin + seconds))
    report = Report("acme", begin, begin + 2 * seconds, step)
    for late, there in (
        (-1, [begin, begin + seconds]),
        (0, [begin + seconds]),
        (seconds - 1, [begin + seconds]),
        (seconds, []),
    ):
        rows = await store.usage(report, now=begin + KEPT_FOR[step] + late)
        assert [row.at for row in rows] == there


async def test_hours_are_kept_for_forty_days_and_days_for_four_hundred() -> None:
    assert KEPT_FOR == {"hour": 40 * DAY, "day": 400 * DAY}


@pytest.mark.parametrize(("cause", "more", "model"), [
    ("caller", {}, ""),
    ("limit", {}, ""),
    ("caller", {"usage": Usage(input=1)}, "gpt-4o"),
    ("provider", {}, "gpt-4o"),
    ("sabir", {}, "gpt-4o"),
    ("client_gone", {}, ""),
    ("client_gone", {"usage": Usage(input=1), "usage_estimated": True}, ""),
    ("client_gone", {"usage": Usage(input=1), "usage_estimated": True, "cost_nano_usd": 1}, "gpt-4o"),
    ("client_gone", {"response_model": "gpt-4o-2024"}, "gpt-4o"),
])  # fmt: skip
async def test_what_a_caller_got_wrong_counts_for_no_model_unless_it_used_one(
    store: RequestStore, cause: Any, more: dict[str, Any], model: str
) -> None:
    await put(store, a_record(error="x", cause=cause, model="gpt-4o", provider="openai", **more))
    (row,) = await store.usage(Report("acme", NOW, NOW + 1, by=("provider", "model")), now=NOW)
    assert (row.provider, row.model, dict(row.sums.errors)) == ("openai", model, {cause: 1})


async def test_an_error_that_is_nobodys_fault_yet_counts_all_the_same(store: RequestStore) -> None:
    await put(store, a_record(error="x"), a_record())
    (row,) = await store.usage(Report("acme", NOW, NOW + 1), now=NOW)
    assert (row.sums.requests, dict(row.sums.errors)) == (2, {"": 1})


async def test_every_number_of_a_record_is_summed(store: RequestStore) -> None:
    usage = Usage(input=1, output=2, cache_read=3, cache_write=4, reasoning=5, audio_input=6, audio_output=7)
    record = a_record(
        cache="hit", usage=usage, cost_nano_usd=0, saved_nano_usd=9, total_ms=10.5, first_token_ms=0.4, model="m"
    )
    bare = a_record(model="m", total_ms=11.6)
    await put(store, record, record, bare)
    (row,) = await store.usage(Report("acme", NOW, NOW + 1), now=NOW)
    assert row.sums == Sums(
        requests=3, hits=2, input=2, output=4, cache_read=6, cache_write=8, reasoning=10, audio_input=12,
        audio_output=14, cost_nano_usd=0, saved_nano_usd=18, total_ms=32, first_token_ms=0, first_tokens=2,
    )  # fmt: skip


@pytest.mark.parametrize("letter", ["x", "#", "ü", "\N{PILE OF POO}", "\ud800", '"'])
async def test_names_of_any_length_are_names_of_their_own(store: RequestStore, letter: str) -> None:
    long, longer = letter * 2000, letter * 2001
    await put(store, *(a_record(model=name, key=name, provider=name) for name in (long, longer, longer)))
    rows = await store.usage(Report("acme", NOW, NOW + 1, by=("key", "provider", "model")), now=NOW)
    assert {row.model: row.sums.requests for row in rows} == {bounded(long): 1, bounded(longer): 2}
    assert all(row.model is not None and row.model.startswith(letter * 20) for row in rows)
    # What a report shows can be asked for, as well as what was sent.
    for name in (longer, bounded(longer)):
        (row,) = await store.usage(Report("acme", NOW, NOW + 1, model=name, key=name), now=NOW)
        assert row.sums.requests == 2


def test_a_name_that_fits_stays_as_it_is() -> None:
    for name in ("x" * MAX_NAME, "ü" * (MAX_NAME // 6), "#" * (MAX_NAME // 6)):
        assert bounded(name) == name
        assert bounded(f"{name}x") != f"{name}x"
        assert bounded(bounded(f"{name}x")) == bounded(f"{name}x")
