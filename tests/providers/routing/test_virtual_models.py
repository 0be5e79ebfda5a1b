"""An org's own names: candidates, strategies and fallbacks."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.errors import Forbidden, UnknownModel
from providers.routing.health import Health, Pace
from providers.routing.patterns import MayUse
from providers.routing.plan import Plan, plan
from providers.routing.virtual import STRATEGIES, Candidate, Strategy, VirtualModel
from tests.providers.routing.org import NOW, PROVIDERS, endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from providers.routing.endpoint import Endpoint

ORG = (endpoint("one"), endpoint("two"), endpoint("claude", "anthropic"))
TRIO = (Candidate("gpt-4o"), Candidate("claude-opus-4-1"), Candidate("gpt-4o-mini"))


def smart(strategy: Strategy = "priority", *candidates: Candidate) -> VirtualModel:
    return VirtualModel("smart", candidates or TRIO, strategy)


def ways(
    virtual: VirtualModel,
    org: Sequence[Endpoint] = ORG,
    *,
    may_use: MayUse = MayUse(),  # noqa: B008 - immutable
    pin: str | None = None,
    prefix: bytes = b"prefix",
    health: Mapping[str, Health] | None = None,
) -> Plan:
    return plan(
        virtual.name, org, (VirtualModel("other", ()), virtual), may_use=may_use, pin=pin, prefix=prefix,
        health=health or {}, now=NOW, available=PROVIDERS,
    )  # fmt: skip


def models(found: Plan) -> list[str]:
    return list(dict.fromkeys(leg.model for leg in found.legs))


def test_every_strategy_is_known_here() -> None:
    assert get_args(Strategy) == STRATEGIES
    for strategy in STRATEGIES:
        assert sorted(models(ways(smart(strategy)))) == sorted(candidate.model for candidate in TRIO)


def test_priority_is_as_listed_with_the_endpoints_of_each_in_their_own_order() -> None:
    found = ways(smart())
    assert models(found) == ["gpt-4o", "claude-opus-4-1", "gpt-4o-mini"]
    assert len(found.legs) == 5
    assert found.virtual == smart()


def test_a_candidate_may_be_of_one_endpoint_alone() -> None:
    found = ways(smart("priority", Candidate("gpt-4o", endpoint="two"), Candidate("gpt-4o-mini")))
    assert [leg.endpoint.name for leg in found.legs if leg.model == "gpt-4o"] == ["two"]


def test_a_leg_that_two_candidates_lead_to_is_there_once_and_first() -> None:
    found = ways(
        smart("priority", Candidate("gpt-4o", endpoint="two"), Candidate("openai/gpt-4o"), Candidate("gpt-4o"))
    )
    assert [(leg.endpoint.name, leg.model) for leg in found.legs] == [("two", "gpt-4o"), ("one", "gpt-4o")]


def test_it_may_have_the_name_of_a_real_model_among_its_candidates() -> None:
    chain = VirtualModel("gpt-4o", (Candidate("gpt-4o"), Candidate("claude-opus-4-1")))
    assert models(ways(chain)) == ["gpt-4o", "claude-opus-4-1"]


def test_a_candidate_that_nobody_serves_is_passed_over() -> None:
    assert models(ways(smart("priority", Candidate("nonesuch"), Candidate("gpt-4o")))) == ["gpt-4o"]
    with pytest.raises(UnknownModel, match="'smart'"):
        ways(smart("priority", Candidate("nonesuch"), Candidate("gpt-4o", endpoint="gone")))


def test_a_pin_holds_for_the_candidates() -> None:
    assert models(ways(smart(), pin="claude")) == ["claude-opus-4-1"]
    with pytest.raises(UnknownModel):
        ways(smart("priority", Candidate("gpt-4o", endpoint="one")), pin="two")


# -- keys --------------------------------------------------------------------------------------------------------------


def test_a_key_that_lists_the_virtual_model_may_use_all_its_candidates() -> None:
    assert len(models(ways(smart(), may_use=MayUse(models=("smart",))))) == 3


def test_a_key_that_lists_a_candidate_may_not_use_the_virtual_model() -> None:
    with pytest.raises(Forbidden):
        ways(smart(), may_use=MayUse(models=("gpt-4o", "claude-*")))


def test_a_key_for_one_provider_keeps_to_it_among_the_candidates() -> None:
    assert models(ways(smart(), may_use=MayUse(("smart",), ("anthropic",)))) == ["claude-opus-4-1"]
    with pytest.raises(Forbidden):
        ways(smart(), may_use=MayUse(providers=("google",)))


# -- strategies --------------------------------------------------------------------------------------------------------


def test_weighted_candidates_have_their_shares_and_a_conversation_keeps_its_own() -> None:
    virtual = smart("weighted", Candidate("gpt-4o", weight=3), Candidate("claude-opus-4-1"), Candidate("o3", weight=0))
    firsts = Counter(ways(virtual, prefix=sha256(b"%d" % n).digest()).legs[0].model for n in range(3000))
    assert firsts["gpt-4o"] / 3000 == pytest.approx(0.75, abs=0.035)
    assert firsts["o3"] == 0
    assert ways(virtual).legs == ways(virtual).legs


def test_the_cheapest_is_asked_first_and_what_has_no_price_last() -> None:
    virtual = smart("cheapest", Candidate("openai/no-price"), *TRIO)
    assert models(ways(virtual)) == ["gpt-4o-mini", "gpt-4o", "claude-opus-4-1", "no-price"]


def test_a_deployment_has_the_price_of_the_model_that_it_is_called_by() -> None:
    org = (endpoint("dep", "azure", aliases={"gpt-4o-mini": "dep-7"}), endpoint("claude", "anthropic"))
    assert models(ways(smart("cheapest"), org))[0] == "dep-7"


def paces(**seconds: float) -> dict[str, Health]:
    """Of endpoint `one` and `two` for gpt-4o, of `claude` for Claude."""
    model = {"one": "gpt-4o", "two": "gpt-4o", "claude": "claude-opus-4-1"}
    return {name: Health(ttft={model[name]: Pace(value, NOW)}) for name, value in seconds.items()}


FAST = smart("fastest", Candidate("gpt-4o"), Candidate("claude-opus-4-1"))


def test_the_fastest_is_asked_first() -> None:
    assert models(ways(FAST, health=paces(one=0.5, two=0.5, claude=0.2))) == ["claude-opus-4-1", "gpt-4o"]
    assert models(ways(FAST, health=paces(one=0.1, two=0.1, claude=0.2))) == ["gpt-4o", "claude-opus-4-1"]


def test_what_has_no_time_yet_comes_first_so_that_it_gets_one() -> None:
    assert models(ways(FAST)) == ["gpt-4o", "claude-opus-4-1"]
    assert models(ways(FAST, health=paces(one=0.1, two=0.1)))[0] == "claude-opus-4-1"


def test_a_time_that_is_long_past_counts_as_none() -> None:
    slow = Health(ttft={"claude-opus-4-1": Pace(30.0, NOW - 3600)})
    assert models(ways(FAST, health={**paces(one=0.1, two=0.1), "claude": slow}))[0] == "claude-opus-4-1"


def test_the_time_that_counts_is_of_the_endpoint_that_would_be_asked() -> None:
    health = paces(one=9.0, two=0.1, claude=0.2)
    first = ways(smart("priority", Candidate("gpt-4o")), prefix=b"p").legs[0].endpoint.name
    swapped = health if first == "one" else paces(one=0.1, two=9.0, claude=0.2)
    assert models(ways(FAST, prefix=b"p", health=swapped))[0] == "claude-opus-4-1"
    cooling = {**swapped, first: Health(until=NOW + 9, ttft=swapped[first].ttft)}
    assert models(ways(FAST, prefix=b"p", health=cooling))[0] == "gpt-4o"


def test_an_answer_of_any_candidate_of_the_fastest_may_be_kept() -> None:
    found = ways(FAST, health=paces(one=0.5, two=0.5, claude=0.2))
    assert found.static.model == "gpt-4o"
    assert all(found.storable(leg) for leg in found.legs)


# -- whatever is known -------------------------------------------------------------------------------------------------

HEALTH = st.dictionaries(
    st.sampled_from(["one", "two", "claude", "gone"]),
    st.builds(
        Health,
        st.sampled_from([0.0, NOW - 1, NOW + 1, NOW + 50]),
        st.just(0),
        st.dictionaries(
            st.sampled_from(["gpt-4o", "gpt-4o-mini", "claude-opus-4-1"]),
            st.builds(Pace, st.floats(0, 9), st.sampled_from([NOW, NOW - 9999])),
        ),
    ),
)


@given(st.sampled_from(STRATEGIES), HEALTH, st.binary(max_size=8))
def test_health_changes_the_order_and_never_what_there_is(
    strategy: Strategy, health: dict[str, Health], prefix: bytes
) -> None:
    calm, known = ways(smart(strategy), prefix=prefix), ways(smart(strategy), prefix=prefix, health=health)
    assert known.static == calm.static == calm.legs[0]
    assert {leg.place for leg in known.legs} == {leg.place for leg in calm.legs}
    assert len({leg.place for leg in known.legs}) == len(known.legs)
    cooling = [health.get(leg.endpoint.name, Health()).until for leg in known.legs]
    assert [max(until, NOW) for until in cooling] == sorted(max(until, NOW) for until in cooling)
