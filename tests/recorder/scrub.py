"""Takes out of an exchange what belongs to whoever recorded it.

| what | becomes |
|---|---|
| the key, whole or masked (`sk-ab***wxyz`), and every other secret of the environment | `x`, as many |
| ids of organisations, projects, users and accounts (`org-…`, `proj_…`, `user-…`, AWS account numbers) | their prefix and zeros |
| ids of requests (`req_…`, `"request_id"`) | their prefix and zeros |
| cookies, organisation headers, all headers but those of `KEPT` | left out |
| the address, where the environment says another than the provider's own | the provider's own |

What is put in is as long as what was there: the sizes of the chunks stay true, and so does a stream's framing. In binary
streams, whose frames have checksums, nothing can be put in. Whatever the rules miss, `found` finds: then there is no file.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEPT: Final = re.compile(
    r"content-type|retry-after(-ms)?|x-should-retry|x-amzn-errortype|openai-version|(x|anthropic)-ratelimit-(limit|remaining|reset).*"
)
_REQUEST_IDS: Final = frozenset({"x-request-id", "request-id", "x-amzn-requestid"})

# Names of variables whose values are nobody else's. Shorter values are words such as `true`, found in any text.
_SECRET_NAME: Final = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|AUTH|COOKIE", re.IGNORECASE)
_SHORTEST: Final = 8

_IDS: Final = (
    re.compile(rb"(?P<keep>\b(?:org|proj|user|acct|workspace|wrkspc|key)[-_])(?P<gone>(?=[A-Za-z]*\d)[A-Za-z0-9]{8,})"),
    re.compile(rb"(?P<keep>\barn:aws[\w-]*:[\w-]*:[\w-]*:)(?P<gone>\d{12})"),
    re.compile(rb"(?P<keep>\bprojects/)(?P<gone>[\w.:-]{3,})"),
    re.compile(rb"(?P<keep>\breq_)(?P<gone>[A-Za-z0-9]{8,})"),
    re.compile(
        rb'(?P<keep>"(?:request_id|requestId|trace_id|account_id|organization_id|organization|user_id)"\s*:\s*")'
        rb'(?P<gone>[^"\\]+)'
    ),
)
# A key that is partly masked already says its first and its last letters.
_MASKED: Final = re.compile(rb"[\w-]*(?:\*{2,}|\.{3}|\xe2\x80\xa6)[\w-]*")


def secrets_of(environment: Mapping[str, str], key: str) -> frozenset[str]:
    """The key and its members where it is a document, and what else in the environment looks like a secret."""
    found = {value for name, value in environment.items() if _SECRET_NAME.search(name)} | {
        key,
        *re.split(r"[:\s]", key),
    }
    for value in tuple(found):
        found |= _members(value)
    return frozenset(value.strip() for value in found if len(value.strip()) >= _SHORTEST)


def scrubbed(data: bytes, secrets: Iterable[str]) -> bytes:
    """`data` without them, of the same length."""
    for secret in sorted(secrets, key=len, reverse=True):
        for form in _forms(secret):
            data = data.replace(form, b"x" * len(form))
        data = _MASKED.sub(lambda match, secret=secret: _unmasked(match[0], secret.encode()), data)  # type: ignore[misc]
    for pattern in _IDS:
        data = pattern.sub(lambda match: match["keep"] + re.sub(rb"[^.:]", b"0", match["gone"]), data)
    return data


def headers_scrubbed(headers: Mapping[str, str], secrets: Iterable[str]) -> dict[str, str]:
    """Those of an answer that say something of the answer; names are lower-case."""
    kept = {name: value for name, value in headers.items() if KEPT.fullmatch(name)}
    ids = {name: "0" * len(value) for name, value in headers.items() if name in _REQUEST_IDS}
    said = {name: scrubbed(value.encode(), secrets).decode("utf-8", "replace") for name, value in kept.items()}
    return dict(sorted({**said, **ids}.items()))


def found(secrets: Iterable[str], *texts: bytes) -> bool:
    """Whether one of them is still there, in any of the forms in which it may be written."""
    return any(form in text for secret in secrets for form in _forms(secret) for text in texts)


def _forms(secret: str) -> set[bytes]:
    raw = secret.encode()
    encoded = base64.b64encode(raw).rstrip(b"=")
    return {raw, json.dumps(secret)[1:-1].encode(), quote(secret, safe="").encode(), encoded, raw.hex().encode()}


def _unmasked(masked: bytes, secret: bytes) -> bytes:
    known = len(masked) > 6 and (masked.startswith(secret[:3]) or masked.endswith(secret[-4:]))
    return b"x" * len(masked) if known else masked


def _members(value: str) -> set[str]:
    try:
        document = json.loads(value)
    except ValueError:
        return set()
    values = document.values() if isinstance(document, dict) else ()
    return {member for member in values if isinstance(member, str) and len(member) >= 2 * _SHORTEST}
