"""Our signer beside botocore's, piece by piece, for the requests we send and for many that we do not."""

import itertools
import time
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import example, given
from hypothesis import strategies as st

from infra.aws.sigv4 import AwsCredentials, Signer

NOW = 1_440_938_160  # 20150830T123600Z, the moment of AWS's own examples
KEYS = AwsCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TOKEN_KEYS = AwsCredentials("ASIAEXAMPLE", "secret/+=", "IQoJb3JpZ2luX2VjE//////////wEaCXVzLWVhc3QtMSJH==")

token_text = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=30)
names = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ-0123456789", min_size=1, max_size=12).map(lambda s: f"x-t-{s}")
header_values = st.text(st.characters(codec="latin-1", exclude_categories=["C"]), max_size=30)
segments = st.text(st.characters(codec="utf-8"), max_size=8).map(lambda s: quote(s, safe="~")) | st.sampled_from(
    ["", ".", "..", "anthropic.claude-v2%3A1", "a:b", "~", "a%2Fb", "%25"]
)
paths = st.lists(segments, max_size=6).map(lambda parts: "/" + "/".join(parts))
query_parts = st.text(st.characters(codec="utf-8"), max_size=6).map(lambda s: quote(s, safe=""))
queries = st.lists(st.one_of(query_parts, st.tuples(query_parts, query_parts).map("=".join)), max_size=5).map("&".join)
origins = st.sampled_from(
    [
        "https://dynamodb.eu-central-1.amazonaws.com",
        "http://127.0.0.1:4566",
        "https://h:443",
        "http://h:80",
        "http://[::1]:9",
    ]
)
credentials = st.builds(AwsCredentials, token_text, token_text, st.none() | token_text)


def _authorization_of_botocore(
    method: str, url: str, headers: dict[str, str], body: bytes, keys: AwsCredentials, now: int
) -> str:
    """botocore reads the clock in `add_auth` alone, so its steps are taken one by one."""
    request = AWSRequest(method=method, url=url, headers=headers, data=body)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    request.context["timestamp"] = stamp
    request.headers["X-Amz-Date"] = stamp
    if keys.session_token is not None:
        request.headers["X-Amz-Security-Token"] = keys.session_token
    auth = SigV4Auth(
        Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token), "dynamodb", "eu-central-1"
    )
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    names = auth.signed_headers(auth.headers_to_sign(request))
    return f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, SignedHeaders={names}, Signature={signature}"


def _ours(
    method: str, url: str, headers: dict[str, str], body: bytes, keys: AwsCredentials, now: int
) -> dict[str, str]:
    return Signer("eu-central-1", "dynamodb").sign(method, url, headers, body, credentials=keys, now=now)


@given(
    st.sampled_from(["GET", "POST", "put"]),
    st.builds(lambda origin, path, query: f"{origin}{path}?{query}", origins, paths, queries),
    st.dictionaries(names, header_values, max_size=4),
    st.binary(max_size=200),
    credentials,
    st.integers(0, 4_000_000_000),
)
@example("POST", "http://h", {}, b"", KEYS, NOW)
@example("POST", "http://h?a=2&a=1&b", {}, b"", KEYS, NOW)
@example("POST", "https://h/a/../../b/", {"x-a": "  two   spaces\tand a tab "}, b"", TOKEN_KEYS, NOW)
def test_any_request_is_signed_as_botocore_signs_it(
    method: str, url: str, headers: dict[str, str], body: bytes, keys: AwsCredentials, now: int
) -> None:
    headers = {name.lower(): value for name, value in headers.items()}
    expected = _authorization_of_botocore(method, url, dict(headers), body, keys, now)
    assert _ours(method, url, headers, body, keys, now)["authorization"] == expected


@pytest.mark.parametrize("keys", [KEYS, TOKEN_KEYS])
@pytest.mark.parametrize("operation", ["GetItem", "PutItem", "BatchGetItem"])
def test_the_calls_we_make_are_signed_as_botocore_signs_them(keys: AwsCredentials, operation: str) -> None:
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"DynamoDB_20120810.{operation}"}
    request = ("POST", "https://dynamodb.eu-central-1.amazonaws.com/", headers, b'{"TableName":"t"}', keys, NOW)
    signed = _ours(*request)
    assert signed["authorization"] == _authorization_of_botocore(*request)
    assert signed.get("x-amz-security-token") == keys.session_token
    assert signed["x-amz-date"] == "20150830T123600Z"
    assert {name: signed[name] for name in headers} == headers


def test_the_documented_example_of_aws_itself() -> None:
    # "GET ListUsers" of the SigV4 documentation, with the signature printed there.
    signed = Signer("us-east-1", "iam").sign(
        "GET",
        "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
        {"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
        b"",
        credentials=AwsCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        now=NOW,
    )
    assert signed["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


def test_the_kept_day_key_is_dropped_with_the_day_and_with_the_secret() -> None:
    signer = Signer("eu-central-1", "dynamodb")
    moments = [NOW, NOW + 1, NOW + 86_400, NOW]
    for keys, now in itertools.product([KEYS, TOKEN_KEYS, KEYS], moments):
        signed = signer.sign("POST", "https://h/", {}, b"{}", credentials=keys, now=now)
        assert signed["authorization"] == _authorization_of_botocore("POST", "https://h/", {}, b"{}", keys, now)


def test_a_fraction_of_a_second_is_cut_and_not_rounded() -> None:
    signed = Signer("r", "s").sign("POST", "https://h/", {}, b"", credentials=KEYS, now=NOW + 0.999)
    assert signed["x-amz-date"] == "20150830T123600Z"


def test_the_given_headers_are_left_as_they_were() -> None:
    headers = {"content-type": "x"}
    Signer("r", "s").sign("POST", "https://h/", headers, b"", credentials=TOKEN_KEYS, now=NOW)
    assert headers == {"content-type": "x"}


def test_secrets_show_in_no_repr() -> None:
    text = repr(TOKEN_KEYS)
    assert "ASIAEXAMPLE" in text
    assert "secret/+=" not in text
    assert "IQoJ" not in text
