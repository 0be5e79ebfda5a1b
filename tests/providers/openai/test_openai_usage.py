from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.dialects.openai.whole import usage_object
from providers.openai.usage import parse_usage
from providers.usage import Usage


def test_openais_own_details_become_disjoint_buckets_pitfall_17() -> None:
    usage = parse_usage({
        "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 5, "audio_tokens": 10, "text_tokens": 90},
        "completion_tokens_details": {"reasoning_tokens": 30, "audio_tokens": 4, "rejected_prediction_tokens": 1},
    })  # fmt: skip
    assert usage == Usage(
        input=25, output=16, cache_read=60, cache_write=5, reasoning=30, audio_input=10, audio_output=4,
        extra={
            "prompt_tokens_details": {"text_tokens": 90},
            "completion_tokens_details": {"rejected_prediction_tokens": 1},
        },
    )  # fmt: skip
    assert (usage.prompt, usage.completion) == (100, 50)


def test_what_is_not_reported_is_none_and_what_is_reported_as_zero_is_zero() -> None:
    assert parse_usage({"prompt_tokens": 5, "completion_tokens": 0}) == Usage(input=5, output=0)
    assert parse_usage({"prompt_tokens_details": {"cached_tokens": 0}}) == Usage(cache_read=0)
    assert parse_usage({"prompt_tokens": None, "prompt_tokens_details": None}) == Usage()


@pytest.mark.parametrize(
    ("members", "usage"),
    [
        ({"cached_tokens": 4}, Usage(input=6, output=7, cache_read=4, extra={"cached_tokens": 4})),
        (
            {"prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 6},
            Usage(6, 7, 4, extra={"prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 6}),
        ),
        ({"reasoning_tokens": 5}, Usage(input=10, output=2, reasoning=5, extra={"reasoning_tokens": 5})),
    ],
)
def test_counts_under_other_names_are_read_and_kept(members: dict[str, Any], usage: Usage) -> None:
    assert parse_usage({"prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17, **members}) == usage


def test_reasoning_beside_the_completion_is_told_by_the_row_or_by_the_total() -> None:
    details: dict[str, Any] = {"completion_tokens_details": {"reasoning_tokens": 30}}
    apart = Usage(input=10, output=7, reasoning=30, extra={"completion_tokens": 7})
    assert parse_usage({"prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 47, **details}) == apart
    row = parse_usage(
        {"prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17, **details}, reasoning_apart=True
    )
    assert row == Usage(input=10, output=7, reasoning=30, extra={"completion_tokens": 7, "total_tokens": 17})
    zero = {"prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17}
    assert parse_usage({**zero, "completion_tokens_details": {"reasoning_tokens": 0}}).reasoning == 0


def test_a_detail_larger_than_its_total_takes_all_of_it() -> None:
    usage = parse_usage({
        "prompt_tokens": 7, "completion_tokens": 10, "total_tokens": 17, "reasoning_tokens": 11,
        "prompt_tokens_details": {"cached_tokens": 161, "audio_tokens": 3},
    })  # fmt: skip
    assert (usage.prompt, usage.completion) == (7, 10)
    assert (usage.input, usage.cache_read, usage.audio_input) == (0, 7, 0)
    assert (usage.output, usage.reasoning) == (0, 10)


def test_a_total_that_holds_more_than_its_parts_is_kept() -> None:
    usage = parse_usage({"prompt_tokens": 16, "completion_tokens": 2, "total_tokens": 393})
    assert usage.extra == {"total_tokens": 393}


counts = st.none() | st.integers(-3, 500) | st.just("many") | st.floats(0, 9)
details = st.none() | st.dictionaries(
    st.sampled_from(["cached_tokens", "cache_write_tokens", "audio_tokens", "reasoning_tokens", "text_tokens"]), counts
)
reports = st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": counts,
        "completion_tokens": counts,
        "total_tokens": counts,
        "reasoning_tokens": counts,
        "cached_tokens": counts,
        "prompt_tokens_details": details,
        "completion_tokens_details": details,
        "cost": st.just(0.1),
    },
)


@given(reports, st.booleans())
def test_any_report_is_read_and_its_sums_hold(report: dict[str, Any], apart: bool) -> None:
    usage = parse_usage(report, reasoning_apart=apart)
    said = report.get("prompt_tokens")
    if isinstance(said, int) and said >= 0:
        assert usage.prompt == said
    for bucket in (usage.input, usage.output, usage.cache_read, usage.reasoning):
        assert bucket is None or isinstance(bucket, int)


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
def test_a_sound_report_is_written_again_as_it_was_read(
    new: int, cached: int, said: int, thought: int, audio: int
) -> None:
    report: dict[str, Any] = {
        "prompt_tokens": new + cached,
        "completion_tokens": said + thought + audio,
        "total_tokens": new + cached + said + thought + audio,
        "prompt_tokens_details": {"cached_tokens": cached, "text_tokens": new},
        "completion_tokens_details": {"reasoning_tokens": thought, "audio_tokens": audio},
        "cost": 1,
    }
    assert usage_object(parse_usage(report)) == report


@given(reports, st.booleans())
def test_any_count_is_written_again_as_the_host_wrote_it(report: dict[str, Any], apart: bool) -> None:
    """Also one that does not fit the others: a hit must not tell other numbers than the answer that it repeats."""
    written: dict[str, Any] = usage_object(parse_usage(report, reasoning_apart=apart))
    again: dict[str, Any] = usage_object(parse_usage(written, reasoning_apart=apart))
    for name, count in report.items():
        for told in (written, again):
            if isinstance(count, dict):
                kept = {key: said for key, said in count.items() if isinstance(said, int)}
                assert {key: told.get(name, {}).get(key) for key in kept} == kept
            elif isinstance(count, int):
                assert told[name] == count
