"""What of a usage is paid for, read from the members that providers add to it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.billed import billed, quantities, reported_usd, served
from providers.usage import Usage


def paid(usage: Usage) -> dict[str, int]:
    """Counts by the unit that is tried first, without zeros and without the request itself."""
    counts = {quantity.units[0]: 0 for quantity in quantities(usage)}
    for quantity in quantities(usage):
        counts[quantity.units[0]] += quantity.count
    return {unit: count for unit, count in counts.items() if count and unit != "requests_kcount"}


@pytest.mark.parametrize(
    ("extra", "usd"),
    [
        ({}, None),
        ({"cost_in_usd_ticks": 37_756_000}, "0.0037756"),
        ({"cost_in_usd_ticks": True}, None),
        ({"cost": 0.0076509169000000005}, "0.0076509169000000005"),
        ({"cost": 0}, "0"),
        ({"cost": -1}, None),
        ({"cost": float("inf")}, None),
        ({"cost": "0.5"}, None),
        ({"cost": 0.5, "is_byok": False, "cost_details": {"upstream_inference_cost": 3}}, "0.5"),
        ({"cost": 0.5, "is_byok": True, "cost_details": {"upstream_inference_cost": 3}}, "3.5"),
        ({"cost": 0.5, "is_byok": True, "cost_details": {"upstream_inference_cost": None}}, None),
        ({"cost": {"input_tokens_cost": 1.1e-05, "request_cost": 0.005, "total_cost": 0.005027}}, "0.005027"),
        ({"cost": {"total_cost": 1.2e-08, "currency": "USD"}}, "1.2E-8"),
        ({"cost": {"total_cost": 1.2e-08, "currency": "EUR"}}, None),
        ({"cost": {}}, None),
    ],
)
def test_a_cost_in_each_of_its_forms(extra: Any, usd: str | None) -> None:
    assert reported_usd(extra) == (None if usd is None else Decimal(usd))


def test_the_tier_that_served_in_either_spelling() -> None:
    assert served({"service_tier": "Priority", "speed": "fast"}) == {"service_tier": "priority", "speed": "fast"}
    assert served({"serviceTier": "FLEX", "speed": None}) == {"service_tier": "flex"}
    assert served({"service_tier": 3}) == {}


def test_billed_units_stand_for_all_other_counts() -> None:
    usage = Usage(57, 107, 448, extra={"billed_units": {"input_tokens": 10, "output_tokens": 104}})
    assert paid(billed(usage)) == {"input_mtok": 10, "output_mtok": 104}
    assert billed(Usage(extra={"billed_units": {"search_units": 1}})) == Usage(
        extra={"billed_units": {"search_units": 1}}
    )
    assert billed(Usage(1, extra={"billed_units": {"output_tokens": 4}})) == Usage(output=4)


def test_no_count_below_zero_takes_from_the_bill() -> None:
    assert billed(Usage(-1, -2, -3, -4, -5, -6, -7)) == Usage(0, 0, 0, 0, 0, 0, 0)
    assert billed(Usage(extra={"billed_units": {"input_tokens": -10}})) == Usage(input=0)
    assert paid(Usage(5, extra={"citation_tokens": -5, "num_search_queries": -1})) == {"input_mtok": 5}


def test_a_lasting_cache_entry_is_told_by_lifetime_in_either_spelling() -> None:
    anthropic: Any = {"cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 12}}
    bedrock: Any = {"cacheDetails": [{"ttl": "5m", "inputTokens": 30}, {"ttl": "1h", "inputTokens": 12}]}
    for extra in (anthropic, bedrock):
        counts = paid(Usage(cache_write=42, extra=extra))
        assert counts == {"cache_write_1h_mtok": 12, "cache_write_mtok": 30}


def test_images_in_openais_spelling() -> None:
    extra: Any = {
        "prompt_tokens_details": {
            "image_tokens": 300,
            "cached_tokens_details": {"image_tokens": 100, "audio_tokens": 7},
        },
        "completion_tokens_details": {"image_tokens": 1_000},
    }
    assert paid(Usage(input=250, output=1_010, cache_read=110, extra=extra)) == {
        "input_image_mtok": 200,
        "input_mtok": 50,
        "cache_image_read_mtok": 100,
        "cache_audio_read_mtok": 7,
        "cache_read_mtok": 3,
        "output_image_mtok": 1_000,
        "output_mtok": 10,
    }


def test_images_in_googles_spelling() -> None:
    extra: Any = {
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 9}, {"modality": "IMAGE", "tokenCount": 258}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1_290}],
    }
    assert paid(Usage(input=267, output=1_290, reasoning=4, extra=extra)) == {
        "input_image_mtok": 258,
        "input_mtok": 9,
        "output_image_mtok": 1_290,
        "output_reasoning_mtok": 4,
    }


def test_searches_in_either_spelling() -> None:
    assert paid(Usage(extra={"server_tool_use": {"web_search_requests": 3}})) == {"web_searches_kcount": 3}
    assert paid(Usage(extra={"num_search_queries": 2})) == {"web_searches_kcount": 2}


counts = st.none() | st.integers(-5, 1_000_000)
details = st.fixed_dictionaries(
    {},
    optional={
        "promptTokensDetails": st.lists(
            st.fixed_dictionaries({"modality": st.sampled_from(["IMAGE", "AUDIO", "VIDEO"]), "tokenCount": counts})
        ),
        "cacheTokensDetails": st.lists(
            st.fixed_dictionaries({"modality": st.sampled_from(["IMAGE", "AUDIO", "VIDEO"]), "tokenCount": counts})
        ),
        "completion_tokens_details": st.fixed_dictionaries({"image_tokens": counts, "video_tokens": counts}),
        "cache_creation": st.fixed_dictionaries({"ephemeral_1h_input_tokens": counts}),
    },
)


@given(st.builds(Usage, counts, counts, counts, counts, counts, counts, counts, details))
def test_whatever_the_details_say_each_token_is_counted_once(usage: Usage) -> None:
    cleaned = billed(usage)
    tokens = [quantity for quantity in quantities(cleaned) if quantity.units[-1].endswith("_mtok")]
    assert sum(quantity.count for quantity in tokens) == cleaned.prompt + cleaned.completion
    assert all(quantity.count >= 0 for quantity in tokens)
