"""Who is let in: the admin key, IAM where API Gateway says so, and nobody else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from handlers.admin.actor import iam_identity
from handlers.admin.admin_key import CachedAdminKey, admin_key_of, fingerprint
from handlers.admin.app import _ROUTES, create_admin_app
from infra.aws.json_client import AwsError
from infra.secrets.store import SecretsFault
from providers.errors import Unauthenticated
from providers.secret import Secret
from tests.handlers.admin.desk import ADMIN_KEY, Clock, desk_over

if TYPE_CHECKING:
    from pathlib import Path

    from tests.handlers.admin.desk import Desk

ARN = "arn:aws:sts::123456789012:assumed-role/ops/ada"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        f"Basic {ADMIN_KEY}",
        ADMIN_KEY,
        f"Bearer {ADMIN_KEY[:-1]}",
        f"Bearer {ADMIN_KEY}x",
        f"Bearer {ADMIN_KEY.lower()}",
        "Bearer sbr_acme_aaaaaaaaaa_x",
        "Bearer " + "x" * 300,
    ],
)
async def test_without_the_admin_key_nothing_is_told_and_nothing_done(desk: Desk, header: str | None) -> None:
    await desk.acme()
    headers = {} if header is None else {"authorization": header}
    async with httpx2.AsyncClient(base_url=desk.http.base_url) as stranger:
        for path, answers in _ROUTES.items():
            for method in answers:
                url = f"/admin/v1{path.replace('{name:path}', 'x')}".format(
                    org="acme", name="x", key_id="a" * 10, request_id="0" * 32
                )
                answer = await stranger.request(method, url, headers=headers, content=b"not even JSON")
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == "Bearer"
                assert answer.json()["error"]["type"] == "authentication_error"
                assert ADMIN_KEY not in answer.text
    assert len(await desk.trail()) == 1


async def test_the_holder_of_the_admin_key_is_named_by_its_fingerprint(desk: Desk) -> None:
    await desk.acme()
    assert (await desk.trail())[0]["actor"] == f"admin-key:{fingerprint(Secret(ADMIN_KEY))}"


async def test_the_scheme_is_not_case_sensitive(desk: Desk) -> None:
    assert (await desk.ask("GET", "/orgs", authorization=f"bearer  {ADMIN_KEY}")).status_code == 200


async def test_a_deployment_without_an_admin_key_lets_nobody_in(tmp_path: Path) -> None:
    async with desk_over(tmp_path, change=lambda services: replace(services, admin_key=None)) as desk:
        await desk.refused("GET", "/orgs", status=401)


async def test_over_a_network_nothing_is_taken_for_iams_word(desk: Desk) -> None:
    """Not even with the admin key, or with headers that spell out what API Gateway would say."""
    for path in ("/admin-iam/v1/orgs", "/admin-iam/v1/orgs/acme"):
        answer = await desk.http.get(path, headers={"x-amzn-requestcontext": ARN, "aws.event": ARN})
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "no_iam_identity"


def event(resource_path: Any = "/admin-iam/{proxy+}", arn: Any = ARN) -> dict[str, Any]:
    return {"requestContext": {"resourcePath": resource_path, "identity": {"userArn": arn}}}


def test_an_identity_is_iams_where_api_gateway_routed_it_so() -> None:
    assert iam_identity({"aws.event": event()}) == ARN
    assert iam_identity({"aws.event": event("/admin-iam")}) == ARN


@pytest.mark.parametrize(
    "scope",
    [
        {},
        {"aws.event": None},
        {"aws.event": {}},
        {"aws.event": {"requestContext": None}},
        {"aws.event": {"requestContext": {"resourcePath": "/admin-iam/{proxy+}"}}},
        {"aws.event": {"requestContext": {"resourcePath": "/admin-iam/{proxy+}", "identity": None}}},
        {"aws.event": event(arn=None)},
        {"aws.event": event(arn="")},
        {"aws.event": event(arn=" ")},
        {"aws.event": event(arn=[ARN])},
        {"aws.event": event("/admin/{proxy+}")},
        {"aws.event": event("/{proxy+}")},
        {"aws.event": event("/admin-iammore/{proxy+}")},
        {"aws.event": event("/x/admin-iam/{proxy+}")},
        {"aws.event": event(None)},
    ],
)
def test_nothing_else_is_an_identity(scope: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        iam_identity(scope)


# --- the key in Secrets Manager ---------------------------------------------------------------------------------------


class Secrets:
    """Secrets Manager's answers, as `AwsJsonClient.call` gives them."""

    def __init__(self, text: Any) -> None:
        self.text = text
        self.calls = 0

    async def __call__(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        self.calls += 1
        assert (operation, body) == ("GetSecretValue", {"SecretId": "sabir/prod/admin-key"})
        if isinstance(self.text, Exception):
            raise self.text
        return {"SecretString": self.text}


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)


