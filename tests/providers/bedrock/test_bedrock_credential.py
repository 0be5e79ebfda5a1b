"""Whose keys a request to Bedrock is signed with, for which region, and what may not be lent."""

from __future__ import annotations

import pytest

from providers.base import Credential, Profile, SigV4, Target, home_of
from providers.bedrock import PROVIDER
from providers.bedrock.credential import credential_of, region_of
from providers.errors import InvalidRequest, Unauthenticated
from providers.secret import Secret

KEYS = "AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def target(
    secret: str, base_url: str = PROVIDER.base_url, region: str | None = None, *, of_org: bool = False
) -> Target:
    return Target(
        "bedrock", "amazon.nova-pro-v1:0", Credential(Secret(secret), of_org=of_org), Profile(base_url, region=region)
    )


@pytest.mark.parametrize("secret", [KEYS, KEYS.replace("AKIA", "ASIA") + ":session//token=="])
@pytest.mark.parametrize("of_org", [False, True])
def test_aws_keys_sign_and_a_caller_may_present_their_own(secret: str, of_org: bool) -> None:
    found = credential_of(target(secret, of_org=of_org))
    assert found == Credential(Secret(secret), scheme=SigV4("us-east-1", "bedrock"))


@pytest.mark.parametrize(
    "secret", ["ABSKQmVkcm9ja0FQSUtleS1x", "bedrock-api-key-YmVk", "AKIAIOSFODNN7EXAMPLE", "roles"]
)
def test_any_other_secret_is_an_api_key(secret: str) -> None:
    assert credential_of(target(secret, of_org=True)) == Credential(Secret(secret))


def test_the_role_of_the_function_serves_an_organisation() -> None:
    found = credential_of(target("function-role", of_org=True))
    assert found.scheme == SigV4("us-east-1", "bedrock", own_role=True)
    assert found.of_org


def test_the_role_of_the_function_serves_no_caller_who_knows_the_word() -> None:
    with pytest.raises(Unauthenticated, match="role of the function"):
        credential_of(target("function-role"))


@pytest.mark.parametrize(
    "base_url",
    [
        "https://evil.example",
        "https://bedrock-runtime.us-east-1.amazonaws.com.evil.example",
        "https://evilbedrock-runtime.us-east-1.amazonaws.com",
        "http://bedrock-runtime.us-east-1.amazonaws.com",
        "https://127.0.0.1.evil.example",
        "https://evil.example/bedrock-runtime.us-east-1.amazonaws.com",
    ],
)
def test_the_role_is_shown_to_no_host_but_awss_own(base_url: str) -> None:
    """What is signed has the function's session token beside it, and an organisation's endpoint may name any host."""
    with pytest.raises(InvalidRequest, match="address of AWS's own"):
        credential_of(target("function-role", base_url, of_org=True))


@pytest.mark.parametrize(
    "base_url", ["https://vpce-0a-x.bedrock-runtime.eu-west-1.vpce.amazonaws.com", "http://[::1]:9"]
)
def test_the_role_may_be_used_by_a_private_way_into_aws(base_url: str) -> None:
    assert credential_of(target("function-role", base_url, of_org=True)).of_org


@pytest.mark.parametrize(
    ("base_url", "region", "signed_for"),
    [
        ("https://bedrock-runtime.us-east-1.amazonaws.com", None, "us-east-1"),
        ("https://bedrock-runtime.eu-central-1.amazonaws.com", "us-east-1", "eu-central-1"),
        ("https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com", None, "us-gov-west-1"),
        ("https://bedrock-runtime.cn-north-1.amazonaws.com.cn", None, "cn-north-1"),
        ("https://bedrock-runtime.eu-west-1.api.aws", None, "eu-west-1"),
        ("https://vpce-0a1b-x.bedrock-runtime.ap-south-1.vpce.amazonaws.com", None, "ap-south-1"),
        ("http://127.0.0.1:9", "eu-west-3", "eu-west-3"),
        ("https://proxy.example/bedrock-runtime.eu-west-1.amazonaws.com", None, "us-east-1"),
        ("https://bedrock-runtime.eu-west-1.amazonaws.com.evil.example", "eu-west-3", "eu-west-3"),
    ],
)
def test_a_signature_is_for_the_region_of_the_host_else_of_the_endpoint(
    base_url: str, region: str | None, signed_for: str
) -> None:
    assert region_of(target(KEYS, base_url, region)) == signed_for


@pytest.mark.parametrize(
    ("region", "url"),
    [
        (None, "https://bedrock-runtime.us-east-1.amazonaws.com"),
        ("eu-central-1", "https://bedrock-runtime.eu-central-1.amazonaws.com"),
        ("cn-north-1", "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_each_region_has_its_address(region: str | None, url: str) -> None:
    assert home_of(PROVIDER, region) == url


@pytest.mark.parametrize("name", ["InvalidSignatureException", "IncompleteSignatureException"])
def test_what_was_signed_is_not_told_although_aws_quotes_it(name: str) -> None:
    """Its explanation of a wrong signature has every signed header in it, session token included."""
    body = b'{"message":"The Canonical String should have been \'POST\\nx-amz-security-token:IQoJb3JpZ2lu\'"}'
    error = PROVIDER.error(403, {"x-amzn-errortype": f"{name}:http://x/"}, body)
    assert "IQoJ" not in error.message
    assert error.message.startswith("Bedrock refused the signature")
    assert (error.status, error.provider) == (403, "bedrock")
