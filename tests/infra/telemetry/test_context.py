"""W3C Trace Context: what is continued, what begins anew, and what goes on to the next.

The cases are those of the specification's own test suite (github.com/w3c/trace-context, test/test.py).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.telemetry.context import RANDOM_BYTES, Sampler, TraceContext, attempt_span_id, begin_trace

if TYPE_CHECKING:
    from collections.abc import Sequence

TRACE, PARENT = "12345678901234567890123456789012", "1234567890123456"
GOOD = f"00-{TRACE}-{PARENT}-01"
RANDOM = bytes(range(1, RANDOM_BYTES + 1))
ALWAYS = Sampler()
NEVER = Sampler(0.0)


def begun(*parents: str, states: Sequence[str] = (), sampler: Sampler | None = ALWAYS) -> TraceContext | None:
    headers = {"traceparent": list(parents), "tracestate": list(states)}
    return begin_trace(lambda name: headers.get(name, []), RANDOM, sampler)


def context(*parents: str, states: Sequence[str] = (), sampler: Sampler | None = ALWAYS) -> TraceContext:
    found = begun(*parents, states=states, sampler=sampler)
    assert found is not None
    return found


def test_without_a_header_a_trace_begins() -> None:
    assert context() == TraceContext(RANDOM[:16].hex(), RANDOM[16:].hex(), "03")
    assert context(states=["foo=1"]).tracestate == ""


@pytest.mark.parametrize(
    "header",
    [
        GOOD, f" {GOOD}", f"\t{GOOD}", f"{GOOD} ", f"{GOOD}\t", f"\t {GOOD} \t",
        f"cc-{TRACE}-{PARENT}-01", f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like", f"cc-{TRACE}-{PARENT}-01-",
    ],
)  # fmt: skip
def test_a_valid_header_is_continued(header: str) -> None:
    found = context(header)
    assert (found.trace_id, found.parent_span_id, found.span_id) == (TRACE, PARENT, RANDOM[16:].hex())
    assert found.trace_flags == "01"


@pytest.mark.parametrize(
    "headers",
    [
        [GOOD, GOOD], [f"{GOOD},{GOOD}"], [""], [f"{GOOD}."], [f"{GOOD}-what-the-future-will-be-like"], [f"{GOOD}-"],
        [f"cc-{TRACE}-{PARENT}-01.what-the-future-will-be-like"], [f"ff-{TRACE}-{PARENT}-01"],
        [f".0-{TRACE}-{PARENT}-01"], [f"0.-{TRACE}-{PARENT}-01"], [f"000-{TRACE}-{PARENT}-01"],
        [f"0000-{TRACE}-{PARENT}-01"], [f"0-{TRACE}-{PARENT}-01"], [f"00-{'0' * 32}-{PARENT}-01"],
        [f"00-.{TRACE[1:]}-{PARENT}-01"], [f"00-{TRACE}0-{PARENT}-01"], [f"00-{TRACE[1:]}-{PARENT}-01"],
        [f"00-{TRACE}-{'0' * 16}-01"], [f"00-{TRACE}-.{PARENT[1:]}-01"], [f"00-{TRACE}-{PARENT}0-01"],
        [f"00-{TRACE}-{PARENT[1:]}-01"], [f"00-{TRACE}-{PARENT}-.0"], [f"00-{TRACE}-{PARENT}-0."],
        [f"00-{TRACE}-{PARENT}-001"], [f"00-{TRACE}-{PARENT}-1"], [f"00-{TRACE[:-1]}A-{PARENT}-01"],
        [GOOD.replace("-", "_")], [f"00-{TRACE}-{PARENT}-01\n"], [f"cc-{TRACE}-{PARENT}-01-{'x' * 300}"],
        ["00-" + "\u0661" * 32 + f"-{PARENT}-01"],
    ],
)  # fmt: skip
def test_an_invalid_header_begins_a_new_trace_and_takes_its_state_along(headers: list[str]) -> None:
    found = context(*headers, states=["foo=1"])
    assert (found.trace_id, found.parent_span_id, found.tracestate) == (RANDOM[:16].hex(), None, "")
    assert begun(*headers, sampler=None) is None


@pytest.mark.parametrize(
    ("version", "flags", "sampler", "expected"),
    [
        ("00", "01", ALWAYS, "01"), ("00", "00", ALWAYS, "00"), ("00", "03", NEVER, "03"), ("00", "ff", ALWAYS, "03"),
        ("00", "02", ALWAYS, "02"), ("00", "fc", ALWAYS, "00"), ("cc", "ff", ALWAYS, "01"),
        ("00", "00", Sampler(1.0, parent_based=False), "01"), ("00", "03", Sampler(0.0, parent_based=False), "02"),
    ],
)  # fmt: skip
def test_flags_are_bits(version: str, flags: str, sampler: Sampler, expected: str) -> None:
    assert context(f"{version}-{TRACE}-{PARENT}-{flags}", sampler=sampler).trace_flags == expected


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], "foo=1,bar=2,rojo=1,congo=2,baz=3"),
        (["", "foo=1"], "foo=1"), (["foo=1", ""], "foo=1"), ([""], ""), ([" , \t,"], ""),
        (["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"), (["\t foo=1 \t"], "foo=1"),
        (["foo= 1"], "foo= 1"), (["foo@=1,bar=2"], "foo@=1,bar=2"), (["foo@@bar=1,bar=2"], "foo@@bar=1,bar=2"),
        (["0foo=1"], "0foo=1"), (["foo=1,foo=2"], "foo=1,foo=2"),
        (["foo =1"], ""), (["FOO=1"], ""), (["foo.bar=1"], ""), (["@foo=1,bar=2"], ""), (["foo"], ""), (["=1"], ""),
        (["foo=bar=baz"], ""), (["foo=,bar=3"], ""), (["foo=1,bar=ü"], ""), (["foo=\x7f"], ""),
        ([f"{'z' * 257}=1"], ""), ([f"a={'v' * 257}"], ""),
        ([",".join(f"k{number}=1" for number in range(33))], ""),
        ([",".join(f"k{number}=1" for number in range(32))], ",".join(f"k{number}=1" for number in range(32))),
        # § tracestate Limits: the long ones first, then from the end.
        ([f"long={'v' * 200},", ",".join(f"key{number:02}={'v' * 20}" for number in range(20))],
         ",".join(f"key{number:02}={'v' * 20}" for number in range(19))),
        ([f"a={'v' * 200},b={'v' * 200}"], f"a={'v' * 200},b={'v' * 200}"),
    ],
)  # fmt: skip
def test_a_state_is_passed_on_or_not_at_all(states: list[str], expected: str) -> None:
    found = context(GOOD, states=states)
    assert found.trace_id == TRACE, "failure to parse tracestate must not affect traceparent"
    assert found.tracestate == expected
    assert found.upstream_headers(0).get("tracestate", "") == expected


def test_all_characters_that_are_allowed_are() -> None:
    key = "0a-z_*/@bcdefghijklmnopqrstuvwxy123456789"
    value = "".join(map(chr, [*range(0x20, 0x2C), *range(0x2D, 0x3D), *range(0x3E, 0x7F)]))
    assert context(GOOD, states=[f"{key}={value}"]).tracestate == f"{key}={value}"


def test_what_an_attempt_sends_is_the_span_that_is_exported() -> None:
    found = context(GOOD)
    sent = [found.upstream_headers(number)["traceparent"] for number in range(3)]
    assert sent == [f"00-{TRACE}-{attempt_span_id(found.span_id, number)}-01" for number in range(3)]
    assert len({*sent, GOOD, found.traceparent}) == 5
    assert found.traceparent == f"00-{TRACE}-{found.span_id}-01"


def test_where_nothing_is_exported_the_callers_header_goes_on_as_it_came() -> None:
    header = f"cc-{TRACE}-{PARENT}-ff-more"
    found = context(header, states=["foo=1"], sampler=None)
    assert (found.trace_id, found.parent_span_id) == (TRACE, PARENT)
    assert found.upstream_headers(0) == {"traceparent": header, "tracestate": "foo=1"}
    assert begun(sampler=None) is None


def test_no_id_is_all_zeros() -> None:
    found = begin_trace(lambda _: [], bytes(RANDOM_BYTES), ALWAYS)
    assert found is not None
    assert (int(found.trace_id, 16), int(found.span_id, 16)) == (1, 1)
    assert (len(found.trace_id), len(found.span_id)) == (32, 16)


@given(st.binary(min_size=16, max_size=16), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_ratio_takes_all_that_a_lower_one_takes(trace: bytes, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert Sampler(high).takes(trace.hex()) >= Sampler(low).takes(trace.hex())
    assert Sampler(1.0).takes(trace.hex())
    assert not Sampler(0.0).takes(trace.hex())


def test_a_ratio_takes_about_as_many() -> None:
    taken = sum(Sampler(0.25).takes(f"{number * 0x9E3779B97F4A7C15 % 2**64:032x}") for number in range(10_000))
    assert 2400 < taken < 2600


_WELL_FORMED = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]")


@given(
    st.lists(
        st.text() | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}.*", fullmatch=True), max_size=2
    ),
    st.lists(st.text() | st.text("ab=,@ \t1"), max_size=3),
)
def test_whatever_comes_what_goes_out_is_well_formed(parents: list[str], states: list[str]) -> None:
    found = context(*parents, states=states)
    assert _WELL_FORMED.fullmatch(found.traceparent)
    headers = found.upstream_headers(1)
    assert _WELL_FORMED.fullmatch(headers["traceparent"])
    state = headers.get("tracestate", "")
    assert len(state) <= 512
    assert context(GOOD, states=[state]).tracestate == state
