"""Temporary credentials, and everything that somebody may try with one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from infra.control.key_text import KEY_ID, ORG_ID, ParsedKey
from infra.control.records import SabirKey
from infra.control.tokens import MAX_TTL, InvalidToken, TokenClaims, ends_at, ids_of, looks_like, mint, org_of, verify
from providers.secret import Secret

NOW = 1_800_000_000
KEY = bytes(range(32))
CLAIMS = TokenClaims(
    org_id="acme",
    key_id="abcdefg234",
    models=("gpt-5",),
    token_id="3b1f0c5e9a7d4e28",
    issued_at=NOW,
    expires_at=NOW + 600,
    sealed_cache_key="AXYZ",
)
TOKEN = mint(CLAIMS, KEY)
HEADER = {"alg": "HS256", "typ": "sabir+jwt", "kid": "acme"}
PAYLOAD: dict[str, Any] = {
    "iss": "sabir",
    "aud": "sabir",
    "sub": "abcdefg234",
    "org": "acme",
    "models": ["gpt-5"],
    "iat": NOW,
    "exp": NOW + 600,
    "jti": "3b1f0c5e9a7d4e28",
    "ck": "AXYZ",
}
PARENT = SabirKey("acme", "abcdefg234", bytes(32), "ci", NOW)
TEXT = st.text(min_size=1, max_size=20)


def part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def signed(header: Any = HEADER, payload: Any = PAYLOAD, key: bytes = KEY, digest: str = "sha256") -> Secret:
    """A token made without any library."""
    text = ".".join(part(json.dumps(value).encode()) for value in (header, payload))
    return Secret(f"{text}.{part(hmac.digest(key, text.encode(), digest))}")


def refused(token: Secret | str, *, key: bytes = KEY, now: float = NOW) -> None:
    with pytest.raises(InvalidToken, match=r"^the temporary credential is not valid, or has expired$"):
        verify(token if isinstance(token, Secret) else Secret(token), key, now=now)


# --- what holds -------------------------------------------------------------------------------------------------------


@given(
    st.builds(
        TokenClaims,
        org_id=st.from_regex(ORG_ID, fullmatch=True),
        key_id=st.from_regex(KEY_ID, fullmatch=True),
        models=st.lists(TEXT, min_size=1, max_size=3).map(tuple),
        token_id=TEXT,
        issued_at=st.just(0),
        expires_at=st.integers(1, MAX_TTL),
        sealed_cache_key=st.none() | TEXT,
    ),
    st.binary(min_size=32, max_size=32),
    st.integers(0, 2**40),
)
def test_a_minted_token_says_what_it_was_made_of(claims: TokenClaims, key: bytes, now: int) -> None:
    # Of any year: the machine's own clock has no say.
    claims = replace(claims, issued_at=now, expires_at=now + claims.expires_at)
    token = Secret(mint(claims, key))
    assert looks_like(token)
    assert org_of(token) == claims.org_id
    assert ids_of(token) == ParsedKey(claims.org_id, claims.key_id)
    assert verify(token, key, now=now) == claims


def test_a_token_is_a_jwt_of_exactly_these_members() -> None:
    header, payload, signature = (base64.urlsafe_b64decode(piece + "==") for piece in TOKEN.split("."))
    assert json.loads(header) == HEADER
    assert json.loads(payload) == PAYLOAD
    assert signature == hmac.digest(KEY, TOKEN.rpartition(".")[0].encode(), hashlib.sha256)


def test_an_org_that_shares_no_cache_puts_no_cache_key_into_a_token() -> None:
    token = mint(replace(CLAIMS, sealed_cache_key=None), KEY)
    assert "ck" not in json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert verify(Secret(token), KEY, now=NOW).sealed_cache_key is None


def test_a_token_made_by_hand_from_the_description_is_valid() -> None:
    assert verify(signed(), KEY, now=NOW) == CLAIMS


def test_it_holds_from_its_making_to_its_end_without_leeway() -> None:
    refused(TOKEN, now=NOW - 0.001)
    assert verify(Secret(TOKEN), KEY, now=NOW) == CLAIMS
    assert verify(Secret(TOKEN), KEY, now=NOW + 599.999) == CLAIMS
    refused(TOKEN, now=NOW + 600)
    refused(TOKEN, now=NOW + 10**9)


def test_neither_the_fault_nor_the_claims_show_a_secret() -> None:
    with pytest.raises(InvalidToken) as caught:
        verify(Secret(TOKEN[:-1]), KEY, now=NOW)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "AXYZ" not in repr(CLAIMS)


# --- what is tried ----------------------------------------------------------------------------------------------------


def test_no_changed_character_verifies() -> None:
    for place, right in enumerate(TOKEN):
        # All letters in the signature's last place, whose low bits belong to no byte; a handful elsewhere.
        last = place == len(TOKEN) - 1
        for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" if last else "Az0_.=":
            if letter != right:
                refused(TOKEN[:place] + letter + TOKEN[place + 1 :])


@pytest.mark.parametrize("added", ["=", "==", ".", "A", "\n", " ", ".e30", "\0", "é"])
def test_a_token_has_one_spelling(added: str) -> None:
    refused(TOKEN + added)
    refused(added + TOKEN)
    refused(TOKEN.replace(".", added + ".", 1))


def test_another_key_does_not_verify_it() -> None:
    refused(TOKEN, key=bytes(32))
    refused(signed(key=b""))


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "", "HS384", "HS512", "RS256", "ES256", None, 1, ["HS256"], {}]
)
def test_no_other_algorithm_counts_even_under_the_right_key(alg: Any) -> None:
    for digest in ("sha256", "sha384", "sha512"):
        refused(signed({**HEADER, "alg": alg}, digest=digest))
    unsigned = ".".join(part(json.dumps(value).encode()) for value in ({**HEADER, "alg": alg}, PAYLOAD))
    refused(unsigned + ".")
    refused(unsigned)


def test_a_signature_made_with_rsa_does_not_count() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    import jwt

    refused(jwt.encode(PAYLOAD, private, "RS256", {"typ": "sabir+jwt", "kid": "acme"}))
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    refused(signed(key=pem))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "HS256", "kid": "acme"},
        {"alg": "HS256", "typ": "sabir+jwt"},
        {**HEADER, "typ": "JWT"},
        {**HEADER, "typ": "SABIR+JWT"},
        {**HEADER, "kid": "other"},
        {**HEADER, "kid": 1},
        {**HEADER, "crit": ["b64"], "b64": False},
        {**HEADER, "jku": "https://example.test/keys"},
        {**HEADER, "jwk": {"kty": "oct", "k": part(KEY)}},
        [],
    ],
    ids=json.dumps,
)
def test_a_header_that_is_not_ours_is_refused_though_signed(header: Any) -> None:
    refused(signed(header))


@pytest.mark.parametrize("missing", ["iss", "aud", "sub", "org", "models", "iat", "exp", "jti"])
def test_a_missing_claim_is_refused_though_signed(missing: str) -> None:
    refused(signed(payload={name: value for name, value in PAYLOAD.items() if name != missing}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://accounts.google.com"},
        {"iss": None},
        {"aud": "other"},
        {"aud": ["sabir"]},
        {"sub": "UPPER"},
        {"sub": 1},
        {"org": "other"},
        {"org": None},
        {"models": []},
        {"models": "gpt-5"},
        {"models": ["gpt-5", None]},
        {"models": {"gpt-5": True}},
        {"iat": NOW + 1},
        {"iat": str(NOW)},
        {"iat": NOW - MAX_TTL},
        {"exp": NOW},
        {"exp": NOW + 0.5},
        {"exp": 10**400},
        {"exp": None},
        {"jti": ""},
        {"jti": 7},
        {"ck": 7},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_wrong_claim_is_refused_though_signed(wrong: dict[str, Any]) -> None:
    refused(signed(payload={**PAYLOAD, **wrong}))


@pytest.mark.parametrize("payload", [[], "text", 1, None, {}])
def test_a_payload_that_is_no_such_object_is_refused_though_signed(payload: Any) -> None:
    refused(signed(payload=payload))


def test_json_nested_too_deep_is_refused_like_any_other() -> None:
    deep = part(('{"typ":"sabir+jwt","x":' + "[" * 100_000).encode())
    refused(f"{deep}.e30.AAAA")
    assert not looks_like(Secret(deep))
    head = part(json.dumps(HEADER).encode())
    body = f"{head}.{deep}"
    refused(f"{body}.{part(hmac.digest(KEY, body.encode(), 'sha256'))}")


@given(st.text(max_size=60))
def test_no_made_up_text_is_a_token(text: str) -> None:
    for made_up in (text, "eyJ" + text, f"{TOKEN.split('.')[0]}.{text}"):
        refused(made_up)
    assert not looks_like(Secret(text))
    assert org_of(Secret(text)) is None


# --- whose it is, before anything is verified -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "RS256", "typ": "JWT", "kid": "acme"},
        {"alg": "RS256", "kid": "e8732db06287515556213b80acbcfd08cfb302a9"},
        {"typ": ["sabir+jwt"]},
        {"typ": None},
    ],
    ids=json.dumps,
)
def test_a_provider_s_jwt_is_told_from_ours(header: dict[str, Any]) -> None:
    """Vertex and Entra take JWTs for keys: the caller's must go there and not be refused here."""
    token = signed(header, {"iss": "https://sts.windows.net/x/"})
    assert not looks_like(token)
    assert org_of(token) is None


