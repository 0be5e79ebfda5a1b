"""Which of its wires a provider is asked on: by the model's name, or by the caller's wish."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from providers import registry
from providers.catalog import Route, route, spoken
from providers.routing.endpoint import Endpoint
from providers.routing.patterns import MayUse
from providers.routing.plan import plan
from providers.routing.virtual import Candidate, VirtualModel
from providers.secret import Secret
from providers.signatures import NOTHING, Replay, replay_of

if TYPE_CHECKING:
    from providers.routing.serving import Leg

DATA: dict[str, Any] = json.loads((Path(__file__).parents[2] / "providers" / "models.json").read_bytes())
WIRES = [(row["id"], wire) for row in DATA["providers"] for wire in row["wires"]]

ONLY = [
    "o1-pro",
    "o1-pro-2025-03-19",
    "o3-pro",
    "gpt-5-pro",
    "gpt-5-pro-2025-10-06",
    "gpt-5.2-pro",
    "gpt-5-2-pro-2025-12-11",
    "gpt-5.5-pro",
    "gpt-5-codex",
    "gpt-5.1-codex-max",
    "gpt-5.3-codex",
    "codex-mini-latest",
    "o3-deep-research",
    "o4-mini-deep-research-2025-06-26",
    "computer-use-preview",
    "gpt-6-cyber",
    "GPT-5-Pro",
]
BOTH = [
    "gpt-4o",
    "gpt-4o-mini-2024-07-18",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5.1-chat-latest",
    "o1",
    "o1-preview",
    "o3",
    "o3-mini",
    "o4-mini",
    "gpt-6-sol",
    "gpt-3.5-turbo",
    "ft:gpt-4o-mini-2024-07-18:pro::codex",
]


@pytest.mark.parametrize("model", ONLY)
def test_what_is_served_by_responses_alone_is_asked_there_unbidden(model: str) -> None:
    assert route(model, ["openai", "openrouter"]) == Route("openai", model, "responses")
    assert route(f"openai/{model}", ["openai"]) == Route("openai", model, "responses")


def test_so_are_xais_models_of_many_agents() -> None:
    assert route("grok-4.20-multi-agent-0309", ["xai"]) == Route("xai", "grok-4.20-multi-agent-0309", "responses")
    assert route("grok-4", ["xai"]) == Route("xai", "grok-4")


@pytest.mark.parametrize("model", BOTH)
def test_all_other_models_stay_on_chat_completions(model: str) -> None:
    assert route(model, ["openai"]) == Route("openai", model)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("openai/responses/gpt-5", Route("openai", "gpt-5", "responses")),
        ("openai/Responses/o1-pro", Route("openai", "o1-pro", "responses")),
        ("azure/responses/my-deployment", Route("azure", "my-deployment", "responses")),
        ("azure/gpt-5-codex", Route("azure", "gpt-5-codex", "responses")),
        ("x-ai/responses/grok-4", Route("xai", "grok-4", "responses")),
        ("openrouter/responses/openai/gpt-5", Route("openrouter", "openai/gpt-5", "responses")),
        ("openrouter/openai/gpt-5-pro", Route("openrouter", "openai/gpt-5-pro")),
        ("openai/responses/", Route("openai", "responses/")),
        ("cohere/responses/command-a", Route("cohere", "responses/command-a")),
    ],
)
def test_a_caller_may_wish_for_the_wire(name: str, found: Route) -> None:
    assert route(name, registry.AVAILABLE) == found


def test_a_provider_without_a_list_has_no_further_wires() -> None:
    assert spoken("nobody", "responses/gpt-5") == ("responses/gpt-5", None)


@pytest.mark.parametrize("name", registry.names())
def test_the_catalogue_says_of_a_provider_what_its_own_data_say(name: str) -> None:
    provider = registry.find(name)
    assert registry.speaking(name, None) is provider
    if (name, "responses") not in WIRES:
        assert getattr(provider, "responses", None) is None
        with pytest.raises(registry.UnknownProvider):
            registry.speaking(name, "responses")
        return
    further = registry.speaking(name, "responses")
    assert (further.name, further.base_url) == (name, provider.base_url)
    assert further.wire != provider.wire
    assert registry.speaking(name, "responses") is further


def test_there_are_such_wires() -> None:
    assert {name for name, _ in WIRES} >= {"openai", "azure", "xai", "openrouter", "deepseek"}


@pytest.mark.parametrize(
    ("provider", "model", "formats"),
    [
        ("openai", "gpt-5-pro", {"openai-responses-v1"}),
        ("azure", "my-deployment", {"azure-openai-responses-v1"}),
        ("xai", "grok-4", {"xai-responses-v1"}),
        ("openrouter", "openai/gpt-5", {"openai-responses-v1", "azure-openai-responses-v1", "xai-responses-v1"}),
        ("openai", "gpt-4o", None),
        ("deepseek", "deepseek-reasoner", None),
    ],
)
def test_sealed_thinking_goes_back_to_the_host_that_sealed_it(
    provider: str, model: str, formats: set[str] | None
) -> None:
    replay = replay_of(registry.speaking(provider, "responses"), model)
    assert replay == (NOTHING if formats is None else Replay(frozenset(formats)))
    assert replay_of(registry.find(provider), model) == NOTHING


def endpoint(name: str, provider: str, **members: Any) -> Endpoint:
    return Endpoint(name, provider, Secret("k"), **members)


def legs(
    model: str, *endpoints: Endpoint, virtual: tuple[VirtualModel, ...] = (), key: MayUse | None = None
) -> list[Leg]:
    found = plan(
        model,
        endpoints,
        virtual,
        may_use=key or MayUse(),
        pin=None,
        prefix=b"",
        health={},
        now=0.0,
        available=registry.AVAILABLE,
    )
    return list(found.legs)


def said(found: list[Leg]) -> list[tuple[str, str, str | None]]:
    return [(leg.endpoint.name, leg.model, leg.wire) for leg in found]


def test_an_orgs_endpoint_serves_such_a_model_without_more_ado() -> None:
    ours = endpoint("ours", "openai")
    assert said(legs("gpt-5-pro", ours)) == [("ours", "gpt-5-pro", "responses")]
    assert said(legs("gpt-5", ours)) == [("ours", "gpt-5", None)]
    assert said(legs("openai/responses/gpt-5", endpoint("ours", "openai", models=("gpt-5*",)))) == [
        ("ours", "gpt-5", "responses")
    ]


def test_an_alias_may_name_the_wire_and_a_caller_may_wish_for_it() -> None:
    azure = endpoint("azure", "azure", aliases={"gpt-5-pro": "responses/ours", "gpt-5": "prod", "think": "o1-pro"})
    assert said(legs("gpt-5-pro", azure)) == [("azure", "ours", "responses")]
    assert said(legs("gpt-5", azure)) == [("azure", "prod", None)]
    assert said(legs("azure/responses/gpt-5", azure)) == [("azure", "prod", "responses")]
    assert said(legs("azure/gpt-5-pro", azure)) == [("azure", "ours", "responses")]
    assert said(legs("think", azure)) == [("azure", "o1-pro", "responses")]


def test_one_model_on_two_wires_is_two_ways() -> None:
    both = VirtualModel("both", (Candidate("openai/responses/gpt-5"), Candidate("openai/gpt-5")))
    assert said(legs("both", endpoint("ours", "openai"), virtual=(both,))) == [
        ("ours", "gpt-5", "responses"),
        ("ours", "gpt-5", None),
    ]


def test_a_key_that_may_use_a_model_may_use_it_on_either_wire() -> None:
    key = MayUse(models=("gpt-5",))
    assert said(legs("openai/responses/gpt-5", endpoint("ours", "openai"), key=key)) == [("ours", "gpt-5", "responses")]
