"""What is known of an endpoint after failures and answers, and how sandboxes tell each other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.errors import (
    UpstreamAuth,
    UpstreamDown,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamThrottled,
    UpstreamTruncated,
)
from providers.jsonwalk import child
from providers.routing.health import (
    LONGEST_COOLDOWN,
    MAX_ENDPOINTS,
    MAX_MODEL_NAME,
    MAX_MODELS,
    REFUSED,
    THROTTLED,
    Health,
    Pace,
    answered,
    failed,
    health_document,
    merged,
    read_health,
    recovered,
)
from tests.providers.routing.org import NOW

WELL = Health()
FAULTS = [UpstreamDown("x"), UpstreamDown("x", status=529), UpstreamProtocolError("x"), UpstreamTruncated("x")]
MOMENTS = st.sampled_from([0.0, 5.0, NOW]) | st.floats(0, NOW)
NAMES = st.text(max_size=6)
PACES = st.builds(Pace, st.floats(0, 100), MOMENTS)
HEALTHS = st.builds(Health, MOMENTS, st.integers(0, 40), st.dictionaries(NAMES, PACES, max_size=4), MOMENTS)


# -- failures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "pause"),
    [("30", 30.0), ("0", 0.0), (None, THROTTLED), ("soon", THROTTLED), ("86400", LONGEST_COOLDOWN)],
)
def test_a_limit_cools_down_for_as_long_as_it_says_within_a_bound(said: str | None, pause: float) -> None:
    health = failed(WELL, UpstreamThrottled("x", retry_after=said), NOW)
    assert health == Health(until=NOW + pause if pause else 0.0, at=NOW)


@pytest.mark.parametrize(
    "error",
    [
        UpstreamAuth("x"),
        UpstreamAuth("x", status=403),
        UpstreamRejected("x", status=402),
        UpstreamThrottled("x", code="insufficient_quota", retry_after="1"),
    ],
)
def test_a_refused_credential_or_an_empty_account_cools_down_for_longer(error: UpstreamError) -> None:
    assert failed(WELL, error, NOW) == Health(until=NOW + REFUSED, at=NOW)


@pytest.mark.parametrize("known", [WELL, Health(until=NOW + 1, failures=2, at=NOW - 1)])
def test_a_model_that_is_not_for_the_credential_says_nothing_of_the_endpoint(known: Health) -> None:
    assert failed(known, UpstreamAuth("x", status=403, code="model_not_found", retry_after="9"), NOW) is known


@pytest.mark.parametrize("error", FAULTS)
def test_a_fault_cools_down_from_the_third_in_a_row_on_and_doubles_to_a_ceiling(error: UpstreamError) -> None:
    health, pauses = WELL, []
    for _ in range(50):
        health = failed(health, error, NOW)
        pauses.append(max(0.0, health.until - NOW))
    assert pauses[:9] == [0.0, 0.0, 10.0, 20.0, 40.0, 80.0, 160.0, LONGEST_COOLDOWN, LONGEST_COOLDOWN]
    assert pauses[-1] == LONGEST_COOLDOWN


def test_a_first_fault_that_says_when_to_come_back_is_believed() -> None:
    assert failed(WELL, UpstreamDown("x", status=503, retry_after="7"), NOW).until == NOW + 7


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_a_refusal_of_the_request_changes_nothing(status: int) -> None:
    health = Health(until=NOW + 1, failures=2, at=NOW - 1)
    assert failed(health, UpstreamRejected("x", status=status), NOW) is health


def test_a_later_and_shorter_pause_does_not_shorten_an_earlier_one() -> None:
    health = failed(WELL, UpstreamThrottled("x", retry_after="60"), NOW)
    assert failed(health, UpstreamThrottled("x", retry_after="1"), NOW + 1).until == NOW + 60


def test_a_failure_that_is_heard_of_late_makes_no_knowledge_older() -> None:
    assert failed(Health(at=NOW), UpstreamDown("x"), NOW - 5) == Health(failures=1, at=NOW)


# -- answers -----------------------------------------------------------------------------------------------------------


def test_an_answer_ends_a_cooldown_and_the_row_of_failures() -> None:
    health = answered(Health(until=NOW + 60, failures=5, at=NOW - 3), "gpt-4o", 1.5, NOW)
    assert health == Health(0.0, 0, {"gpt-4o": Pace(1.5, NOW)}, at=NOW - 1.5)


def test_an_answer_that_was_on_its_way_before_the_failure_proves_nothing() -> None:
    cooling = Health(until=NOW + 60, failures=5, at=NOW - 3)
    health = answered(cooling, "gpt-4o", 4.0, NOW)
    assert (health.until, health.failures, health.at) == (NOW + 60, 5, NOW - 3)
    assert health.ttft == {"gpt-4o": Pace(4.0, NOW)}


def test_an_answer_without_a_time_proves_as_much_and_measures_nothing() -> None:
    cooling = Health(until=NOW + 60, failures=5, ttft={"a": Pace(1, 2)}, at=NOW)
    assert recovered(cooling, NOW + 1) == Health(ttft={"a": Pace(1, 2)}, at=NOW + 1)
    assert recovered(cooling, NOW - 1) is cooling
    assert recovered(cooling, NOW).until == 0.0, "sent in the very moment of the failure, and so after it"


def test_times_are_weighted_towards_the_newest() -> None:
    health = answered(answered(WELL, "a", 1.0, NOW), "a", 2.0, NOW + 5)
    assert health.ttft["a"] == Pace(1.2, NOW + 5)
    assert answered(health, "b", 3.0, NOW + 6).ttft["a"] == health.ttft["a"]


def test_the_times_that_were_measured_last_are_kept() -> None:
    health = WELL
    for number in range(MAX_MODELS + 5):
        health = answered(health, f"model-{number}", 1.0, NOW + number)
    assert set(health.ttft) == {f"model-{number}" for number in range(5, MAX_MODELS + 5)}
    assert answered(health, "x" * (MAX_MODEL_NAME + 1), 1.0, NOW + 99).ttft == health.ttft


# -- shared ------------------------------------------------------------------------------------------------------------


@given(HEALTHS, HEALTHS, HEALTHS)
def test_in_whichever_order_and_however_often_reports_are_merged_they_come_to_the_same(
    one: Health, two: Health, three: Health
) -> None:
    assert merged(one, two) == merged(two, one)
    assert merged(merged(one, two), three) == merged(one, merged(two, three))
    assert merged(one, one) == one
    assert merged(merged(one, two), two) == merged(one, two)


def test_the_later_report_is_right() -> None:
    failing = Health(until=NOW + 60, failures=5, at=NOW)
    assert merged(failing, Health(at=NOW + 1)).until == 0.0
    assert merged(failing, Health(at=NOW - 1)).until == NOW + 60
    assert merged(failing, Health(until=NOW + 90, at=NOW)).until == NOW + 90


def test_of_each_model_the_later_time_is_right() -> None:
    mine, theirs = {"a": Pace(1, 5), "b": Pace(2, 5)}, {"a": Pace(3, 6), "c": Pace(4, 1)}
    assert merged(Health(ttft=mine), Health(ttft=theirs)).ttft == {"a": Pace(3, 6), "b": Pace(2, 5), "c": Pace(4, 1)}


def test_of_two_times_of_one_moment_both_sides_take_the_same() -> None:
    mine, theirs = Health(ttft={"a": Pace(1, 5)}), Health(ttft={"a": Pace(2, 5)})
    assert merged(mine, theirs) == merged(theirs, mine) == theirs


def test_merging_keeps_to_the_bound() -> None:
    mine = Health(ttft={f"m{n}": Pace(1, n) for n in range(MAX_MODELS)})
    theirs = Health(ttft={f"t{n}": Pace(1, n) for n in range(MAX_MODELS)})
    assert len(merged(mine, theirs).ttft) == MAX_MODELS


@given(st.dictionaries(NAMES, HEALTHS, max_size=5))
def test_what_is_written_is_read_again(health: dict[str, Health]) -> None:
    assert read_health(json.loads(json.dumps(health_document(health))), now=NOW) == health


def test_of_too_many_endpoints_those_are_written_of_which_the_latest_is_known() -> None:
    health = {f"e{number:03}": Health(at=float(number)) for number in range(MAX_ENDPOINTS + 3)}
    document = health_document(health)
    assert document["schema"] == 1
    assert set(child(document, "endpoints")) == set(read_health(document, now=NOW)) == set(sorted(health)[3:])


def entry(**changes: Any) -> dict[str, Any]:
    return {"until": 0, "failures": 0, "at": 0, "ttft": {}, **changes}


@pytest.mark.parametrize(
    "bad",
    [None, [], "x", {}, entry(until="1"), entry(until=True), entry(until=NOW + 10_000), entry(until=-1),
     entry(until=float("nan")), entry(until=float("inf")), entry(failures=1.5), entry(failures=True),
     entry(failures=-1), entry(at=None), entry(at=NOW + 3600), entry(ttft=[])],
    ids=str,
)  # fmt: skip
def test_of_an_entry_that_is_not_ours_nothing_is_known_and_the_others_are(bad: object) -> None:
    document = {"schema": 1, "endpoints": {"bad": bad, "good": entry(failures=2)}}
    assert read_health(document, now=NOW) == {"good": Health(failures=2)}


@pytest.mark.parametrize("bad", [None, {}, [1.0], [1.0, NOW, 0], ["1", NOW], [-1, NOW], [1e9, NOW], [1.0, NOW + 1e6]])
def test_a_time_that_is_not_ours_is_left_out_alone(bad: object) -> None:
    paces = {"bad": bad, "good": [1, 2], "x" * (MAX_MODEL_NAME + 1): [1, 2]}
    document = {"schema": 1, "endpoints": {"a": entry(ttft=paces)}}
    assert read_health(document, now=NOW) == {"a": Health(ttft={"good": Pace(1.0, 2.0)})}


@pytest.mark.parametrize(
    "document",
    [{}, {"schema": 2, "endpoints": {"a": entry()}}, {"schema": 1, "endpoints": []}, {"schema": 1},
     {"schema": 1, "endpoints": {"x" * 500: entry()}}],
    ids=["empty", "later", "list", "nothing", "long name"],
)  # fmt: skip
def test_a_document_that_is_not_ours_says_nothing(document: dict[str, Any]) -> None:
    assert read_health(document, now=NOW) == {}


def test_a_document_that_is_too_long_is_read_up_to_the_bound() -> None:
    paces = {f"m{number}": [1, 2] for number in range(1000)}
    document = {"schema": 1, "endpoints": {f"e{number}": entry(ttft=paces) for number in range(100)}}
    read = read_health(document, now=NOW)
    assert len(read) == MAX_ENDPOINTS
    assert {len(health.ttft) for health in read.values()} == {MAX_MODELS}


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["schema", "endpoints", "until", "failures", "at", "ttft", "a"]), inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


@given(JSON)
def test_whatever_somebody_wrote_there_reading_it_fails_nothing(written: Any) -> None:
    assert read_health({"schema": 1, "endpoints": {"a": written}}, now=NOW).keys() <= {"a"}
    assert isinstance(read_health({"schema": 1, "endpoints": written}, now=NOW), dict)
