"""Whose key is it: a key of Sabir's never reaches a provider, however it is presented, and opens one org only."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

import jwt
import pytest

from infra.control import key_text
from infra.control.codec import key_document
from infra.control.records import Limits, key_place
from infra.control.store import Put
from tests.attacks.hostile import asked, completion, saying
from tests.contract.org_rig import TOKEN_KEY, an_org, endpoint, org_env

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from tests.attacks.hostile import Heard
    from tests.contract.org_rig import TestOrg
    from tests.contract.rig import Sabir

Before = Any
OWN: Final = "sk-own-key-of-somebody"
_TOKEN_PART: Final = "GciOi"
ADMIN: Final = "sba_" + "K7" * 21


@pytest.fixture
async def world(before: Before, tmp_path: Path) -> tuple[Sabir, list[Heard], TestOrg]:
    sabir, heard = await before(saying(completion()), org_env(tmp_path))
    return sabir, heard, await an_org(sabir, [endpoint("openai")])


def heard_anything_of(secret: str, heard: list[Heard]) -> bool:
    """In capitals too, but for a token, which capitals undo beyond recognition."""
    if secret.startswith(_TOKEN_PART):
        return any(secret.encode() in one.head + one.body for one in heard)
    return any(secret.lower().encode() in (one.head + one.body).lower() for one in heard)


async def post(
    sabir: Sabir,
    http: aiohttp.ClientSession,
    headers: list[tuple[str, str]],
    path: str = "/chat/completions",
    **more: Any,
) -> tuple[int, bytes]:
    body = {**asked(), **more} if path == "/chat/completions" else more
    async with http.post(sabir.url() + path, json=body, headers=headers) as told:
        return told.status, await told.read()


HEADERS: Final = [
    lambda key: [("authorization", f"Bearer {OWN}"), ("x-api-key", key), ("api-key", key), ("x-goog-api-key", key)],
    lambda key: [("x-api-key", OWN), ("api-key", key)],
    lambda key: [("api-key", OWN), ("x-goog-api-key", key)],
    lambda key: [("AUTHORIZATION", f"bEaReR   {key}  ")],
    lambda key: [("X-Api-Key", f"\t{key} ")],
    lambda key: [("authorization", f"Bearer {OWN}"), ("authorization", f"Bearer {key}")],
    lambda key: [("authorization", f"Bearer {key}"), ("authorization", f"Bearer {OWN}")],
    lambda key: [("x-api-key", OWN), ("x-api-key", key)],
    lambda key: [("x-api-key", f"{OWN},{key}")],
    lambda key: [("x-api-key", f",{key}")],
    lambda key: [("x-api-key", f'"{key}"')],
    lambda key: [("x-api-key", f"Bearer{key}")],
    lambda key: [("x-api-key", f"Bearer:{key}")],
    lambda key: [("x-api-key", f"Bearer {key}")],
    lambda key: [("authorization", f"Bearer Bearer {key}")],
    lambda key: [("authorization", f"Basic {base64.b64encode(key.encode()).decode()}")],
    lambda key: [("authorization", f"Bearer {key.upper()}")],
    lambda key: [("authorization", f"Bearer {key.capitalize()}")],
    lambda key: [("authorization", f"Bearer '{key}'")],
    lambda key: [("authorization", f"Bearer <{key}>")],
    lambda key: [("authorization", f"Bearer api_key={key}")],
    lambda key: [("authorization", f"Bearer {key[:-1]}")],
    lambda key: [("authorization", f"Bearer {key}\x0b")],
    lambda key: [("authorization", f"Bearer {OWN}"), ("openai-organization", key), ("openai-project", key)],
    lambda key: [("authorization", f"Bearer {OWN}"), ("idempotency-key", key), ("openai-beta", key)],
    lambda key: [("authorization", f"Bearer {OWN}"), ("cookie", key), ("user-agent", key), ("x-request-id", key)],
    lambda key: [("authorization", f"Bearer {OWN}"), ("x-bt-endpoint-name", key)],
]


@pytest.mark.parametrize("headers", HEADERS, ids=range(len(HEADERS)))
@pytest.mark.parametrize("kind", ["key", "token", "admin"])
async def test_no_key_of_sabirs_reaches_a_provider_whatever_headers_it_comes_in(
    world: tuple[Sabir, list[Heard], TestOrg], http: aiohttp.ClientSession, headers: Any, kind: str
) -> None:
    sabir, heard, acme = world
    key = ADMIN
    if kind != "admin":
        key = await acme.key()
    if kind == "token":
        _, told = await post(sabir, http, [("authorization", f"Bearer {key}")], "/credentials", model="gpt-4o")
        key = json.loads(told)["key"]
    try:
        sent = headers(key)
        status, told = await post(sabir, http, sent)
    except ValueError:  # the client's own library refuses to write such a header
        return
    assert status in (200, 400, 401)
    assert not heard_anything_of(key[5:-7], heard)
    assert key[5:-7].encode() not in told
    await sabir.log.records_of(2 if kind == "token" else 1)
    assert key[5:-7] not in sabir.log.text


def token_for(claims: dict[str, Any], key: Any = TOKEN_KEY, alg: str = "HS256", **header: Any) -> str:
    now = 1_800_000_000
    said = {"iss": "sabir", "aud": "sabir", "models": ["*"], "iat": now, "exp": now + 600, "jti": "j", **claims}
    return jwt.encode(said, key, alg, {"typ": "sabir+jwt", **header})


async def test_a_forged_token_opens_nothing_and_is_sent_nowhere(
    world: tuple[Sabir, list[Heard], TestOrg], http: aiohttp.ClientSession
) -> None:
    sabir, heard, acme = world
    mine = key_text.parse(_secret(await acme.key()))
    assert mine is not None
    beta = await an_org(sabir, [endpoint("openai", "betas")], "acme-2")
    theirs = key_text.parse(_secret(await beta.key()))
    assert theirs is not None
    good = {"org": "acme", "sub": mine.key_id}
    now = 1_800_000_000
    forged = [
        token_for(good, b"x" * 32, kid="acme"),
        token_for(good, None, "none", kid="acme"),
        token_for(good, TOKEN_KEY * 2, "HS512", kid="acme"),
        token_for(good, TOKEN_KEY, kid="../acme"),
        token_for(good, TOKEN_KEY, kid="acme/"),
        token_for(good, TOKEN_KEY, kid="acme-2"),
        token_for(good, TOKEN_KEY),
        token_for({**good, "org": "acme-2"}, kid="acme"),
        token_for({**good, "sub": theirs.key_id}, kid="acme"),
        token_for({**good, "sub": mine.key_id + "/x"}, kid="acme"),
        token_for({**good, "sub": ""}, kid="acme"),
        token_for({**good, "iss": "other"}, kid="acme"),
        token_for({**good, "aud": ["sabir"]}, kid="acme"),
        token_for({**good, "models": []}, kid="acme"),
        token_for({**good, "models": "*"}, kid="acme"),
        token_for({**good, "exp": now - 1, "iat": now - 2}, kid="acme"),
        token_for({**good, "exp": now + 10**9}, kid="acme"),
        token_for({**good, "exp": True}, kid="acme"),
        token_for(good, TOKEN_KEY, kid="acme", crit=["x"], x=1),
        token_for(good, TOKEN_KEY, kid="acme", jku="http://127.0.0.1:9/keys"),
        token_for(good, TOKEN_KEY, kid="acme") + "=",
        token_for(good, TOKEN_KEY, kid="acme") + ".x",
        token_for(good, TOKEN_KEY, kid="acme").rsplit(".", 1)[0] + ".",
        token_for(good, TOKEN_KEY, kid="acme").split(".")[0],
    ]
    for number, token in enumerate(forged, 1):
        status, told = await post(sabir, http, [("authorization", f"Bearer {token}")])
        assert status == 401, (number, told)
        assert (await sabir.log.last(number)).bug == ()
    assert heard == []
    assert (await post(sabir, http, [("x-api-key", token_for(good, kid="acme"))]))[0] == 200


async def test_a_key_opens_its_own_org_and_none_whose_name_begins_alike(
    world: tuple[Sabir, list[Heard], TestOrg], http: aiohttp.ClientSession
) -> None:
    sabir, heard, acme = world
    others = [await an_org(sabir, [endpoint("openai", "of-" + name)], name) for name in ("acme-2", "a", "acm")]
    text = await acme.key()
    parsed = key_text.parse(_secret(text))
    assert parsed is not None
    for other in others:
        crafted = f"sbr_{other.org.org_id}_{parsed.key_id}_{text.split('_')[3][:-6]}"
        crafted += key_text._checksum(crafted)
        status, _ = await post(sabir, http, [("authorization", f"Bearer {crafted}")])
        assert status == 401
        # A key's record, copied into another org's partition by whoever can write the table, is nobody's.
        place = key_place(other.org.org_id, parsed.key_id)
        stores = sabir.services.members.stores
        await stores.control.write([Put(place, key_document(acme.records[text]), None)], now=int(sabir.clock.now))
        sabir.clock.now += 5
        status, _ = await post(sabir, http, [("authorization", f"Bearer {crafted}")])
        assert status in (401, 503)
    assert heard == []


async def test_the_limits_of_orgs_with_names_alike_are_their_own(
    world: tuple[Sabir, list[Heard], TestOrg], http: aiohttp.ClientSession
) -> None:
    sabir, _, acme = world
    second = await an_org(sabir, [endpoint("openai")], "acme-2", limits=Limits(requests_per_minute=1))
    await acme.change(limits=Limits(requests_per_minute=1))
    for org in (acme, second):
        key = await org.key()
        statuses = [(await post(sabir, http, [("x-api-key", key)], model="gpt-4o"))[0] for _ in range(2)]
        assert statuses == [200, 429]


async def test_an_org_never_sees_anothers_answers_endpoints_or_models(
    world: tuple[Sabir, list[Heard], TestOrg], http: aiohttp.ClientSession
) -> None:
    sabir, heard, acme = world
    await acme.change(share_cache=True)
    beta = await an_org(sabir, [endpoint("openai", "betas-own")], "beta", share_cache=True)
    mine, theirs = await acme.key(), await beta.key()
    for key, calls in ((mine, 1), (mine, 1), (theirs, 2), (theirs, 2)):
        status, _ = await post(sabir, http, [("x-api-key", key)])
        await sabir.log.records_of(len(sabir.log.records))
        assert (status, len(heard)) == (200, calls)
    for words in ({"model": "nobody-has-this"}, {"model": "betas-own/x"}, {"model": "betas-alias"}):
        status, told = await post(sabir, http, [("x-api-key", mine)], **words)
        assert status in (400, 404)
        assert b"betas-own" not in told.replace(b"betas-own/x", b"")
    status, told = await post(sabir, http, [("x-api-key", mine), ("x-bt-endpoint-name", "betas-own")])
    assert status in (400, 404)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "openai/\\ud800"}',
        b'{"model": "\\u0000"}',
        b'{"model": "gpt-4o", "ttl_seconds": 1e2}',
        b'{"model": "gpt-4o", "ttl_seconds": true}',
        b'{"model": "gpt-4o", "ttl_seconds": ' + b"9" * 5000 + b"}",
        b'{"model": "gpt-4o", "ttl_seconds": NaN}',
        b'{"model": "' + b"a" * 100_000 + b'"}',
        b'{"model": "openai/' + b"a" * 100_000 + b'"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe",
        b"",
        b'{"model": "gpt-4o", "sbr_acme_secret": 1}',
        b'{"model": {"$gt": ""}}',
    ],
    ids=range(14),
)
async def test_what_is_asked_for_a_credential_never_breaks_it(
    world: tuple[Sabir, list[Heard], TestOrg], http: aiohttp.ClientSession, body: bytes
) -> None:
    sabir, _, acme = world
    headers = {"authorization": f"Bearer {await acme.key()}"}
    async with http.post(sabir.url() + "/credentials", data=body, headers=headers) as told:
        await told.read()
    record = await sabir.log.last(1)
    assert (told.status, record.bug) == (400, ()) or (told.status in (200, 404) and record.bug == ())


async def test_no_error_answer_or_record_tells_the_secret_wherever_a_provider_puts_it(
    before: Before, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    secret = "secret-of-openai"
    error = {"message": f"bad {secret}", "type": secret, "code": secret, "param": secret}
    for number, status in enumerate(("400 No", "401 No", "403 No", "404 No", "429 No", "500 No", "529 No")):
        folder = tmp_path / str(number)
        folder.mkdir()
        headers = (
            f"retry-after: {secret}\r\nx-request-id: {secret}\r\nx-ratelimit-limit-requests: {secret}\r\n".encode()
        )
        sabir, _ = await before(saying({"error": error}, status=status, headers=headers), org_env(folder))
        acme = await an_org(sabir, [endpoint("openai")])

        async def at_once(_: float) -> None:
            return None

        object.__setattr__(sabir.services, "pause", at_once)
        for count, stream in enumerate((False, True), 1):
            body = asked(stream=stream)
            key = await acme.key()
            async with http.post(sabir.completions, json=body, headers={"x-api-key": key}) as told:
                seen = await told.read() + str(told.headers).encode()
            assert secret.encode() not in seen, (status, stream, seen)
            await sabir.log.records_of(count)
            assert secret not in sabir.log.text


def _secret(text: str) -> Any:
    from providers.secret import Secret

    return Secret(text)
