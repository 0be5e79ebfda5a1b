"""What a request cost: the same as genai-prices makes of the same counts, and what providers report instead."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices.data import providers as SOURCE  # noqa: N812 - the data set, not a module
from hypothesis import given
from hypothesis import strategies as st

from providers.catalog import find
from providers.cost import cost, counted, rates_at
from providers.openai.usage import parse_usage
from providers.prices import ModelInfo, Price, Rate, price_of
from providers.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genai_prices.types import ModelInfo as TheirModel

ROWS = tomllib.loads((Path(__file__).parents[1] / "catalog" / "providers.toml").read_text())["provider"]
BY_ID = {provider.id: provider for provider in SOURCE}
# Our provider, theirs, and the suffix that names a host behind a router: every model that both know.
PAIRS = [
    (row["id"], source, ":" + source.removeprefix(row["host_prefix"]) if "host_prefix" in row else "")
    for row in ROWS
    for source in row.get("prices", ())
]
MODELS: list[tuple[ModelInfo, str, TheirModel]] = [
    (found, theirs, model)
    for ours, theirs, host in PAIRS
    for model in BY_ID[theirs].models
    if (found := price_of(ours, model.id + host)) is not None
]
NOW = 1_795_478_400  # 2026-11-24T00:00:00Z
CONTEXTS: list[dict[str, str]] = [
    {},
    {"service_tier": "flex"},
    {"service_tier": "priority"},
    {"processing": "batch"},
    {"speed": "fast"},
    {"search_type": "fast", "service_tier": "default"},
]
FLAT = ModelInfo("host", "flat", None, False, (Price({"input_mtok": Rate(Decimal(2)), "output_mtok": Rate(Decimal(8))}),), (), "")  # fmt: skip


def info(*prices: Price, variants: tuple[Price, ...] = ()) -> ModelInfo:
    return ModelInfo("host", "model", None, False, prices, variants, "test 1")


def price(since: str | None = None, daily: tuple[str, str] | None = None, **rates: str) -> Price:
    return Price({unit: Rate(Decimal(rate)) for unit, rate in rates.items()}, since, daily)


def at(moment: str) -> int:
    return int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp())


# -- the reference ----------------------------------------------------------------------------------------------------

counts = st.integers(0, 400_000)


@st.composite
def both_usages(draw: st.DrawFn) -> tuple[Usage, TheirUsage]:
    """One usage in both conventions: ours disjoint, with the details in the provider's words; theirs nested."""
    fresh, images, videos, heard = (draw(counts) for _ in range(4))
    read, read_audio, read_images = (draw(counts) for _ in range(3))
    short, lasting = draw(counts), draw(counts)
    text, drawn, filmed, thought, spoken = (draw(counts) for _ in range(5))
    searches = draw(st.integers(0, 20))
    ours = Usage(
        input=fresh + images + videos,
        output=text + drawn + filmed,
        cache_read=read + read_audio + read_images,
        cache_write=short + lasting,
        reasoning=thought,
        audio_input=heard,
        audio_output=spoken,
        extra={
            "promptTokensDetails": [
                {"modality": "TEXT", "tokenCount": fresh},
                {"modality": "IMAGE", "tokenCount": images + read_images},
                {"modality": "VIDEO", "tokenCount": videos},
            ],
            "cacheTokensDetails": [
                {"modality": "AUDIO", "tokenCount": read_audio},
                {"modality": "IMAGE", "tokenCount": read_images},
            ],
            "candidatesTokensDetails": [
                {"modality": "IMAGE", "tokenCount": drawn},
                {"modality": "VIDEO", "tokenCount": filmed},
            ],
            "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": lasting},
            "server_tool_use": {"web_search_requests": searches},
        },
    )
    theirs = TheirUsage(
        input_tokens=ours.prompt,
        output_tokens=ours.completion,
        cache_read_tokens=ours.cache_read,
        cache_write_tokens=ours.cache_write,
        cache_write_1h_tokens=lasting,
        input_audio_tokens=heard + read_audio,
        cache_audio_read_tokens=read_audio,
        input_image_tokens=images + read_images,
        cache_image_read_tokens=read_images,
        input_video_tokens=videos,
        cache_video_read_tokens=0,
        output_reasoning_tokens=thought,
        output_audio_tokens=spoken,
        output_image_tokens=drawn,
        output_video_tokens=filmed,
        output_citation_tokens=0,
        web_searches=searches,
        storage_searches=0,
        audio_seconds=0,
        input_audio_seconds=0,
        input_text_messages=0,
        input_characters=0,
        input_document_pages=0,
        input_annotated_document_pages=0,
    )
    return ours, theirs


