"""`/v1/models` as OpenAI's own SDK meets it: what each caller can reach, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import openai
import pytest

from handlers.caller import Member
from handlers.credentials import identify
from handlers.routing import ways_of
from providers import catalog
from providers.routing.virtual import Candidate, VirtualModel
from tests.contract.org_rig import an_org, endpoint, org_env

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from tests.contract.rig import Sabir

Start = Any
UNMARKED: Final = "sk-key-of-a-test"


async def listed(sabir: Sabir, key: str) -> dict[str, Any]:
    models = {model.id: model.model_dump() async for model in sabir.openai(key).models.list()}
    assert all((model["object"], model["created"]) == ("model", 0) for model in models.values())
    return models


# -- the bearer of a provider's own key -------------------------------------------------------------------------------


async def test_a_key_of_one_provider_lists_its_models(sabir: Sabir) -> None:
    models = await listed(sabir, "sk-ant-key-of-a-test")
    assert set(models) == set(catalog.listed("anthropic"))
    opus = models["claude-3-opus-20240229"] if "claude-3-opus-20240229" in models else models["claude-3-opus-latest"]
    assert (opus["owned_by"], opus["provider"], opus["context_window"]) == ("anthropic", "anthropic", 200_000)
    assert (opus["pricing"]["input"], opus["pricing"]["output"]) == ("15", "75")


async def test_a_key_without_a_mark_lists_what_any_provider_has(sabir: Sabir) -> None:
    models = await listed(sabir, UNMARKED)
    assert models["text-embedding-3-small"]["pricing"] == {"input": "0.02"}
    assert models["voyage-3.5"]["provider"] == "voyage"
    assert {model["provider"] for model in models.values()} > {"openai", "anthropic", "google", "mistral", "bedrock"}


async def test_every_listed_name_reaches_the_provider_that_it_is_listed_for(sabir: Sabir) -> None:
    from providers import registry

    for name, model in (await listed(sabir, UNMARKED)).items():
        assert catalog.route(name, registry.AVAILABLE).provider == model["provider"], name


@pytest.mark.parametrize("name", ["gpt-4o", "openai/gpt-4o", "openrouter/openai/gpt-4o", "GPT-4o"])
async def test_one_model_is_found_by_any_name_that_reaches_it(sabir: Sabir, name: str) -> None:
    model = (await sabir.openai(UNMARKED).models.retrieve(name)).model_dump()
    assert model["id"] == name
    assert (model["object"], model["context_window"]) == ("model", 128_000)
    assert model["pricing"]["input"] == "2.5"


@pytest.mark.parametrize("name", ["gpt-99-of-tomorrow", "no-such-model", "sonar/", "openai/x y"])
async def test_a_model_that_nobody_has_listed_is_not_said_to_be(sabir: Sabir, name: str) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        await sabir.openai(UNMARKED).models.retrieve(name)
    assert refused.value.code == "model_not_found"


async def test_both_prefixes_and_only_get_and_only_with_a_key(sabir: Sabir, http: aiohttp.ClientSession) -> None:
    async with http.get(sabir.url("/v1/proxy") + "/models", headers={"authorization": "Bearer pplx-x"}) as answer:
        assert (answer.status, (await answer.json())["object"]) == (200, "list")
        assert answer.headers["cache-control"] == "no-store"
    async with http.post(sabir.url() + "/models", headers={"authorization": "Bearer pplx-x"}) as answer:
        assert (answer.status, sorted(answer.headers["allow"].split(", "))) == (405, ["GET", "HEAD"])
    async with http.get(sabir.url() + "/models") as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (401, "invalid_api_key")


async def test_the_keys_of_the_environment_list_their_providers(start: Start) -> None:
    sabir = await start({"ANTHROPIC_API_KEY": "sk-ant-x", "PERPLEXITY_API_KEY": "pplx-x"}, with_keys=True)
    assert {model["provider"] for model in (await listed(sabir, "env")).values()} == {"anthropic", "perplexity"}


# -- members ----------------------------------------------------------------------------------------------------------


@pytest.fixture
async def org_sabir(start: Start, tmp_path: Path) -> Sabir:
    started: Sabir = await start(org_env(tmp_path))
    return started


async def test_a_member_lists_what_its_orgs_endpoints_serve(org_sabir: Sabir) -> None:
    acme = await an_org(
        org_sabir,
        [
            endpoint("openai", models=("gpt-4*", "our-own-model"), aliases={"fast": "gpt-4o-mini"}),
            endpoint("azure", "west", base_url="https://west.openai.azure.com", models=("deployed",)),
            endpoint("perplexity", "off", enabled=False),
        ],
        models=(VirtualModel("best", (Candidate("gpt-4o"),)), VirtualModel("gone", (Candidate("claude-opus-9"),))),
    )
    key = await acme.key()
    models = await listed(org_sabir, key)
    assert {"best", "fast", "our-own-model", "deployed", "gpt-4o", "gpt-4"} <= set(models)
    assert "gone" not in models, "none of its candidates can be reached"
    listed_names = {name for name, model in models.items() if model["provider"] == "openai"}
    assert all(name.startswith("gpt-4") for name in listed_names - {"fast", "our-own-model"})
    assert (models["best"]["owned_by"], models["best"]["provider"], models["best"]["pricing"]) == ("acme", None, None)
    assert (models["fast"]["provider"], models["fast"]["pricing"]["input"]) == ("openai", "0.15")
    assert (models["deployed"]["provider"], models["deployed"]["context_window"]) == ("azure", None)
    assert (await org_sabir.openai(key).models.retrieve("best")).owned_by == "acme"
    with pytest.raises(openai.NotFoundError):
        await org_sabir.openai(key).models.retrieve("sonar")


async def test_what_a_key_may_not_use_is_not_listed(org_sabir: Sabir) -> None:
    acme = await an_org(org_sabir, [endpoint("openai"), endpoint("anthropic")])
    assert set(await listed(org_sabir, await acme.key(models=("gpt-4o",)))) == {"gpt-4o"}
    only = await listed(org_sabir, await acme.key(providers=("anthropic",)))
    assert {model["provider"] for model in only.values()} == {"anthropic"}


async def test_a_name_that_another_provider_answers_is_listed_with_its_own(org_sabir: Sabir) -> None:
    acme = await an_org(org_sabir, [endpoint("openai"), endpoint("openrouter")])
    models = await listed(org_sabir, await acme.key())
    assert models["gpt-4o"]["provider"] == "openai"
    assert models["openrouter/openai/gpt-4o"]["provider"] == "openrouter"
    assert "openai/gpt-4o" not in models


async def test_a_temporary_credential_lists_its_one_model(org_sabir: Sabir, http: aiohttp.ClientSession) -> None:
    acme = await an_org(org_sabir, [endpoint("openai")])
    asked = {"model": "gpt-4o", "ttl_seconds": 60}
    headers = {"authorization": f"Bearer {await acme.key()}"}
    async with http.post(org_sabir.url() + "/credentials", json=asked, headers=headers) as answer:
        key = (await answer.json())["key"]
    assert set(await listed(org_sabir, key)) == {"gpt-4o"}
    record = await org_sabir.log.last(2)
    assert (record.org, record.status) == ("acme", 200)


async def test_every_name_that_a_member_is_told_is_routed_as_it_was_told(org_sabir: Sabir) -> None:
    endpoints = [
        endpoint("openai", models=("gpt-4o*",)),
        endpoint("openrouter"),
        endpoint("cohere"),
        endpoint("bedrock"),
    ]
    virtual = (VirtualModel("gpt-4o", (Candidate("command-r"),)),)
    acme = await an_org(org_sabir, endpoints, models=virtual)
    key = await acme.key(models=("gpt-4o*", "command*", "*mistral*"))
    member = await identify({"authorization": f"Bearer {key}"}, org_sabir.services)
    assert isinstance(member, Member)
    models = await listed(org_sabir, key)
    assert len(models) > 20
    for name, model in models.items():
        plan = ways_of(member, name, b"", None, org_sabir.services)
        assert model["provider"] == (None if plan.virtual else plan.static.provider), name
