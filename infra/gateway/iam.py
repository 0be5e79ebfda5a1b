"""API Gateway's IAM authorizer, for one caller: is the request signed with that one's credentials?"""

from __future__ import annotations

import calendar
import hmac
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.aws.sigv4 import Signer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.aws.sigv4 import AwsCredentials

SERVICE: Final = "execute-api"
# What AWS takes for a clock that is wrong, and not for a request that somebody kept.
MAX_AGE: Final = 300.0
_FORM: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/ ,]+/\d{8}/(?P<region>[^/ ,]+)/[^/ ,]+/aws4_request, ?"
    r"SignedHeaders=(?P<names>[^ ,]+), ?Signature=[0-9a-f]{64}"
)
# The signer puts these in by itself.
_OF_THE_SIGNER: Final = frozenset({"host", "x-amz-date", "x-amz-security-token"})


@dataclass(frozen=True, slots=True)
class IamAuthorizer:
    """`caller` is the ARN that the function is told. Policies are not played: whoever can sign may call.

    Without `credentials` nobody can.
    """

    credentials: AwsCredentials | None
    caller: str = "arn:aws:iam::000000000000:user/operator"

    def accepts(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> bool:
        """`target`: path and query as they came, with the stage; `headers`: names in lower case."""
        given = headers.get("authorization", "")
        form = _FORM.fullmatch(given)
        signed_at = _epoch(headers.get("x-amz-date", ""))
        if self.credentials is None or form is None or signed_at is None or abs(time.time() - signed_at) > MAX_AGE:
            return False
        if headers.get("x-amz-security-token") != self.credentials.session_token:
            return False
        names = form["names"].split(";")
        # Without the host a signature would be good for any other API, too.
        if "host" not in names or not all(name in headers for name in names):
            return False
        expected = Signer(form["region"], SERVICE).sign(
            method,
            f"http://{headers['host']}{target}",
            {name: headers[name] for name in names if name not in _OF_THE_SIGNER},
            body,
            credentials=self.credentials,
            now=signed_at,
        )["authorization"]
        return hmac.compare_digest(_bare(expected), _bare(given))


def _epoch(stamp: str) -> float | None:
    try:
        return calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return None


def _bare(authorization: str) -> bytes:
    """With a space after each comma or without: AWS takes both."""
    return authorization.replace(", ", ",").encode()