def reference(model: TheirModel, provider: str, usage: TheirUsage, moment: int, asked: Mapping[str, str]) -> int:
    """Their answer in our unit, rounded as we do."""
    calculated: Any = model.calc_price(
        usage,
        BY_ID[provider],
        genai_request_timestamp=datetime.fromtimestamp(moment, tz=UTC),
        price_context=asked,
    )
    return int((calculated.total_price * 10**9).to_integral_value(ROUND_CEILING))


@given(
    models=st.lists(st.sampled_from(MODELS), min_size=20, max_size=20),
    usages=both_usages(),
    moment=st.integers(at("2023-01-01"), at("2028-01-01")),
    asked=st.sampled_from(CONTEXTS),
)
def test_any_usage_costs_what_genai_prices_says(
    models: list[tuple[ModelInfo, str, TheirModel]],
    usages: tuple[Usage, TheirUsage],
    moment: int,
    asked: dict[str, str],
) -> None:
    ours, theirs = usages
    for known, provider, model in models:
        agrees(known, cost(ours, known, at=moment, asked=asked), reference(model, provider, theirs, moment, asked))


def agrees(known: ModelInfo, mine: int | None, theirs: int) -> None:
    """The one difference: for a model that is not sold by the token they say 0, and we that it is not known."""
    expected = theirs if any(unit.endswith("_mtok") for price in known.prices for unit in price.rates) else None
    assert mine == expected, (known.provider, known.model)


@pytest.mark.parametrize("asked", CONTEXTS, ids=str)
@pytest.mark.parametrize("moment", ["2024-02-29T12:00:00", "2026-11-24T03:30:00", "2027-01-01T00:00:00"])
def test_every_model_costs_what_genai_prices_says(moment: str, asked: dict[str, str]) -> None:
    assert len(MODELS) > 1500
    ours = Usage(210_000, 11, 70_007, 503, 13, 101, 17)
    theirs = TheirUsage(
        input_tokens=ours.prompt,
        output_tokens=ours.completion,
        cache_read_tokens=70_007,
        cache_write_tokens=503,
        cache_write_1h_tokens=0,
        input_audio_tokens=101,
        cache_audio_read_tokens=0,
        output_reasoning_tokens=13,
        output_audio_tokens=17,
        audio_seconds=0,
        input_audio_seconds=0,
    )
    for known, provider, model in MODELS:
        if asked and not known.variants:
            continue  # the same price as without
        mine = cost(ours, known, at=at(moment), asked=asked)
        agrees(known, mine, reference(model, provider, theirs, at(moment), asked))


def test_what_the_two_do_not_share() -> None:
    """They add citation tokens to the output before they price them; a model without a rate for them gives them free.

    Perplexity bills them for its deep research alone, which has such a rate.
    """
    usage = Usage(input=1, output=1, extra={"citation_tokens": 1_000})
    assert cost(usage, FLAT, at=NOW) == 10_000
    citing = info(price(input_mtok="2", output_mtok="8", output_citation_mtok="2"))
    assert cost(usage, citing, at=NOW) == 10_000 + 2_000_000


# -- prices and moments -----------------------------------------------------------------------------------------------


def test_a_fraction_of_a_nano_dollar_is_rounded_up_once_and_not_by_bucket() -> None:
    cheap = info(price(input_mtok="0.0001", output_mtok="0.0001"))  # 0.1 nano-dollars a token
    assert cost(Usage(input=3, output=3), cheap, at=NOW) == 1
    assert cost(Usage(input=0, output=0), cheap, at=NOW) == 0


def test_no_price_and_no_count_are_none_and_not_nothing() -> None:
    assert cost(Usage(input=5, output=5), None, at=NOW) is None
    assert cost(Usage(input=5, output=5), info(), at=NOW) is None
    assert cost(Usage(input=5), info(price()), at=NOW) is None
    assert cost(Usage(input=5), info(price(audio_hours="3")), at=NOW) is None
    assert cost(Usage(), FLAT, at=NOW) is None


