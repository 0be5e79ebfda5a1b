"""Every provider is spoken of, in words that have a meaning."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.wires import wires
from tests.support import arriving, asking
from tests.support.claims import NAMES, BadClaim, all_claims, claims_of, read_claims


@pytest.mark.parametrize("provider", wires())
def test_every_provider_has_an_entry(provider: str) -> None:
    assert claims_of(provider).provider == provider


def test_no_entry_is_of_a_provider_that_is_gone() -> None:
    assert set(all_claims()) - set(wires()) == set()


def test_a_provider_without_an_entry_is_told_what_to_do() -> None:
    with pytest.raises(BadClaim, match=r"'tomorrow' has no entry in tests/support/claims.toml. Say there"):
        claims_of("tomorrow")


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"recorded": ["flying"]}, "no capability flying"),
        ({"tools": True}, "no member tools"),
        ({"recorded": ["n"], "documented": ["n"]}, "n is said twice"),
        ({"recorded": ["n"], "no": {"n": "one answer"}}, "n is said twice"),
        ({"recorded": ["n"], "notes": {"tools": "some"}}, "a note on tools, which is no yes"),
        ({"recorded": ["n"], "sources": []}, "by which of its own pages"),
    ],
)
def test_what_has_no_meaning_is_told(row: dict[str, Any], fault: str) -> None:
    with pytest.raises(BadClaim, match=f"somebody: {fault}"):
        read_claims("somebody", {"sources": ["example.com"], **row})


def test_every_provider_does_something() -> None:
    assert [claims.provider for claims in all_claims().values() if not claims.yes] == []


def test_every_capability_has_a_request_and_a_meaning() -> None:
    beside = {"embeddings", "reasoning_back"}  # the one has a request of its own, the other goes on from an answer
    assert set(asking.MEMBERS) == set(NAMES) - beside
    assert set(asking.MEANT) == set(NAMES) - beside


def test_every_yes_can_be_read_in_its_wire() -> None:
    missing = {
        (claims.provider, capability)
        for claims in all_claims().values()
        for capability in claims.yes
        if capability != "embeddings" and capability not in arriving.ARRIVED[claims.form]
    }
    assert missing == set()
