"""One key for every provider: whose it is, what it may do, and what happens when nobody can look."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai
import pytest

from infra.control.store import ControlFault
from infra.secrets.store import SecretsFault
from providers.routing.virtual import Candidate, VirtualModel
from tests.contract.org_rig import an_org, endpoint, org_env, secrets_seen
from tests.contract.rig import STORY, body_of
from tests.simulator import Status

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from tests.contract.org_rig import TestOrg
    from tests.contract.rig import Sabir
    from tests.simulator import Simulator

Start = Any


@pytest.fixture
async def sabir(start: Start, tmp_path: Path) -> Sabir:
    started: Sabir = await start(org_env(tmp_path))
    return started


@pytest.fixture
async def acme(sabir: Sabir) -> TestOrg:
    return await an_org(
        sabir,
        [endpoint("openai", "first"), endpoint("openai", "second"), endpoint("anthropic"), endpoint("perplexity")],
    )


async def ask(
    sabir: Sabir, http: aiohttp.ClientSession, key: str, body: dict[str, Any] | None = None, **headers: str
) -> tuple[int, Any, dict[str, str]]:
    headers = {"authorization": f"Bearer {key}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with http.post(sabir.completions, json=body or body_of("openai", stream=False), headers=headers) as answer:
        return answer.status, json.loads(await answer.read()), {k.lower(): v for k, v in answer.headers.items()}


@pytest.mark.parametrize("stream", [False, True])
async def test_one_key_reaches_three_providers_each_with_its_own_secret(
    sabir: Sabir, acme: TestOrg, simulator: Simulator, stream: bool
) -> None:
    client = sabir.openai(await acme.key())
    for model in STORY.values():
        messages: Any = [{"role": "user", "content": "Say it"}]
        answer: Any = await client.chat.completions.create(model=model, messages=messages, stream=stream)
        if stream:
            assert [chunk async for chunk in answer][-1].choices[0].finish_reason == "stop"
        else:
            assert answer.choices[0].message.content
    seen = secrets_seen(simulator.requests)
    assert seen[0] in {"first", "second"}
    assert seen[1:] == ["anthropic", "perplexity"]
    record = (await sabir.log.records_of(3))[1]
    assert (record.org, record.provider, record.endpoint, len(record.attempts)) == ("acme", "anthropic", "anthropic", 1)
    assert record.key == acme.records[str(client.api_key)].key_id


async def test_the_answer_names_its_endpoint_and_a_pin_chooses_one(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    key = await acme.key()
    for name in ("first", "second"):
        status, _, headers = await ask(sabir, http, key, x_bt_endpoint_name=name, x_bt_use_cache="never")
        assert (status, headers["x-bt-used-endpoint"], headers["x-sabir-attempts"]) == (200, name, "1")
    status, body, _ = await ask(sabir, http, key, x_bt_endpoint_name="third")
    assert (status, body["error"]["param"]) == (400, "x-bt-endpoint-name")


async def test_pitfall_37_a_conversation_stays_with_one_endpoint(
    sabir: Sabir, acme: TestOrg, simulator: Simulator
) -> None:
    client = sabir.openai(await acme.key())
    for first in range(8):
        messages: Any = [{"role": "user", "content": f"conversation {first}"}]
        for turn in range(3):
            await client.chat.completions.create(model="gpt-4", messages=messages)
            messages += [{"role": "assistant", "content": "Yes"}, {"role": "user", "content": f"turn {turn}"}]
    seen = secrets_seen(simulator.requests)
    turns = [seen[at : at + 3] for at in range(0, len(seen), 3)]
    assert all(len(set(each)) == 1 for each in turns)
    assert {each[0] for each in turns} == {"first", "second"}


async def test_what_the_organisation_gave_a_member_does_not_choose_its_account(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    await ask(sabir, http, await acme.key(), openai_organization="org-other", openai_project="p", openai_beta="x=1")
    headers = simulator.requests[0].headers
    assert "openai-organization" not in headers
    assert "openai-project" not in headers
    assert headers["openai-beta"] == "x=1"


async def test_an_endpoint_has_headers_and_an_address_of_its_own(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    acme = await an_org(
        sabir,
        [
            endpoint(
                "openai", "own", base_url=simulator.url("perplexity"), headers={"x-team": "red"}, models=("house-*",)
            )
        ],
    )
    body = {"model": "house-model", "messages": [{"role": "user", "content": "Say it"}]}
    await ask(sabir, http, await acme.key(), body)
    seen = simulator.requests[0]
    assert (seen.provider, seen.headers["x-team"]) == ("perplexity", "red")


# --- what a key may do ---


async def test_a_key_is_refused_what_it_may_not_use(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    by_model, by_provider = await acme.key(models=("claude-*",)), await acme.key(providers=("anthropic",))
    for key in (by_model, by_provider):
        status, body, _ = await ask(sabir, http, key)
        assert (status, body["error"]["type"]) == (403, "permission_error")
        status, _, _ = await ask(sabir, http, key, body_of("anthropic", stream=False))
        assert status == 200
    assert simulator.calls("openai") == 0


async def test_a_model_that_no_endpoint_serves_is_unknown(
    sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    acme = await an_org(sabir, [endpoint("anthropic")])
    status, body, _ = await ask(sabir, http, await acme.key())
    assert (status, body["error"]["code"]) == (404, "model_not_found")
    assert simulator.calls() == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [({"revoked_at": 1}, "revoked_api_key"), ({"expires_at": 1_800_000_000}, "expired_api_key")],
    ids=["revoked", "expired"],
)
async def test_a_key_that_is_no_longer_good_says_so(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator, change: Any, code: str
) -> None:
    status, body, headers = await ask(sabir, http, await acme.key(**change))
    assert (status, body["error"]["code"]) == (401, code)
    assert headers["www-authenticate"] == "Bearer"
    assert simulator.calls() == 0


async def test_a_revoked_key_stops_within_its_documented_time(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    key = await acme.key()
    assert (await ask(sabir, http, key))[0] == 200
    await acme.change_key(key, revoked_at=int(sabir.clock.now))
    sabir.clock.now += sabir.services.settings.key_seconds
    assert (await ask(sabir, http, key))[0] == 401


@pytest.mark.parametrize("key", ["sbr_", "sbr_acme_x", "sbr_acme_aaaaaaaaaa_" + "0" * 49, "sbr_nobody_b_c"])
async def test_pitfall_34_a_made_up_key_is_refused_and_shown_to_no_provider(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator, key: str
) -> None:
    status, body, _ = await ask(sabir, http, key)
    assert (status, body["error"]["code"]) == (401, "invalid_api_key")
    assert simulator.calls() == 0


# --- outages ---


class Out:
    """A store that is out, whatever is asked of it."""

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    def __getattr__(self, name: str) -> Any:
        async def failing(*_: Any, **__: Any) -> Any:
            raise self._fault

        return failing


@pytest.mark.parametrize(
    ("member", "attribute", "fault", "code"),
    [
        ("directory", "_store", ControlFault("out"), "key_store_unavailable"),
        ("secrets", "_store", SecretsFault("out"), "secret_store_unavailable"),
    ],
    ids=["keys", "secrets"],
)
async def test_pitfall_39_an_outage_is_a_503_with_a_reason_and_never_invalid_key(
    sabir: Sabir,
    acme: TestOrg,
    http: aiohttp.ClientSession,
    simulator: Simulator,
    member: str,
    attribute: str,
    fault: Exception,
    code: str,
) -> None:
    key = await acme.key()
    part = getattr(sabir.services.orgs, member)
    whole = getattr(part, attribute)
    setattr(part, attribute, Out(fault))
    status, body, headers = await ask(sabir, http, key)
    assert (status, body["error"]["code"], headers["retry-after"]) == (503, code, "1")
    assert simulator.calls() == 0
    setattr(part, attribute, whole)
    sabir.clock.now += 60
    assert (await ask(sabir, http, key))[0] == 200


# --- secrets ---


async def test_a_rotated_secret_is_read_again_at_the_providers_first_401(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    acme = await an_org(sabir, [endpoint("openai", secret="secret-of-old")])
    key = await acme.key()
    assert (await ask(sabir, http, key))[0] == 200
    await acme.change_secrets([endpoint("openai", secret="secret-of-new")])
    simulator.next(Status(401))
    status, _, headers = await ask(sabir, http, key, x_bt_use_cache="never")
    assert (status, headers["x-sabir-attempts"]) == (200, "2")
    assert secrets_seen(simulator.requests) == ["old", "old", "new"]


async def test_a_new_secret_that_does_not_work_yet_gives_way_to_the_previous_one(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    acme = await an_org(sabir, [endpoint("openai", secret="secret-of-old")])
    await acme.change_secrets([endpoint("openai", secret="secret-of-new")])
    simulator.next(Status(401))
    assert (await ask(sabir, http, await acme.key()))[0] == 200
    assert secrets_seen(simulator.requests) == ["new", "old"]


async def test_a_secret_that_is_wrong_for_good_is_the_organisations_fault_and_says_nothing_of_it(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    acme = await an_org(sabir, [endpoint("openai", secret="secret-of-org")])
    simulator.next(Status(401, message="Incorrect API key provided: secret-of-org"), times=5)
    status, body, headers = await ask(sabir, http, await acme.key())
    assert (status, body["error"]["code"]) == (502, "endpoint_unauthorized")
    await sabir.log.records_of(1)
    assert "secret-of" not in json.dumps(body) + str(headers) + sabir.log.text
    assert headers["x-bt-used-endpoint"] == "openai"
    assert simulator.calls() == 1


async def test_the_sdk_shows_a_member_what_is_wrong(sabir: Sabir, acme: TestOrg) -> None:
    client = sabir.openai(await acme.key(models=("gpt-4o-mini",)))
    with pytest.raises(openai.PermissionDeniedError, match="may not use the model"):
        await client.chat.completions.create(model="gpt-4", messages=[{"role": "user", "content": "x"}])


async def test_an_org_without_its_secrets_is_an_outage_and_not_a_bad_key(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    await sabir.services.members.stores.secrets.delete("org/acme")
    status, body, _ = await ask(sabir, http, await acme.key())
    assert (status, body["error"]["code"]) == (503, "secrets_missing")


async def test_when_the_secrets_cannot_be_read_again_the_refused_one_is_the_last(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    acme = await an_org(sabir, [endpoint("openai")])
    key = await acme.key()
    assert (await ask(sabir, http, key))[0] == 200
    reader: Any = sabir.services.members.secrets
    reader._store = Out(SecretsFault("out"))
    simulator.next(Status(401))
    status, body, _ = await ask(sabir, http, key, x_bt_use_cache="never")
    assert (status, body["error"]["code"], simulator.calls()) == (502, "endpoint_unauthorized", 2)


async def test_what_one_provider_cannot_represent_another_may(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    """Anthropic has no `logprobs`, so that nothing is sent there and no attempt is counted."""
    both = VirtualModel("both", (Candidate("claude-sonnet-4-5"), Candidate("gpt-4")))
    acme = await an_org(sabir, [endpoint("openai"), endpoint("anthropic")], models=(both,))
    key = await acme.key()
    body = {**body_of("openai", stream=False), "model": "both", "n": 2}
    status, _, headers = await ask(sabir, http, key, body)
    assert (status, headers["x-bt-used-endpoint"], headers["x-sabir-attempts"]) == (200, "openai", "1")
    assert simulator.calls("anthropic") == 0
    status, answer, _ = await ask(sabir, http, key, {**body, "model": "claude-sonnet-4-5"})
    assert (status, answer["error"]["param"]) == (400, "n")


async def test_any_candidate_of_the_fastest_answers_for_all_of_them(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    quick = VirtualModel("quick", (Candidate("gpt-4"), Candidate("claude-sonnet-4-5")), "fastest")
    acme = await an_org(sabir, [endpoint("openai"), endpoint("anthropic")], models=(quick,))
    key = await acme.key()
    body = {**body_of("openai", stream=False), "model": "quick"}
    simulator.next(Status(500), provider="openai")
    _, _, first = await ask(sabir, http, key, body)
    await sabir.log.records_of(1)
    _, _, second = await ask(sabir, http, key, body)
    assert (first["x-bt-used-endpoint"], second["x-bt-cached"]) == ("anthropic", "HIT")
    _, _, named = await ask(sabir, http, key, body_of("openai", stream=False))
    assert named["x-bt-cached"] == "MISS", "the name alone is another request"
