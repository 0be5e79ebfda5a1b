"""What a secret of Bedrock is, by its looks, and whose region it is used in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from providers.base import Credential, SigV4
from providers.errors import InvalidRequest, Unauthenticated

if TYPE_CHECKING:
    from providers.base import Target

OWN_ROLE: Final = "function-role"
"""The secret that is none: the endpoint is used as the AWS role of the function itself."""

DEFAULT_REGION: Final = "us-east-1"

# The name that signatures know it by, which is not that of its hosts.
_SERVICE: Final = "bedrock"

# Of users, and of roles for as long as a session. Nothing else that Bedrock takes has a colon behind it.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
_STATIC_KEYS: Final = re.compile(r"(AKIA|ASIA)[A-Z0-9]+:")

# Plain, FIPS, and behind a VPC endpoint with or without its own name in front.
_REGION_IN_HOST: Final = re.compile(
    r"(?:^|\.)bedrock-runtime(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)$"
)

_THIS_MACHINE: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def base_url_in(region: str) -> str:
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://bedrock-runtime.{region}.{suffix}"


def credential_of(target: Target) -> Credential:
    """The function's own role, AWS keys, or else an API key of Bedrock's.

    Raises as `_own_role`.
    """
    given = target.credential
    key = given.secret.reveal()
    if key == OWN_ROLE:
        return _own_role(target)
    if _STATIC_KEYS.match(key):
        return Credential(given.secret, scheme=SigV4(region_of(target), _SERVICE))
    return Credential(given.secret)


def _own_role(target: Target) -> Credential:
    """Raises `Unauthenticated` for a caller who presents the word: the role is not theirs to lend.

    And `InvalidRequest` for a host that is none of AWS's. What is signed shows the function's session token, and an
    organisation may have chosen the host.
    """
    given = target.credential
    if not given.of_org:
        raise Unauthenticated(
            "The role of the function serves endpoints of an organisation; present a key of your own."
        )
    url = urlsplit(target.profile.base_url)
    host = url.hostname or ""
    if not (host in _THIS_MACHINE or (url.scheme == "https" and _REGION_IN_HOST.search(host))):
        raise InvalidRequest(
            "An endpoint that uses the function's role must be at an address of AWS's own.", code="base_url_not_of_aws"
        )
    return Credential(given.secret, scheme=SigV4(region_of(target), _SERVICE, own_role=True), of_org=True)


def region_of(target: Target) -> str:
    """A signature holds for one region: the host's where it names one, for that is who checks it."""
    match = _REGION_IN_HOST.search(urlsplit(target.profile.base_url).hostname or "")
    return match["region"] if match else target.profile.region or DEFAULT_REGION
