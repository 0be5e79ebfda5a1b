"""The head of a streamed answer, as API Gateway and Lambda function URLs read it.

In front of the body go a JSON object and eight NUL bytes, and the whole answer is of the content type below
(API Gateway developer guide, "Lambda proxy integration with payload response streaming"). The JSON can hold no NUL
of its own: JSON escapes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
DELIMITER = bytes(8)

# The body's length and coding on the way to the client are the gateway's business; the rest are hop-by-hop (RFC 9110
# §7.6.1). A content-length that went along would be wrong as soon as an error cuts the body short.
NOT_FORWARDED = frozenset(
    {
        b"connection",
        b"content-length",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)

# API Gateway looks for the delimiter in the first 16 KB only (same page); better an error here than a 502 unexplained.
MAX_METADATA = 16 * 1024

RawHeaders = Iterable[tuple[bytes, bytes]]


def encode(status: int, headers: RawHeaders, *, cookies_apart: bool) -> bytes:
    """The metadata JSON with its delimiter.

    A function URL (payload version 2.0) wants cookies in a list of their own and one value a name: others of one
    name are joined, as RFC 9110 §5.3 allows. A REST API (version 1.0) wants names that occur twice in
    ``multiValueHeaders``.

    Raises:
        ValueError: the headers are larger than API Gateway takes.
    """
    values: dict[str, list[str]] = {}
    for name, value in headers:
        if name.lower() not in NOT_FORWARDED:
            values.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    metadata = json.dumps(_shape(status, values, cookies_apart=cookies_apart)).encode() + DELIMITER
    if len(metadata) > MAX_METADATA:
        raise ValueError(f"the response headers are larger than the {MAX_METADATA} bytes that API Gateway takes")
    return metadata


def _shape(status: int, values: dict[str, list[str]], *, cookies_apart: bool) -> dict[str, object]:
    if cookies_apart:
        cookies = values.pop("set-cookie", [])
        plain: dict[str, object] = {"statusCode": status, "headers": {k: ", ".join(v) for k, v in values.items()}}
        return {**plain, "cookies": cookies} if cookies else plain
    single = {name: seen[0] for name, seen in values.items() if len(seen) == 1}
    several = {name: seen for name, seen in values.items() if len(seen) > 1}
    metadata: dict[str, object] = {"statusCode": status, "headers": single}
    return {**metadata, "multiValueHeaders": several} if several else metadata
