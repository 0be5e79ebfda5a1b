"""Retries and failover, with a clock that only moves when told to."""

from __future__ import annotations

from email.utils import formatdate
from itertools import cycle
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.errors import (
    Forbidden,
    InvalidRequest,
    OverLimit,
    SabirError,
    Unavailable,
    Unsupported,
    UpstreamAuth,
    UpstreamDown,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamThrottled,
    UpstreamTruncated,
)
from providers.routing.attempts import Attempts, GiveUp, RetryPolicy, Try
from providers.routing.serving import Leg
from providers.routing.virtual import FALLBACKS
from tests.providers.routing.org import NOW, endpoint, leg, planned

if TYPE_CHECKING:
    from providers.routing.plan import Plan

A, B, C = leg("a"), leg("b"), leg("c")
LARGE = leg("a", "gpt-large")
CLAUDE = leg("x", "claude-opus-4-1", "anthropic")
POLICY = RetryPolicy(attempts=4, deadline=100.0, first_token=30.0, max_wait=20.0, backoff_base=1.0, backoff_ceiling=8.0)
RETRYABLE = [
    UpstreamThrottled("429"),
    UpstreamDown("500", status=500),
    UpstreamDown("529", status=529),
    UpstreamDown("late", status=504),
    UpstreamDown("reset"),
    UpstreamProtocolError("html"),
    UpstreamTruncated("cut"),
]
TOO_LONG = UpstreamRejected("too long", code="context_length_exceeded")
FILTERED = UpstreamRejected("filtered", code="content_filter")


def throttled(retry_after: str | None = None) -> UpstreamThrottled:
    return UpstreamThrottled("slow down", retry_after=retry_after)


class Run:
    """One request from its first try on; `now` goes on by the waits, and as it is told."""

    def __init__(self, plan: Plan, policy: RetryPolicy = POLICY) -> None:
        self.now = NOW
        self.attempts = Attempts(plan, policy, NOW)
        self.tries = [self.attempts.first()]
        self.given_up: SabirError | None = None

    def fails(self, *errors: SabirError, draw: float = 0.5, taking: float = 0.0) -> Run:
        for error in errors:
            assert self.given_up is None
            self.now += taking
            match self.attempts.after(error, now=self.now, draw=draw):
                case Try() as again:
                    self.now += again.wait
                    self.tries.append(again)
                case GiveUp(seen):
                    self.given_up = seen
        return self

    @property
    def legs(self) -> list[Leg]:
        return [made.leg for made in self.tries]

    @property
    def waits(self) -> list[float]:
        return [made.wait for made in self.tries]


# -- failures that may pass --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", RETRYABLE, ids=str)
def test_a_failure_goes_to_the_next_leg_at_once_and_wraps_around_after_a_wait(error: UpstreamError) -> None:
    run = Run(planned(A, B)).fails(error, error, error, draw=1.0)
    assert run.tries == [Try(A), Try(B), Try(A, wait=1.0), Try(B, wait=2.0)]
    assert run.attempts.made == 4
    assert run.fails(error).given_up is error


def test_a_single_leg_is_tried_as_often_as_the_policy_says_with_a_wait_that_grows_to_a_ceiling() -> None:
    run = Run(planned(A), RetryPolicy(attempts=8, backoff_base=1.0, backoff_ceiling=8.0))
    assert run.fails(*[UpstreamDown("x")] * 7, draw=1.0).waits == [0.0, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0]
    assert run.fails(UpstreamDown("last")).attempts.made == 8


def test_no_backoff_is_longer_than_a_wait_may_be_however_many_there_were() -> None:
    policy = RetryPolicy(attempts=1200, deadline=1e6, max_wait=2.0, backoff_base=10.0, backoff_ceiling=30.0)
    assert set(Run(planned(A), policy).fails(*[UpstreamDown("x")] * 1199, draw=1.0).waits) == {0.0, 2.0}