@pytest.mark.parametrize(
    "spoilt",
    [
        TOKEN[:-20],
        TOKEN.split(".")[0],
        TOKEN + "x",
        TOKEN.replace(".", "..", 1),
        TOKEN + '"',
        signed(payload=[]).reveal(),
    ],
)
def test_a_spoilt_token_of_ours_is_still_ours_so_that_no_provider_sees_it(spoilt: str) -> None:
    assert looks_like(Secret(spoilt))
    assert org_of(Secret(spoilt)) == "acme"
    refused(spoilt)


@pytest.mark.parametrize("kid", [None, 1, "", "ACME", "acme#x", "acme/../b", "a" * 41, ["acme"]])
def test_an_org_is_looked_up_only_by_a_name_that_an_org_can_have(kid: Any) -> None:
    assert org_of(signed({**HEADER, "kid": kid})) is None


@pytest.mark.parametrize("sub", [None, 1, "", "UPPER", "abcdefg23", "abcdefg2345", "abcdefg23#", ["abcdefg234"]])
def test_a_key_is_looked_up_only_by_an_id_that_a_key_can_have(sub: Any) -> None:
    assert ids_of(signed(payload={**PAYLOAD, "sub": sub})) is None


@pytest.mark.parametrize("text", ["", "sk-x", TOKEN.split(".")[0], TOKEN.split(".")[0] + ".e30.x", "eyJ.eyJ.eyJ"])
def test_what_names_no_key_stands_for_none(text: str) -> None:
    assert ids_of(Secret(text)) is None


