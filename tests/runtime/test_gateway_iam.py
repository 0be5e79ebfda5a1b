"""The gateway's IAM authorizer, against requests that AWS's own SDK has signed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.aws.sigv4 import AwsCredentials, Signer
from infra.gateway.iam import MAX_AGE, IamAuthorizer

if TYPE_CHECKING:
    from collections.abc import Mapping

URL = "http://127.0.0.1:9000/prod/admin-iam/v1/orgs/acme?limit=10&after=a%20b"
TARGET = URL.removeprefix("http://127.0.0.1:9000")
BODY = b'{"org_id": "acme"}'


def signed(url: str = URL, body: bytes = BODY, token: str | None = None) -> dict[str, str]:
    """By botocore; names in lower case, with the host that an HTTP client adds."""
    request = AWSRequest("POST", url, headers={"Content-Type": "application/json"}, data=body)
    SigV4Auth(Credentials("AKID", "the-secret", token), "execute-api", "eu-west-1").add_auth(request)
    return {"host": urlsplit(url).netloc, **{name.lower(): value for name, value in request.headers.items()}}


def accepts(headers: Mapping[str, str], method: str = "POST", target: str = TARGET, body: bytes = BODY) -> bool:
    return IamAuthorizer(AwsCredentials("AKID", "the-secret")).accepts(method, target, headers, body)


def test_what_the_sdk_signed_is_accepted() -> None:
    assert accepts(signed())


def test_temporary_credentials_sign_their_token_too() -> None:
    authorizer = IamAuthorizer(AwsCredentials("AKID", "the-secret", "the-token"))
    headers = signed(token="the-token")
    assert authorizer.accepts("POST", TARGET, headers, BODY)
    assert not authorizer.accepts("POST", TARGET, {**headers, "x-amz-security-token": "another"}, BODY)


def test_what_our_own_signer_signed_is_accepted() -> None:
    signer = Signer("us-east-1", "execute-api")
    headers = signer.sign("POST", URL, {}, BODY, credentials=AwsCredentials("AKID", "the-secret"), now=time.time())
    assert accepts({"host": "127.0.0.1:9000", **headers})


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "DELETE"},
        {"target": TARGET.replace("acme", "other")},
        {"target": TARGET.replace("10", "99")},
        {"body": BODY + b" "},
    ],
    ids=["method", "path", "query", "body"],
)
def test_a_signature_is_good_for_one_request_only(changed: dict[str, str]) -> None:
    assert not accepts(signed(), **changed)  # type: ignore[arg-type]


def test_a_signed_header_cannot_be_changed_or_left_out() -> None:
    headers = signed()
    assert not accepts({**headers, "host": "elsewhere.example"})
    assert not accepts({name: value for name, value in headers.items() if name != "content-type"})


def test_another_secret_another_key_id_and_another_service_are_refused() -> None:
    headers = signed()
    assert not IamAuthorizer(AwsCredentials("AKID", "another")).accepts("POST", TARGET, headers, BODY)
    assert not IamAuthorizer(AwsCredentials("AKID2", "the-secret")).accepts("POST", TARGET, headers, BODY)
    elsewhere = Signer("eu-west-1", "lambda").sign(
        "POST", URL, {}, BODY, credentials=AwsCredentials("AKID", "the-secret"), now=time.time()
    )
    assert not accepts({"host": "127.0.0.1:9000", **elsewhere})


def test_an_old_signature_is_refused() -> None:
    signer = Signer("eu-west-1", "execute-api")
    at = time.time() - MAX_AGE - 10
    headers = signer.sign("POST", URL, {}, BODY, credentials=AwsCredentials("AKID", "the-secret"), now=at)
    assert not accepts({"host": "127.0.0.1:9000", **headers})


@pytest.mark.parametrize("authorization", ["", "Bearer sba_x", "AWS4-HMAC-SHA256 nonsense"])
def test_what_is_no_signature_is_refused(authorization: str) -> None:
    assert not accepts({**signed(), "authorization": authorization})


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_without_the_time_of_signing_a_signature_is_refused(date: str) -> None:
    assert not accepts({**signed(), "x-amz-date": date})


def test_a_signature_that_leaves_the_host_out_is_refused() -> None:
    headers = signed()
    assert not accepts({**headers, "authorization": headers["authorization"].replace(";host", "")})


def test_without_credentials_nobody_is_accepted() -> None:
    assert not IamAuthorizer(None).accepts("POST", TARGET, signed(), BODY)