@pytest.mark.parametrize(("draw", "wait"), [(0.0, 0.0), (0.25, 0.25), (1.0, 1.0)])
def test_jitter_is_full(draw: float, wait: float) -> None:
    assert Run(planned(A)).fails(UpstreamDown("x"), draw=draw).waits == [0.0, wait]


def test_pitfall_36_a_limits_retry_after_really_decides_the_wait() -> None:
    run = Run(planned(A)).fails(throttled("7"))
    assert run.tries == [Try(A), Try(A, wait=7.0)]
    assert run.now == NOW + 7
    by_date = Run(planned(A)).fails(throttled(formatdate(NOW + 9, usegmt=True)))
    assert by_date.waits == [0.0, 9.0]


def test_pitfall_36_a_retry_after_that_is_too_long_reaches_the_client_at_once() -> None:
    run = Run(planned(A)).fails(throttled("21"))
    assert run.tries == [Try(A)]
    assert isinstance(run.given_up, UpstreamThrottled)
    assert run.given_up.retry_after == "21"


def test_a_retry_after_runs_while_others_are_tried() -> None:
    run = Run(planned(A, B)).fails(throttled("10"), throttled("12"), taking=4.0, draw=0.0)
    assert run.tries == [Try(A), Try(B), Try(A, wait=6.0)]


def test_the_leg_that_is_ready_first_comes_first_after_all_were_tried() -> None:
    run = Run(planned(A, B)).fails(throttled("15"), UpstreamDown("x"), UpstreamDown("x"), draw=0.0)
    assert run.tries == [Try(A), Try(B), Try(B), Try(A, wait=15.0)]


def test_a_leg_that_asks_for_too_much_does_not_stop_another() -> None:
    run = Run(planned(A, B)).fails(throttled("60"), UpstreamDown("x"), UpstreamDown("x"), draw=0.0)
    assert run.legs == [A, B, B, B]


def test_no_wait_is_begun_that_would_end_after_the_deadline() -> None:
    policy = RetryPolicy(deadline=10.0, max_wait=60.0)
    assert Run(planned(A), policy).fails(throttled("9")).waits == [0.0, 9.0]
    assert Run(planned(A), policy).fails(throttled("10")).given_up is not None
    assert Run(planned(A, B), policy).fails(UpstreamDown("late"), taking=10.0).given_up is not None


def test_a_try_has_no_more_time_than_is_left() -> None:
    attempts = Run(planned(A)).attempts
    assert attempts.first_token(NOW) == 30.0
    assert attempts.first_token(NOW + 90) == 10.0
    assert attempts.first_token(NOW + 200) == 0.0


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_is_read_anew_once_and_then_left(status: int) -> None:
    refused = UpstreamAuth("no", status=status)
    run = Run(planned(A, B)).fails(refused, refused, UpstreamDown("x"))
    assert run.tries == [Try(A), Try(A, reread_secret=True), Try(B), Try(B, wait=0.5)]


def test_when_every_credential_is_refused_the_client_hears_that() -> None:
    refused = UpstreamAuth("no")
    run = Run(planned(A)).fails(refused, refused)
    assert run.given_up is refused
    assert run.attempts.made == 2


def test_a_refused_key_is_left_for_all_models_of_its_endpoint_and_a_forbidden_model_alone() -> None:
    refused, forbidden = UpstreamAuth("no", status=401), UpstreamAuth("no", status=403)
    assert Run(planned(A, LARGE, B)).fails(refused, refused).legs[-1] == B
    run = Run(planned(A, LARGE, B)).fails(forbidden, forbidden, forbidden)
    assert run.tries[2:] == [Try(LARGE), Try(B)]


def test_a_model_that_is_not_for_a_credential_is_left_at_once_and_the_secret_is_not_read_anew() -> None:
    forbidden = UpstreamAuth("no", status=403, code="model_not_found")
    assert Run(planned(A, LARGE, B)).fails(forbidden, forbidden).tries == [Try(A), Try(LARGE), Try(B)]
    assert Run(planned(A)).fails(forbidden).given_up is forbidden
    # It tells more than a refused credential, and less than what passes.
    assert Run(planned(A, B)).fails(forbidden, REFUSED, REFUSED).given_up is forbidden
    assert Run(planned(A, B)).fails(UpstreamDown("x"), forbidden, RESET, RESET).given_up is RESET


