"""What is taken out of a recorded exchange, rule by rule."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recorder.scrub import found, headers_scrubbed, scrubbed, secrets_of

KEY = 'sk-live/"quoted"+0123456789'
SECRETS = frozenset({KEY})


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        json.dumps(KEY)[1:-1],
        quote(KEY, safe=""),
        base64.b64encode(KEY.encode()).decode().rstrip("="),
        KEY.encode().hex(),
        f"{KEY[:3]}****{KEY[-4:]}",
        f"{KEY[:3]}…{KEY[-4:]}",
    ],
)
def test_a_key_is_gone_in_every_form_and_the_length_stays(form: str) -> None:
    said = f"the key {form}, you see".encode()
    clean = scrubbed(said, SECRETS)
    assert form.encode() not in clean
    assert len(clean) == len(said)
    assert not found(SECRETS, clean)


@pytest.mark.parametrize(
    ("said", "clean"),
    [
        (b"org-AbCdEfGh1234 proj_abcdefgh123", b"org-000000000000 proj_00000000000"),
        (b"arn:aws:bedrock:us-east-1:123456789012:x", b"arn:aws:bedrock:us-east-1:000000000000:x"),
        (b"/v1/projects/my-team-1/locations/us", b"/v1/projects/000000000/locations/us"),
        (b'{"request_id": "abc-123"}', b'{"request_id": "0000000"}'),
        (b"req_011CSabcdefgh", b"req_0000000000000"),
        (b"10 ***** stars and so on...", b"10 ***** stars and so on..."),
        (b"a user-friendly answer", b"a user-friendly answer"),
    ],
)
def test_ids_of_accounts_and_requests_are_zeros(said: bytes, clean: bytes) -> None:
    assert scrubbed(said, SECRETS) == clean


def test_only_headers_that_say_something_of_the_answer_are_kept() -> None:
    headers = {
        "content-type": "application/json",
        "retry-after": "3",
        "x-ratelimit-remaining-tokens": "7",
        "set-cookie": "a=b",
        "openai-organization": "team",
        "openai-project": "p",
        "x-request-id": "req_abc",
        "cf-ray": "1",
        "server": "s",
        "anthropic-organization-id": "o",
    }
    assert headers_scrubbed(headers, SECRETS) == {
        "content-type": "application/json",
        "retry-after": "3",
        "x-ratelimit-remaining-tokens": "7",
        "x-request-id": "0000000",
    }


def test_every_secret_of_the_environment_is_one_and_so_are_the_members_of_a_document() -> None:
    document = json.dumps({"client_secret": "a-long-client-secret", "type": "x"})
    environment = {
        "GROQ_API_KEY": "gsk_12345678",
        "GITHUB_TOKEN": "ghp_abcdefgh",
        "HOME": "/home/somebody",
        "X_KEY": "1",
    }
    assert secrets_of(environment, document) >= {"gsk_12345678", "ghp_abcdefgh", document, "a-long-client-secret"}
    assert not secrets_of(environment, document) & {"/home/somebody", "1", "x"}
    assert secrets_of({}, "AKIAABCDEFGHIJKLMNOP:thesecretofthekey") >= {"AKIAABCDEFGHIJKLMNOP", "thesecretofthekey"}


@given(
    st.binary(max_size=60),
    st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=8),
    st.binary(max_size=60),
)
def test_no_secret_survives_and_no_byte_is_lost(before: bytes, secret: str, after: bytes) -> None:
    said = before + secret.encode() + after
    clean = scrubbed(said, {secret})
    assert len(clean) == len(said)
    assert secret.strip("x") == "" or secret.encode() not in clean