def test_a_key_is_never_looked_up_in_an_org_that_the_header_does_not_name() -> None:
    assert ids_of(signed({**HEADER, "kid": "other"})) == ParsedKey("other", "abcdefg234")
    assert ids_of(signed({**HEADER, "kid": "../x"})) is None
    assert ids_of(signed({**HEADER, "typ": "JWT"})) is None


def test_telling_tokens_apart_loads_neither_pyjwt_nor_cryptography() -> None:
    script = (
        "import sys; from infra.control.tokens import ids_of, looks_like, org_of; from providers.secret import Secret\n"
        f"assert org_of(Secret({TOKEN!r})) == ids_of(Secret({TOKEN!r})).org_id == 'acme' and not looks_like(Secret('sk-x'))\n"
        "sys.exit('jwt' in sys.modules or 'cryptography' in sys.modules)"
    )
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", script], cwd=root, check=False, timeout=60).returncode == 0


# --- how long ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ttl", [1, 600, MAX_TTL])
def test_it_ends_after_its_ttl(ttl: int) -> None:
    assert ends_at(PARENT, ttl, now=NOW) == NOW + ttl


def test_it_never_outlives_its_key() -> None:
    assert ends_at(replace(PARENT, expires_at=NOW + 5), 600, now=NOW) == NOW + 5
    assert ends_at(replace(PARENT, expires_at=NOW + 601), 600, now=NOW) == NOW + 600


@pytest.mark.parametrize("ttl", [-1, 0, MAX_TTL + 1])
def test_a_ttl_out_of_bounds_is_refused(ttl: int) -> None:
    with pytest.raises(ValueError, match=f"from 1 to 86400 seconds, not {ttl}"):
        ends_at(PARENT, ttl, now=NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"models": ()},
        {"token_id": ""},
        {"org_id": "ACME"},
        {"key_id": "short"},
        {"expires_at": NOW},
        {"expires_at": NOW + MAX_TTL + 1},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_no_token_is_made_that_would_not_verify(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="make no valid temporary credential"):
        mint(replace(CLAIMS, **wrong), KEY)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_token_key_of_another_size_is_a_fault_of_ours(size: int) -> None:
    with pytest.raises(ValueError, match=f"32 bytes, not {size}"):
        mint(CLAIMS, bytes(size))
    with pytest.raises(ValueError, match=f"32 bytes, not {size}"):
        verify(Secret(TOKEN), bytes(size), now=NOW)
