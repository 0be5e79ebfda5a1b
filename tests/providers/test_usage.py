from __future__ import annotations

from hypothesis import given

from providers.usage import Usage
from tests.providers.completions import usages


def test_totals_are_the_sums_of_disjoint_buckets_pitfall_17() -> None:
    usage = Usage(input=10, output=20, cache_read=3, cache_write=4, reasoning=5, audio_input=6, audio_output=7)
    assert usage.prompt == 10 + 3 + 4 + 6
    assert usage.completion == 20 + 5 + 7


def test_nothing_reported_counts_nothing() -> None:
    assert (Usage().prompt, Usage().completion) == (0, 0)


@given(usages)
def test_an_empty_report_changes_nothing(usage: Usage) -> None:
    assert usage.updated(Usage()) == usage
    assert Usage().updated(usage) == usage


@given(usages)
def test_the_same_report_twice_is_one_report(usage: Usage) -> None:
    assert usage.updated(usage) == usage


def test_zero_is_a_report() -> None:
    assert Usage(reasoning=5).updated(Usage(reasoning=0)).reasoning == 0


@given(usages, usages)
def test_two_answers_together_took_the_sum_of_both(one: Usage, other: Usage) -> None:
    both = one.plus(other)
    assert (both.prompt, both.completion) == (one.prompt + other.prompt, one.completion + other.completion)
    assert both.extra == other.extra


def test_a_bucket_that_neither_reports_stays_unknown() -> None:
    both = Usage(input=1, output=2, reasoning=0).plus(Usage(input=3, cache_read=4))
    assert both == Usage(input=4, output=2, reasoning=0, cache_read=4)
