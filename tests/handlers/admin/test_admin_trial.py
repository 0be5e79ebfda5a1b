"""The test of an endpoint: one real call, and what it says of it."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from handlers.admin.trial import choose_model, trial_request
from providers.errors import InvalidRequest
from providers.routing.endpoint import Endpoint
from providers.secret import Secret
from tests.handlers.admin.desk import MARKED, MARKED_HEADER, desk_over
from tests.simulator import Chunks, NotJson, Reset, Simulator, Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.handlers.admin.desk import Desk

TEST = "/orgs/acme/endpoints/main/test"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
async def desk(tmp_path: Path, simulator: Simulator) -> AsyncIterator[Desk]:
    async with desk_over(tmp_path, simulator.environment()) as desk:
        yield desk


@pytest.mark.parametrize(
    ("provider", "secret", "model"),
    [
        ("openai", "sk-x", "gpt-4o-mini"),
        ("anthropic", "sk-ant-x", "claude-haiku-4-5"),
        ("perplexity", "pplx-x", "sonar"),
    ],
)
async def test_it_makes_one_small_call_through_the_providers_own_translator(
    desk: Desk, simulator: Simulator, provider: str, secret: str, model: str
) -> None:
    await desk.acme_with_endpoint(provider=provider, secret=secret, headers={"x-team": "blue"})
    seen = await desk.made("POST", TEST, {"model": model})
    assert seen["error"] is None
    assert (seen["ok"], seen["status"], seen["provider"], seen["model"]) == (True, 200, provider, model)
    assert seen["usage"]["prompt_tokens"] > 0
    assert seen["latency_ms"] > 0
    (sent,) = simulator.requests
    assert secret in (sent.headers.get("authorization", "").removeprefix("Bearer "), sent.headers.get("x-api-key"))
    assert sent.headers["x-team"] == "blue"
    assert 16 in (sent.json.get("max_completion_tokens"), sent.json.get("max_tokens"))
    (entry, *_) = await desk.trail()
    assert (entry["action"], entry["subject"], entry["outcome"]) == ("endpoint.test", "main", "done")


async def test_a_refused_secret_is_a_result_with_the_providers_own_words(desk: Desk, simulator: Simulator) -> None:
    await desk.acme_with_endpoint()
    simulator.next(Status(401))
    seen = await desk.made("POST", TEST, {"model": "gpt-4"})
    assert (seen["ok"], seen["status"], seen["usage"]) == (False, 401, None)
    assert seen["error"]["message"]


@pytest.mark.parametrize("quoted", [MARKED, MARKED_HEADER])
async def test_a_secret_that_the_provider_quotes_is_taken_out(desk: Desk, quoted: str) -> None:
    await desk.acme_with_endpoint(headers={"x-team": MARKED_HEADER})
    # The simulator quotes the name of a model that it does not have, as OpenAI does.
    seen = await desk.made("POST", TEST, {"model": f"x-{quoted}"})
    assert seen["status"] == 404
    assert "The model `x-" in seen["error"]["message"]
    assert quoted not in seen["error"]["message"]


async def test_a_model_that_is_not_there_is_told_from_a_secret_that_is_wrong(desk: Desk) -> None:
    await desk.acme_with_endpoint()
    seen = await desk.made("POST", TEST, {"model": "nix"})
    assert (seen["status"], seen["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize(("fault", "status"), [(Reset(), None), (NotJson(), 200), (Status(529), 529)])
async def test_whatever_the_provider_does_is_a_result(
    desk: Desk, simulator: Simulator, fault: Any, status: int | None
) -> None:
    await desk.acme_with_endpoint()
    simulator.next(fault)
    seen = await desk.made("POST", TEST, {"model": "gpt-4"})
    assert (seen["ok"], seen["status"]) == (False, status)
    assert simulator.calls() == 1


async def test_an_answer_in_many_pieces_is_read_whole(desk: Desk, simulator: Simulator) -> None:
    await desk.acme_with_endpoint()
    simulator.next(Chunks(7))
    assert (await desk.made("POST", TEST, {"model": "gpt-4"}))["ok"] is True


async def test_a_provider_that_cannot_be_reached_has_no_status(desk: Desk) -> None:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    await desk.acme_with_endpoint(base_url=f"http://127.0.0.1:{port}/v1")
    seen = await desk.made("POST", TEST, {"model": "gpt-4"})
    assert (seen["ok"], seen["status"], seen["error"]["code"]) == (False, None, "upstream_unreachable")


async def test_the_endpoints_address_goes_before_the_deployments(desk: Desk, simulator: Simulator) -> None:
    await desk.acme_with_endpoint(base_url=simulator.url("openai"), models=["gpt-4"])
    async with Simulator() as other:
        await desk.made("PUT", "/orgs/acme/endpoints/main", {"base_url": other.url("openai"), "secret": MARKED})
        assert (await desk.made("POST", TEST))["model"] == "gpt-4"
        assert (simulator.calls(), other.calls()) == (0, 1)


async def test_an_unknown_member_is_refused_before_anything_is_spent(desk: Desk, simulator: Simulator) -> None:
    await desk.acme_with_endpoint()
    assert (await desk.refused("POST", TEST, {"modle": "gpt-4"}))["param"] == "modle"
    assert simulator.calls() == 0


# --- which model ------------------------------------------------------------------------------------------------------


def endpoint(**members: Any) -> Endpoint:
    return Endpoint(**{"name": "main", "provider": "openai", "secret": Secret("x"), **members})


def test_the_model_that_is_named_is_asked_and_an_alias_is_resolved() -> None:
    assert choose_model(endpoint(models=("a",)), "b") == "b"
    assert choose_model(endpoint(aliases={"mine": "theirs"}), "mine") == "theirs"


def test_else_one_that_the_endpoint_names() -> None:
    assert choose_model(endpoint(models=("gpt-*", "gpt-4"), aliases={"x": "y"}), None) == "gpt-4"
    assert choose_model(endpoint(models=("gpt-*",), aliases={"x": "y"}), None) == "y"


def test_else_a_cheap_one_that_it_serves() -> None:
    assert choose_model(endpoint(models=("gpt-4o*",)), None).startswith("gpt-4o")
    assert choose_model(endpoint(), None).startswith("gpt-")


def test_where_none_is_known_one_must_be_named() -> None:
    with pytest.raises(InvalidRequest, match="name one to ask openai for"):
        choose_model(endpoint(models=("mine-*",)), None)


# --- where ------------------------------------------------------------------------------------------------------------


async def test_a_region_is_another_address_of_a_provider_that_has_them() -> None:
    made = endpoint_url("bedrock", region="eu-central-1")
    assert made.startswith("https://bedrock-runtime.eu-central-1.amazonaws.com/")
    assert endpoint_url("bedrock", region="eu-central-1", base_url="https://b.example/us-east-1.x").startswith(
        "https://b.example/us-east-1.x/"
    )
    assert endpoint_url("openai", region="eu-central-1").startswith("https://api.openai.com/")


def endpoint_url(provider: str, **members: Any) -> str:
    return trial_request(endpoint(provider=provider, **members), "amazon.nova-micro-v1:0", {}).url
