"""Prices: the same models, numbers and conditions as genai-prices itself gives."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices import types
from genai_prices.data import providers as SOURCE  # noqa: N812 - the data set, not a module
from hypothesis import given
from hypothesis import strategies as st

from providers.catalog import find
from providers.prices import Price, Rate

ROWS = tomllib.loads((Path(__file__).parents[1] / "catalog" / "providers.toml").read_text())["provider"]
BY_ID = {provider.id: provider for provider in SOURCE}
# Our id, theirs, and the suffix that names a host behind a router.
PAIRS = [
    (row["id"], source, ":" + source.removeprefix(row["host_prefix"]) if "host_prefix" in row else "")
    for row in ROWS
    for source in row.get("prices", ())
]


def exact_names(clause: object) -> list[str]:
    if isinstance(clause, types.ClauseOr):
        return [name for part in clause.or_ for name in exact_names(part)]
    return [clause.equals] if isinstance(clause, types.ClauseEquals) else []


def rate(value: Decimal | types.TieredPrices) -> Rate:
    if isinstance(value, types.TieredPrices):
        return Rate(value.base, tuple((tier.start, tier.price) for tier in value.tiers))
    return Rate(value)


def price(given: types.ConditionalPrice | types.PriceVariant) -> Price:
    since, daily = None, None
    match given.constraint:
        case types.StartDateConstraint(start_date=day):
            since = day.isoformat()
        case types.TimeOfDateConstraint(start_time=start, end_time=end):
            daily = (start.strftime("%H:%M:%S"), end.strftime("%H:%M:%S"))
    rates = {unit: rate(value) for unit, value in vars(given.prices).items() if value is not None}
    return Price(rates, since, daily, given.when if isinstance(given, types.PriceVariant) else {})


@pytest.mark.parametrize(("ours", "theirs", "host"), PAIRS)
def test_every_model_has_the_prices_of_the_source(ours: str, theirs: str, host: str) -> None:
    for model in BY_ID[theirs].models:
        names = [name for name in [model.id, *exact_names(model.match)] if BY_ID[theirs].find_model(name) is model]
        for name in names:
            found = find(ours, name + host)
            assert found is not None, name
            assert (found.provider, found.model) == (ours, model.id + host)
            assert (found.context_window, found.deprecated) == (model.context_window, bool(model.deprecated))
            versions = model.prices if isinstance(model.prices, list) else [types.ConditionalPrice(prices=model.prices)]
            assert found.prices == tuple(map(price, versions))
            assert found.variants == tuple(map(price, model.price_variants or ()))
            assert found.price_version.startswith("genai-prices ")


NAMES = sorted({name for provider in SOURCE for model in provider.models for name in exact_names(model.match)})
TAILS = ["", "-latest", "-2031-01-01", "@20310101", ":free", "-v1:0", "-tts", "x"]


@given(
    pair=st.sampled_from([pair for pair in PAIRS if not pair[2]]),
    name=st.sampled_from(NAMES),
    head=st.sampled_from(["", "us.", "eu.anthropic.", "anthropic.", "ft:", "x"]),
    tail=st.sampled_from(TAILS),
)
def test_any_name_finds_the_model_that_the_source_finds(
    pair: tuple[str, str, str], name: str, head: str, tail: str
) -> None:
    ours, theirs, _ = pair
    expected = BY_ID[theirs].find_model(head + name + tail, all_providers=SOURCE)
    found = find(ours, head + name + tail)
    assert (found and found.model) == (expected and expected.id)


def test_prices_by_bucket_tier_date_and_time_of_day() -> None:
    gpt_4 = find("openai", "gpt-4-0613")
    assert gpt_4 is not None
    assert gpt_4.prices[0].rates["input_mtok"] == Rate(Decimal(30))
    assert {"processing": "batch"} in [variant.when for variant in gpt_4.variants]
    units = units_of("anthropic", "claude-sonnet-4-5") | units_of("openai", "gpt-audio")
    assert {"input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "input_audio_mtok"} <= units
    tiered = find("google", "gemini-2.5-pro")
    assert tiered is not None
    assert [above for above, _ in tiered.prices[0].rates["input_mtok"].tiers] == [200_000]
    off_peak = find("deepseek", "deepseek-chat")
    assert off_peak is not None
    assert [(version.since, version.daily) for version in off_peak.prices] == [
        (None, None),
        (None, ("00:30:00", "16:30:00")),
    ]


def units_of(provider: str, name: str) -> set[str]:
    found = find(provider, name)
    assert found is not None
    return set(found.prices[0].rates)


def test_another_makers_model_is_priced_where_the_provider_lists_none_itself() -> None:
    found = find("azure", "gpt-4o")
    assert found is not None
    assert (found.provider, found.model) == ("openai", "gpt-4o")