def key_in(secrets: Secrets, clock: Clock) -> CachedAdminKey:
    return CachedAdminKey(secrets, "sabir/prod/admin-key", clock=clock)


def test_the_key_is_the_secrets_text_with_our_prefix() -> None:
    assert admin_key_of("abc\n") == admin_key_of("sba_abc") == Secret("sba_abc")


async def test_the_key_is_read_once_a_minute(clock: Clock) -> None:
    secrets = Secrets("abc")
    key = key_in(secrets, clock)
    for _ in range(3):
        assert await key.matches(Secret("sba_abc"))
    assert secrets.calls == 1
    clock.now += 60
    assert await key.matches(Secret("sba_abc"))
    assert secrets.calls == 2


async def test_a_replaced_key_stops_within_a_minute_and_the_new_one_works_at_once(clock: Clock) -> None:
    secrets = Secrets("old")
    key = key_in(secrets, clock)
    assert await key.matches(Secret("sba_old"))
    secrets.text = "new"
    clock.now += 10
    assert await key.matches(Secret("sba_new"))
    assert not await key.matches(Secret("sba_old"))


async def test_guesses_do_not_become_calls(clock: Clock) -> None:
    secrets = Secrets("abc")
    key = key_in(secrets, clock)
    for number in range(50):
        assert not await key.matches(Secret(f"sba_{number}"))
    assert secrets.calls == 1


@pytest.mark.parametrize("text", [AwsError("GetSecretValue", 500, "InternalServiceError"), TimeoutError(), None, " "])
async def test_pitfall_39_an_outage_is_a_503_and_never_a_wrong_key(tmp_path: Path, clock: Clock, text: Any) -> None:
    secrets = Secrets(text)
    key = key_in(secrets, clock)
    with pytest.raises(SecretsFault):
        await key.matches(Secret("sba_abc"))
    async with desk_over(tmp_path, change=lambda services: replace(services, admin_key=key)) as desk:
        error = await desk.refused("GET", "/orgs", status=503)
        assert error["code"] == "secret_store_unavailable"
        secrets.text = ADMIN_KEY
        await desk.made("GET", "/orgs")


async def test_a_key_that_was_just_read_goes_on_through_an_outage(clock: Clock) -> None:
    secrets = Secrets("abc")
    key = key_in(secrets, clock)
    assert await key.matches(Secret("sba_abc"))
    secrets.text = AwsError("GetSecretValue", 500, "InternalServiceError")
    assert await key.matches(Secret("sba_abc"))
    clock.now += 61
    with pytest.raises(SecretsFault):
        await key.matches(Secret("sba_abc"))


# --- what every answer is like ----------------------------------------------------------------------------------------


async def test_nothing_is_kept_by_a_cache_on_the_way(desk: Desk) -> None:
    for method, path in (("GET", "/orgs"), ("GET", "/orgs/nobody"), ("GET", "/nowhere"), ("PUT", "/orgs")):
        assert (await desk.ask(method, path)).headers["cache-control"] == "no-store"


async def test_another_method_is_a_405_that_names_the_right_ones(desk: Desk) -> None:
    answer = await desk.ask("PUT", "/orgs")
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))
    assert (await desk.refused("GET", "/nowhere", status=404))["code"] == "unknown_url"


async def test_a_body_over_the_limit_is_a_413(desk: Desk) -> None:
    await desk.acme()
    error = await desk.refused("PATCH", "/orgs/acme", {"models": "x" * 300_000}, status=413)
    assert error["code"] == "request_too_large"


async def test_a_caller_in_the_same_process_needs_no_key_and_is_named(tmp_path: Path) -> None:
    async with desk_over(tmp_path, change=lambda services: replace(services, local_actor="local:ada")) as desk:
        app = create_admin_app(desk.services)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://x/admin/v1/") as here:
            assert (await here.post("orgs", json={"org_id": "acme"})).status_code == 201
        assert (await desk.trail())[0]["actor"] == "local:ada"
        assert (await desk.http.get("/admin-iam/v1/orgs")).status_code == 401
