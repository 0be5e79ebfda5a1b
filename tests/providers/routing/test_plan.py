"""From a model's name and an org's endpoints to the ways to an answer."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from providers.errors import Forbidden, InvalidRequest, UnknownModel
from providers.routing.health import Health, Pace
from providers.routing.patterns import MayUse
from providers.routing.plan import MAX_LEGS, MAX_LEGS_PER_MODEL, PIN_HEADER, Plan, plan
from providers.routing.virtual import Candidate, VirtualModel
from tests.providers.routing.org import NOW, PROVIDERS, endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from providers.routing.endpoint import Endpoint

ORG = (
    endpoint("openai-eu"),
    endpoint("openai-us"),
    endpoint("claude", "anthropic"),
    endpoint("router", "openrouter"),
    endpoint("off", "google", enabled=False),
)

# Two that both of these hosts list.
LLAMA = "meta-llama/llama-4-maverick-17b-128e-instruct"
GUARD = "meta-llama/llama-guard-4-12b"
HOSTS = (endpoint("quick", "groq"), endpoint("router", "openrouter"))


def ways(
    model: str,
    endpoints: Sequence[Endpoint] = ORG,
    *virtual: VirtualModel,
    may_use: MayUse = MayUse(),  # noqa: B008 - immutable
    pin: str | None = None,
    prefix: bytes = b"prefix",
    health: Mapping[str, Health] | None = None,
    now: float = NOW,
) -> Plan:
    return plan(
        model, endpoints, virtual, may_use=may_use, pin=pin, prefix=prefix, health=health or {}, now=now,
        available=PROVIDERS,
    )  # fmt: skip


def places(found: Plan) -> list[str]:
    return [f"{leg.endpoint.name}:{leg.model}" for leg in found.legs]


# -- real models -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-4o", {"openai-eu:gpt-4o", "openai-us:gpt-4o"}),
        ("GPT-4o", {"openai-eu:GPT-4o", "openai-us:GPT-4o"}),
        ("gpt-of-tomorrow", {"openai-eu:gpt-of-tomorrow", "openai-us:gpt-of-tomorrow"}),
        ("openai/gpt-4o", {"openai-eu:gpt-4o", "openai-us:gpt-4o"}),
        ("claude-opus-4-1", {"claude:claude-opus-4-1"}),
        ("openrouter/openai/gpt-4o", {"router:openai/gpt-4o"}),
        ("anthropic/never-heard-of", {"claude:never-heard-of"}),
    ],
)
def test_a_model_goes_to_the_endpoints_of_its_provider(model: str, expected: set[str]) -> None:
    found = ways(model)
    assert set(places(found)) == expected
    assert found.virtual is None
    assert {leg.provider for leg in found.legs} == {leg.endpoint.provider for leg in found.legs}


def test_a_model_goes_to_a_host_where_the_org_has_no_endpoint_of_its_maker() -> None:
    assert places(ways("meta-llama/llama-3.3-70b-instruct", ORG)) == ["router:meta-llama/llama-3.3-70b-instruct"]


def test_an_endpoint_that_is_not_for_a_model_is_left_out_and_the_next_provider_is_asked() -> None:
    org = (endpoint("quick", "groq", models=("*maverick*",)), endpoint("router", "openrouter"))
    assert places(ways(LLAMA, org)) == [f"quick:{LLAMA}"]
    assert places(ways(GUARD, org)) == [f"router:{GUARD}"]


def test_a_name_that_only_the_org_knows_goes_to_the_endpoint_that_has_it() -> None:
    org = (*ORG, endpoint("own", "vllm", models=("our-*",)), endpoint("dep", "azure", aliases={"fast": "dep-7"}))
    assert places(ways("our-llama", org)) == ["own:our-llama"]
    assert places(ways("fast", org)) == ["dep:dep-7"]


def test_an_alias_is_the_name_for_its_provider_too() -> None:
    org = (endpoint("dep", "azure", aliases={"gpt-4o": "dep-7"}),)
    assert places(ways("gpt-4o", org)) == ["dep:dep-7"]
    assert places(ways("azure/gpt-4o", org)) == ["dep:dep-7"]
    assert places(ways("azure/other", org)) == ["dep:other"]


def test_an_endpoint_of_another_provider_that_names_the_model_shares_it() -> None:
    org = (*ORG, endpoint("dep", "azure", aliases={"gpt-4o": "dep-7"}), endpoint("own", "vllm", models=("gpt-4*",)))
    assert set(places(ways("gpt-4o", org))) == {"openai-eu:gpt-4o", "openai-us:gpt-4o", "dep:dep-7", "own:gpt-4o"}


def test_a_provider_that_the_caller_names_shares_the_model_with_no_pattern() -> None:
    router = endpoint("router", "openrouter", models=("openai/*",))
    assert places(ways("openai/gpt-4o", (router, endpoint("direct")))) == ["direct:gpt-4o"]
    assert places(ways("openai/gpt-4o", (router,))) == ["router:openai/gpt-4o"]


def test_an_endpoint_of_an_unknown_provider_or_a_disabled_one_is_never_asked() -> None:
    with pytest.raises(UnknownModel):
        ways("gpt-4o", (endpoint("a", "nonesuch", models=("gpt-4o",)), endpoint("b", enabled=False)))


@pytest.mark.parametrize("model", ["", " ", "a\nb", "x" * 3000])
def test_what_cannot_be_a_name_is_refused(model: str) -> None:
    with pytest.raises(InvalidRequest):
        ways(model)


def test_weights_are_shares_of_the_conversations() -> None:
    org = (endpoint("a", weight=3), endpoint("b", weight=1), endpoint("spare", weight=0))
    firsts = Counter(ways("gpt-4o", org, prefix=sha256(b"%d" % n).digest()).legs[0].endpoint.name for n in range(4000))
    assert firsts["a"] / 4000 == pytest.approx(0.75, abs=0.03)
    assert firsts["spare"] == 0


def test_pitfall_37_one_conversation_keeps_its_endpoint() -> None:
    assert len({ways("gpt-4o").legs[0].endpoint.name for _ in range(20)}) == 1
    others = {ways("gpt-4o", prefix=b"%d" % number).legs[0].endpoint.name for number in range(50)}
    assert others == {"openai-eu", "openai-us"}


# -- errors ------------------------------------------------------------------------------------------------------------


def test_an_unknown_model_is_answered_with_the_names_that_would_have_worked() -> None:
    """The key sees a single model of the price list, for its many names change from one edition to the next."""
    org = (endpoint("a"), endpoint("own", "vllm", models=("our-model", "x-*"), aliases={"fast": "y"}))
    key = MayUse(models=("gpt-4o", "our-*", "fast", "smart"))
    with pytest.raises(UnknownModel) as caught:
        ways("gbt-4o", org, VirtualModel("smart", ()), may_use=key)
    assert (caught.value.param, caught.value.status) == ("model", 404)
    assert caught.value.message == (
        "No endpoint of this org serves the model 'gbt-4o'. Near names: gpt-4o."
        " Names of its own: fast, our-model, smart."
        " What is not listed can be asked for as provider/model, of: openai."
    )


def test_an_unknown_model_tells_no_name_that_the_key_may_not_use() -> None:
    org = (endpoint("a"), endpoint("own", "vllm", models=("our-model",), aliases={"fast": "y"}))
    with pytest.raises(UnknownModel) as caught:
        ways("gbt-4o", org, VirtualModel("smart", ()), may_use=MayUse(("fast",), ("vllm",)))
    assert caught.value.message == ("No endpoint of this org serves the model 'gbt-4o'. Names of its own: fast.")


def test_of_many_names_of_its_own_an_org_tells_the_first() -> None:
    own = endpoint("own", "vllm", models=tuple(f"model-{number:02}" for number in range(30)))
    with pytest.raises(UnknownModel, match=r"Names of its own: model-00, .*, model-19\.$"):
        ways("something", (own,))


def test_an_org_without_endpoints_says_so_and_a_long_name_is_quoted_in_part() -> None:
    with pytest.raises(UnknownModel) as caught:
        ways("x" * 2000, ())
    assert caught.value.message == f"No endpoint of this org serves the model '{'x' * 63}…'."


def test_near_names_are_those_that_the_endpoints_are_for() -> None:
    with pytest.raises(UnknownModel, match=r"Near names: gpt-4o-mini\.$"):
        ways("gpt-4o-mimi", (endpoint("minis", models=("gpt-4o-mini*",)),), may_use=MayUse(models=("gpt-4o-mini",)))


# -- keys and pins -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["gpt-4o", "GPT-*", "openai/gpt-4o", "openai/*", "*"])
@pytest.mark.parametrize("model", ["gpt-4o", "openai/gpt-4o"])
def test_a_key_may_use_what_its_models_cover_however_it_is_written(model: str, pattern: str) -> None:
    assert len(ways(model, may_use=MayUse(models=(pattern,))).legs) == 2


def test_a_key_may_not_use_another_model() -> None:
    with pytest.raises(Forbidden) as caught:
        ways("gpt-4o", may_use=MayUse(models=("gpt-4o-mini", "claude-*")))
    assert (caught.value.status, caught.value.param) == (403, "model")


def test_a_key_may_not_use_another_provider() -> None:
    with pytest.raises(Forbidden):
        ways("claude-opus-4-1", ORG[:3], may_use=MayUse(providers=("openai",)))


def test_a_key_for_one_provider_gets_the_model_there() -> None:
    assert places(ways(LLAMA, HOSTS)) == [f"quick:{LLAMA}"]
    assert places(ways(LLAMA, HOSTS, may_use=MayUse(providers=("openrouter",)))) == [f"router:{LLAMA}"]


def test_a_pin_is_the_only_way() -> None:
    assert places(ways("gpt-4o", pin="openai-us")) == ["openai-us:gpt-4o"]


def test_a_pin_decides_the_provider_too() -> None:
    assert places(ways(LLAMA, HOSTS, pin="router")) == [f"router:{LLAMA}"]


@pytest.mark.parametrize("pin", ["nonesuch", "off", ""])
def test_a_pin_that_is_no_enabled_endpoint_is_refused(pin: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ways("gpt-4o", pin=pin)
    assert caught.value.param == PIN_HEADER == "x-bt-endpoint-name"


def test_a_pin_that_does_not_serve_the_model_is_told_so() -> None:
    with pytest.raises(UnknownModel, match=r"^The endpoint 'claude' does not serve the model 'gpt-4o'\."):
        ways("gpt-4o", pin="claude")


def test_a_pin_that_the_key_may_not_use_is_forbidden() -> None:
    with pytest.raises(Forbidden) as caught:
        ways("claude-opus-4-1", pin="claude", may_use=MayUse(providers=("openai",)))
    assert caught.value.param == PIN_HEADER


# -- health ------------------------------------------------------------------------------------------------------------


def test_what_cools_down_goes_behind_the_healthy_soonest_first_and_is_never_left_out() -> None:
    org = tuple(endpoint(name) for name in "abcd")
    order = [leg.endpoint.name for leg in ways("gpt-4o", org).legs]
    first, second, third, fourth = order
    health = {first: Health(until=NOW + 9), second: Health(until=NOW + 3), third: Health(until=NOW - 1)}
    assert [leg.endpoint.name for leg in ways("gpt-4o", org, health=health).legs] == [third, fourth, second, first]
    every = {name: Health(until=NOW + place) for place, name in enumerate(reversed(order), 1)}
    assert [leg.endpoint.name for leg in ways("gpt-4o", org, health=every).legs] == [*reversed(order)]


def test_the_static_leg_and_so_the_caches_identity_knows_no_health() -> None:
    calm = ways("gpt-4o")
    stormy = ways("gpt-4o", health={calm.static.endpoint.name: Health(until=NOW + 60)})
    assert stormy.static == calm.static == calm.legs[0]
    assert stormy.legs[0] != calm.legs[0]


def test_an_answer_may_be_kept_from_another_endpoint_of_the_same_model_and_from_no_other_model() -> None:
    chain = VirtualModel("smart", (Candidate("gpt-4o"), Candidate("gpt-4o-mini"), Candidate("claude-opus-4-1")))
    found = ways("smart", ORG, chain)
    assert [(leg.model, found.storable(leg)) for leg in found.legs] == [
        ("gpt-4o", True),
        ("gpt-4o", True),
        ("gpt-4o-mini", False),
        ("gpt-4o-mini", False),
        ("claude-opus-4-1", False),
    ]


def test_the_number_of_legs_is_bounded_and_a_pool_of_keys_pushes_no_fallback_out() -> None:
    org = tuple(endpoint(f"e{number:02}") for number in range(50))
    models = ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "o3", "gpt-5", "gpt-4")
    found = ways("smart", org, VirtualModel("smart", tuple(map(Candidate, models))))
    assert len(found.legs) == MAX_LEGS
    assert list(dict.fromkeys(leg.model for leg in found.legs)) == list(models[: MAX_LEGS // MAX_LEGS_PER_MODEL])
    assert max(Counter(leg.model for leg in found.legs).values()) == MAX_LEGS_PER_MODEL


def test_a_time_is_known_of_an_endpoint_for_each_of_its_models() -> None:
    fast = VirtualModel("quick", (Candidate("gpt-4o"), Candidate("gpt-4o-mini")), "fastest")
    health = {"a": Health(ttft={"gpt-4o": Pace(0.9, NOW), "gpt-4o-mini": Pace(0.4, NOW)})}
    assert places(ways("quick", (endpoint("a"),), fast, health=health)) == ["a:gpt-4o-mini", "a:gpt-4o"]


def test_what_another_wire_of_the_same_model_answered_only_stood_in_for_it() -> None:
    found = ways("gpt-5", (endpoint("one"), endpoint("two", aliases={"gpt-5": "responses/gpt-5"})))
    assert {leg.wire for leg in found.legs} == {None, "responses"}
    assert [found.storable(leg) for leg in found.legs] == [leg.wire == found.static.wire for leg in found.legs]