def test_reading_a_secret_anew_is_an_attempt_too() -> None:
    refused = UpstreamAuth("no")
    run = Run(planned(A, B), RetryPolicy(attempts=1)).fails(refused)
    assert run.given_up is refused


def test_an_empty_account_is_left_for_another() -> None:
    empty = UpstreamThrottled("pay", code="insufficient_quota")
    assert Run(planned(A, LARGE, B)).fails(empty, UpstreamRejected("pay", status=402)).tries == [Try(A), Try(B)]
    assert Run(planned(A)).fails(empty).given_up is empty


@pytest.mark.parametrize(
    "error",
    [UpstreamRejected("bad"), UpstreamRejected("no such model", status=404), TOO_LONG, FILTERED, Unavailable("out"), Forbidden("no"),
     OverLimit("no"), SabirError("bug")],
    ids=str,
)  # fmt: skip
def test_what_every_leg_would_say_is_said_at_once(error: SabirError) -> None:
    run = Run(planned(A, B, CLAUDE)).fails(error)
    assert run.given_up is error
    assert run.legs == [A]


@pytest.mark.parametrize("error", [Unsupported("n"), InvalidRequest("no user message")], ids=str)
def test_what_a_provider_cannot_represent_is_asked_of_another_and_costs_no_attempt(error: SabirError) -> None:
    run = Run(planned(A, B, CLAUDE), RetryPolicy(attempts=1)).fails(error)
    assert run.tries == [Try(A), Try(CLAUDE)]
    assert run.attempts.made == 1
    assert Run(planned(A, B)).fails(error).given_up is error


def test_a_secret_without_a_successor_is_not_sent_again_and_costs_no_attempt() -> None:
    refused = UpstreamAuth("no")
    run = Run(planned(A, B), RetryPolicy(attempts=2)).fails(refused)
    assert run.attempts.after(refused, now=NOW, draw=0.0, sent=False) == Try(B)
    assert run.attempts.made == 2


# -- fallback ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("error", "reason"), [(TOO_LONG, "context_window"), (FILTERED, "content_policy")])
def test_another_model_is_asked_where_the_virtual_model_asks_for_it(error: UpstreamError, reason: str) -> None:
    for fallback in FALLBACKS:
        run = Run(planned(A, B, CLAUDE, LARGE, fallback_on=frozenset({fallback}))).fails(error)
        assert run.legs == ([A, CLAUDE] if fallback == reason else [A])
        assert run.attempts.made == len(run.legs)


def test_when_every_model_refuses_the_client_hears_the_last() -> None:
    last = UpstreamRejected("still too long", code="context_length_exceeded")
    run = Run(planned(A, CLAUDE, fallback_on=frozenset(FALLBACKS))).fails(TOO_LONG, last)
    assert run.given_up is last


def test_a_403_that_a_filter_gave_reads_no_secret_anew() -> None:
    filtered = UpstreamAuth("no", status=403, code="content_filter")
    run = Run(planned(A, CLAUDE, fallback_on=frozenset({"content_policy"}))).fails(filtered)
    assert run.tries == [Try(A), Try(CLAUDE)]


# -- what the client hears ---------------------------------------------------------------------------------------------

RESET, REFUSED, UNSUPPORTED = UpstreamDown("reset"), UpstreamAuth("no", status=403), Unsupported("n")


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ([throttled("50"), RESET], "50"),
        ([throttled("50"), throttled("40")], "40"),
        ([throttled("40"), throttled("50")], "40"),
        ([UpstreamDown("busy", status=503, retry_after="30"), throttled()], "30"),
    ],
)
def test_a_time_when_to_come_back_tells_most(errors: list[SabirError], told: str) -> None:
    run = Run(planned(A, B), RetryPolicy(attempts=2)).fails(*errors)
    assert run.given_up is not None
    assert run.given_up.retry_after == told