def test_a_price_by_request_is_added_once() -> None:
    searching = info(price(input_mtok="1", output_mtok="1", requests_kcount="5"))
    assert cost(Usage(input=11, output=16), searching, at=NOW) == 5_027_000
    assert cost(Usage(input=0, output=0), info(price(requests_kcount="5")), at=NOW) == 5_000_000


def test_a_threshold_changes_the_rate_of_all_tokens_and_cached_ones_count_towards_it() -> None:
    rates = {
        "input_mtok": Rate(Decimal(1), ((200, Decimal(2)), (300, Decimal(3)))),
        "output_mtok": Rate(Decimal(10), ((200, Decimal(20)),)),
    }
    tiered = info(Price(rates))
    assert cost(Usage(input=100, output=1, cache_read=100), tiered, at=NOW) == 200 * 1_000 + 10_000
    assert cost(Usage(input=100, output=1, cache_read=101), tiered, at=NOW) == 201 * 2_000 + 20_000
    assert cost(Usage(input=100, output=1, cache_write=201), tiered, at=NOW) == 301 * 3_000 + 20_000


@pytest.mark.parametrize(
    ("moment", "wanted"),
    [
        ("2024-02-28T23:59:59", 1),  # before all: the first price
        ("2024-02-29T00:00:00", 2),
        ("2024-12-31T23:59:59", 2),
        ("2025-01-01T00:00:00", 3),
        ("2100-03-01T00:00:00", 4),
    ],
)
def test_the_last_price_that_has_begun_holds(moment: str, wanted: int) -> None:
    priced = info(
        price("2024-02-01", input_mtok="1"),
        price("2024-02-29", input_mtok="2"),
        price("2025-01-01", input_mtok="3"),
        price("2100-03-01", input_mtok="4"),
    )
    first = info(price("2030-01-01", input_mtok="1"), *priced.prices[1:])
    assert cost(Usage(input=1), first, at=at(moment)) == wanted * 1_000


@given(st.datetimes(datetime(1970, 1, 1), datetime(2399, 12, 31)))  # noqa: DTZ001 - naive on purpose: UTC by hand below
def test_a_day_begins_at_midnight_utc_in_every_year(moment: datetime) -> None:
    day = moment.date()
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    priced = info(price(input_mtok="1"), price(day.isoformat(), input_mtok="2"))
    assert cost(Usage(input=1), priced, at=midnight) == 2_000
    assert cost(Usage(input=1), priced, at=midnight - 1) == 1_000


@pytest.mark.parametrize(
    ("daily", "moment", "inside"),
    [
        (("00:30:00", "16:30:00"), "2026-11-24T00:29:59", False),
        (("00:30:00", "16:30:00"), "2026-11-24T00:30:00", True),
        (("00:30:00", "16:30:00"), "2026-11-24T16:30:00", False),
        (("16:30:00", "00:30:00"), "2026-11-24T16:30:00", True),
        (("16:30:00", "00:30:00"), "2026-11-24T00:29:59", True),
        (("16:30:00", "00:30:00"), "2026-11-24T00:30:00", False),
    ],
)
def test_a_time_of_day_may_reach_past_midnight(daily: tuple[str, str], moment: str, inside: bool) -> None:
    priced = info(price(input_mtok="1"), price(None, daily, input_mtok="2"))
    assert cost(Usage(input=1), priced, at=at(moment)) == (2_000 if inside else 1_000)


def test_variants_replace_single_rates_and_the_first_that_holds_wins() -> None:
    flex = Price({"input_mtok": Rate(Decimal(1))}, when={"service_tier": "flex"})
    late = Price({"input_mtok": Rate(Decimal(5))}, since="2030-01-01", when={"service_tier": "fast"})
    twice = Price({"input_mtok": Rate(Decimal(9)), "output_mtok": Rate(Decimal(4))}, when={"service_tier": "flex"})
    sold = info(*FLAT.prices, variants=(late, flex, twice))
    usage = Usage(input=1, output=1)
    assert cost(usage, sold, at=NOW) == 10_000
    assert cost(usage, sold, at=NOW, asked={"service_tier": "flex"}) == 5_000
    assert cost(usage, sold, at=NOW, asked={"service_tier": "fast"}) == 10_000


