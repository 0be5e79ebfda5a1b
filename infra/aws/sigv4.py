"""AWS Signature Version 4 for requests whose body is at hand. Pure: the time is an argument.

Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. The tests compare
every piece with botocore's. S3 differs (it encodes paths once) and is not served.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_TERMINATOR: Final = "aws4_request"


@dataclass(frozen=True, slots=True)
class AwsCredentials:
    """`expires_at` in epoch seconds; None for keys that do not end, or whose end nobody told us."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expires_at: float | None = None


class Signer:
    """One region and service. It keeps the derived key of one day and one secret: deriving it is most of the cost."""

    def __init__(self, region: str, service: str) -> None:
        self._region = region
        self._service = service
        self._day_key: tuple[str, str, bytes] = ("", "", b"")

    def sign(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        credentials: AwsCredentials,
        now: float,
    ) -> dict[str, str]:
        """`headers` with `x-amz-date`, `x-amz-security-token` and `authorization` added; send exactly these.

        Every given header is signed, and the host of `url`; so leave out what a proxy on the way may change, and let
        no `host` of your own disagree. `url` is as it goes over the wire, already percent-encoded. `now` is epoch
        seconds. A name may be given in one spelling only.
        """
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        signed = {**headers, "x-amz-date": stamp}
        if credentials.session_token is not None:
            signed["x-amz-security-token"] = credentials.session_token
        canonical, names = _canonical_request(method, url, signed, body)
        scope = f"{stamp[:8]}/{self._region}/{self._service}/{_TERMINATOR}"
        to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = self._signing_key(credentials.secret_access_key, stamp[:8])
        signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
        signed["authorization"] = (
            f"{_ALGORITHM} Credential={credentials.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
        return signed

    def _signing_key(self, secret: str, day: str) -> bytes:
        if self._day_key[:2] != (secret, day):
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, self._service, _TERMINATOR):
                key = hmac.digest(key, part.encode(), "sha256")
            self._day_key = (secret, day, key)
        return self._day_key[2]


def _canonical_request(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """The canonical request and its list of signed header names."""
    parts = urlsplit(url)
    # Runs of white space count as one space, at the ends as none.
    lines = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    lines.setdefault("host", _host(parts.scheme, parts.hostname or "", parts.port))
    names = sorted(lines)
    canonical = [
        method.upper(),
        quote(_normal_path(parts.path), safe="/~"),
        _canonical_query(parts.query),
        *(f"{name}:{lines[name]}" for name in names),
        "",
        ";".join(names),
        hashlib.sha256(body).hexdigest(),
    ]
    return "\n".join(canonical), ";".join(names)


def _canonical_query(query: str) -> str:
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&")) if query else []
    return "&".join(f"{name}={value}" for name, value in pairs)


def _normal_path(path: str) -> str:
    """RFC 3986 §5.2.4, and AWS's rule that several slashes are one."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    closing = "/" if kept and path.endswith("/") else ""
    return "/" + "/".join(kept) + closing


def _host(scheme: str, hostname: str, port: int | None) -> str:
    # urlsplit takes the brackets of an IPv6 address away; the Host header has them.
    host = f"[{hostname}]" if ":" in hostname else hostname
    default = {"https": 443, "http": 80}.get(scheme)
    return host if port in (None, default) else f"{host}:{port}"