def test_a_time_that_is_over_tells_no_more_than_another_failure() -> None:
    run = Run(planned(A), RetryPolicy(attempts=2)).fails(throttled("3"), RESET)
    assert run.given_up is RESET


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ([RESET, REFUSED, REFUSED], RESET),
        ([REFUSED, REFUSED, RESET], RESET),
        ([RESET, UNSUPPORTED], RESET),
        ([REFUSED, REFUSED, UNSUPPORTED], UNSUPPORTED),
        ([UNSUPPORTED, REFUSED, REFUSED], UNSUPPORTED),
        ([UNSUPPORTED, UpstreamRejected("pay", status=402)], UNSUPPORTED),
    ],
)
def test_a_failure_that_may_pass_tells_more_than_a_refusal_and_that_more_than_a_bad_credential(
    errors: list[SabirError], told: SabirError
) -> None:
    run = Run(planned(A, CLAUDE), RetryPolicy(attempts=9, deadline=10.0 * len(errors))).fails(*errors, taking=10.0)
    assert run.given_up is told


# -- whatever happens --------------------------------------------------------------------------------------------------

LEGS = st.lists(
    st.builds(
        lambda name, model, provider: Leg(endpoint(name, provider), provider, model),
        st.sampled_from("abcd"),
        st.sampled_from(["m1", "m2"]),
        st.sampled_from(["openai", "anthropic"]),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda leg: leg.place,
)
ERRORS = st.lists(
    st.sampled_from([*RETRYABLE, throttled("3"), throttled("30"), REFUSED, UpstreamAuth("no"), TOO_LONG, UNSUPPORTED]),
    min_size=1,
    max_size=12,
)
POLICIES = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 10),
    deadline=st.floats(1, 60),
    max_wait=st.floats(0, 30),
    backoff_base=st.floats(0, 10),
    backoff_ceiling=st.floats(0, 30),
)


def run_to_the_end(legs: list[Leg], errors: list[SabirError], policy: RetryPolicy, draw: float, taking: float) -> Run:
    run = Run(planned(*legs, fallback_on=frozenset(FALLBACKS)), policy)
    for error in cycle(errors):
        run.fails(error, draw=draw, taking=taking)
        if run.given_up is not None:
            return run
    raise AssertionError("unreachable")


@given(LEGS, ERRORS, POLICIES, st.floats(0, 1), st.floats(0, 20))
def test_it_ends_within_its_attempts_and_no_try_begins_after_the_deadline(
    legs: list[Leg], errors: list[SabirError], policy: RetryPolicy, draw: float, taking: float
) -> None:
    run = run_to_the_end(legs, errors, policy, draw, taking)
    assert run.attempts.made <= policy.attempts
    assert all(made.wait <= policy.max_wait for made in run.tries)
    begun = NOW
    for made in run.tries[1:]:
        begun += taking + made.wait
        assert begun < NOW + policy.deadline + 1e-6
    assert run.given_up in errors


@given(LEGS, st.lists(st.sampled_from(RETRYABLE), min_size=1), POLICIES, st.floats(0, 1))
def test_every_leg_is_tried_before_any_is_tried_twice(
    legs: list[Leg], errors: list[SabirError], policy: RetryPolicy, draw: float
) -> None:
    tried = run_to_the_end(legs, errors, policy, draw, 0.0).legs
    assert tried[: len(legs)] == legs[: len(tried)]


@given(LEGS, ERRORS, POLICIES, st.floats(0, 1), st.floats(0, 20))
def test_the_same_failures_lead_the_same_way(
    legs: list[Leg], errors: list[SabirError], policy: RetryPolicy, draw: float, taking: float
) -> None:
    first, second = (run_to_the_end(legs, errors, policy, draw, taking) for _ in range(2))
    assert first.tries == second.tries
    assert first.given_up is second.given_up