def test_how_it_was_served_goes_before_what_was_asked() -> None:
    flex = info(*FLAT.prices, variants=(Price({"input_mtok": Rate(Decimal(1))}, when={"service_tier": "flex"}),))
    asked = {"service_tier": "flex"}
    assert cost(Usage(input=1, extra={"serviceTier": "STANDARD"}), flex, at=NOW, asked=asked) == 2_000
    assert cost(Usage(input=1, extra={"serviceTier": "FLEX"}), flex, at=NOW) == 1_000


def test_rates_are_counted_where_a_chat_tells_their_quantity() -> None:
    assert counted(rates_at(FLAT, at=NOW, asked={}))
    assert not counted({"input_mchars": Rate(Decimal(15)), "audio_hours": Rate(Decimal(3))})


# -- costs that providers report --------------------------------------------------------------------------------------


def test_a_reported_cost_wins_over_the_list() -> None:
    usage = Usage(input=1_000, output=1_000, extra={"cost": 0.00044968})
    assert cost(usage, FLAT, at=NOW) == 449_680
    assert cost(usage, None, at=NOW) == 449_680


def test_a_reported_zero_is_a_price_only_where_the_list_has_none() -> None:
    """Azure's Grok reports `cost_in_usd_ticks: 0` for what Azure bills; a router's free model is not in the list."""
    usage = Usage(input=7, output=8, extra={"cost_in_usd_ticks": 0})
    assert cost(usage, FLAT, at=NOW) == 78_000
    assert cost(usage, None, at=NOW) == 0


def test_ticks_are_what_the_list_makes_of_the_same_tokens() -> None:
    """A recorded answer of grok-code-fast-1, whose list price explains its ticks to the last digit."""
    grok = price_of("xai", "grok-code-fast-1")
    tokens = Usage(input=274, output=68, cache_read=192, reasoning=266)
    told = Usage(274, 68, 192, reasoning=266, extra={"cost_in_usd_ticks": 5_596_400})
    assert cost(tokens, grok, at=NOW) == cost(told, grok, at=NOW) == 559_640


WIRE = Path(__file__).parents[3] / "shared" / "wire"


def recorded(provider: str) -> list[tuple[str, ModelInfo | None, int, Usage]]:
    """File, model, moment and usage of each recorded chat answer."""
    found = []
    for path in sorted(WIRE.glob(f"{provider}/chat/*.json")):
        exchange = json.loads(path.read_text())
        body = exchange["response"].get("body") or ""
        rows = [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: {")] or [body]
        answers = [json.loads(row) for row in rows if row.startswith("{")]
        told = [answer for answer in answers if answer.get("usage")]
        if told:
            model = find(provider, exchange["model"])
            found.append((path.name, model, told[-1]["created"], parse_usage(told[-1]["usage"])))
    return found


needs_recordings = pytest.mark.skipif(not WIRE.exists(), reason="no recorded traffic beside the project")


@needs_recordings
@pytest.mark.parametrize("provider", ["xai", "openrouter"])
def test_recorded_costs_are_those_of_the_list(provider: str) -> None:
    """To the last digit, which proves their unit. A search that the router makes is in its own count alone."""
    compared = 0
    for name, known, moment, usage in recorded(provider):
        told = cost(usage, None, at=moment)
        if known is None or told is None or "server_tool_use_details" in usage.extra:
            continue
        compared += 1
        assert cost(replace(usage, extra={}), known, at=moment) == told, name
    assert compared >= 5


@needs_recordings
def test_a_recorded_search_costs_what_it_says_and_not_the_lists_dearest_search() -> None:
    """genai-prices has one price for a request, that of the widest search; these asked for the narrow one."""
    compared = 0
    for name, known, moment, usage in recorded("perplexity"):
        told, listed = cost(usage, known, at=moment), cost(replace(usage, extra={}), known, at=moment)
        if "cost" in usage.extra:
            compared += 1
            assert told is not None
            assert listed is not None
            assert told < listed, name
    assert compared >= 5


def test_billed_units_are_what_is_paid_for() -> None:
    usage = Usage(57, 777, 448, extra={"billed_units": {"input_tokens": 10, "output_tokens": 1}})
    assert cost(usage, FLAT, at=NOW) == 28_000
