"""Temporary credentials: signed JWTs (RFC 7519, HS256) that stand for a Sabir key for a while, and for less of it.

They are safe to hand to a browser or a job: one ends by itself, names the models it may use, and dies with the key it
was made from, which is looked up each time. Whoever holds one can read what it says, but for the sealed cache key.

PyJWT, and with it cryptography, is imported when a token is made or verified, not before.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from infra.control.key_text import KEY_ID, ORG_ID, ParsedKey

if TYPE_CHECKING:
    from infra.control.records import SabirKey
    from providers.secret import Secret

DEFAULT_TTL: Final = 600
MAX_TTL: Final = 86_400
TOKEN_KEY_BYTES: Final = 32  # RFC 7518 §3.2: at least as long as the hash

_TYPE: Final = "sabir+jwt"  # a type of our own, so that no other kind of JWT is taken for one (RFC 8725 §3.11)
_OURS: Final = "sabir"
_ALGORITHM: Final = "HS256"
# Exactly this form: PyJWT also takes padding, and one token shall have one spelling.
_FORM: Final = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
# The base64 of `{"`: what starts with it is an object or no JSON at all, what does not is no token of ours.
_JSON_OBJECT: Final = "eyJ"
_OPENING: Final = re.compile(rf"(?={_JSON_OBJECT})")
# Ours has some seventy characters; what is looked for in a longer text is bounded by it.
_LONGEST_HEADER: Final = 512
# The claims are checked against the caller's `now`; PyJWT would ask the machine's clock.
_OPTIONS: Final[Any] = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "strict_aud": True}


class InvalidToken(Exception):
    """A token that is not valid here and now. It says no more than that, so that it can serve nobody as an oracle."""

    def __init__(self) -> None:
        super().__init__("the temporary credential is not valid, or has expired")


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a temporary credential says. Times are epoch seconds; valid while `issued_at <= now < expires_at`.

    `models`: patterns as in `SabirKey.models`, at least one. `token_id` is random, another for every token.
    `sealed_cache_key`: what `cache.wrapped.seal_for_token` made, where the org shares its cache or logs content.
    """

    org_id: str
    key_id: str
    models: tuple[str, ...]
    token_id: str
    issued_at: int
    expires_at: int
    sealed_cache_key: str | None = field(default=None, repr=False)


def ends_at(parent: SabirKey, ttl_seconds: int, *, now: int) -> int:
    """When a token made now ends: after its TTL, but never after the key that it is made from.

    Raises ValueError for a TTL outside 1 … `MAX_TTL`; the parent must be usable now.
    """
    if not 1 <= ttl_seconds <= MAX_TTL:
        raise ValueError(f"a temporary credential lives from 1 to {MAX_TTL} seconds, not {ttl_seconds}")
    wanted = now + ttl_seconds
    return wanted if parent.expires_at is None else min(wanted, parent.expires_at)


def mint(claims: TokenClaims, token_key: bytes) -> str:
    """The token. `token_key`: the org's 32 bytes. Raises ValueError for claims that `verify` would not accept."""
    _check_key(token_key)
    if not _sound(claims):
        raise ValueError("these claims make no valid temporary credential")
    import jwt

    payload: dict[str, Any] = {
        "iss": _OURS,
        "aud": _OURS,
        "sub": claims.key_id,
        "org": claims.org_id,
        "models": list(claims.models),
        "iat": claims.issued_at,
        "exp": claims.expires_at,
        "jti": claims.token_id,
    }
    if claims.sealed_cache_key is not None:
        payload["ck"] = claims.sealed_cache_key
    return jwt.encode(payload, token_key, _ALGORITHM, {"typ": _TYPE, "kid": claims.org_id})


def looks_like(secret: Secret) -> bool:
    """Whether it says of itself that it is one of ours, which no provider must ever see.

    Vertex and Entra tokens are JWTs too; theirs have another `typ`. A token of ours that lost its end, or was changed
    behind its header, still counts as ours, and so does what holds one, in quotes or behind another key: it is then
    refused here rather than sent to somebody else.
    """
    text = secret.reveal()
    openings = (found.start() for found in _OPENING.finditer(text))
    return any(_object(text[at : at + _LONGEST_HEADER].partition(".")[0]).get("typ") == _TYPE for at in openings)


def org_of(secret: Secret) -> str | None:
    """The org whose key signed it, as an unverified token says; None where it says nothing of that form."""
    header = _header(secret)
    org_id = header.get("kid") if header.get("typ") == _TYPE else None
    return org_id if isinstance(org_id, str) and ORG_ID.fullmatch(org_id) else None


def ids_of(secret: Secret) -> ParsedKey | None:
    """The key it stands for, as an unverified token says; None where it says nothing of that form.

    Asking the directory for it first keeps a flood of made-up tokens away from the secret store, which is slower and
    costs many times more. What `verify` returns has the same ids, and is what counts.
    """
    org_id = org_of(secret)
    if org_id is None:
        return None
    _, _, rest = secret.reveal().partition(".")
    key_id = _object(rest.partition(".")[0]).get("sub")
    return ParsedKey(org_id, key_id) if isinstance(key_id, str) and KEY_ID.fullmatch(key_id) else None


def verify(secret: Secret, token_key: bytes, *, now: float) -> TokenClaims:
    """What the token says, once its signature, type, issuer, audience and times hold. Raises `InvalidToken`.

    No leeway: the clocks of Lambda's machines agree to within milliseconds, and `iat` is cut to the second.
    Whether the key it stands for is still good is for the directory to say.
    """
    _check_key(token_key)
    if not _FORM.fullmatch(secret.reveal()):
        raise InvalidToken
    import jwt

    try:
        token = jwt.decode_complete(
            secret.reveal(), token_key, algorithms=[_ALGORITHM], audience=_OURS, issuer=_OURS, options=_OPTIONS
        )
    except jwt.PyJWTError:
        raise InvalidToken from None
    claims = _claims(token["payload"])
    if token["header"] != {"alg": _ALGORITHM, "typ": _TYPE, "kid": claims.org_id}:
        raise InvalidToken
    if not _sound(claims) or not claims.issued_at <= now < claims.expires_at:
        raise InvalidToken
    return claims


def _claims(payload: dict[str, Any]) -> TokenClaims:
    match payload:
        case {
            "org": str(org_id),
            "sub": str(key_id),
            "models": [*models],
            "jti": str(token_id),
            "iat": int(issued_at),
            "exp": int(expires_at),
        } if all(isinstance(model, str) for model in models):
            sealed = payload.get("ck")
            if sealed is None or isinstance(sealed, str):
                return TokenClaims(org_id, key_id, tuple(models), token_id, issued_at, expires_at, sealed)
    raise InvalidToken


def _sound(claims: TokenClaims) -> bool:
    return bool(
        ORG_ID.fullmatch(claims.org_id)
        and KEY_ID.fullmatch(claims.key_id)
        and claims.models  # none would read as all
        and claims.token_id
        and 1 <= claims.expires_at - claims.issued_at <= MAX_TTL
    )


def _check_key(token_key: bytes) -> None:
    if len(token_key) != TOKEN_KEY_BYTES:
        raise ValueError(f"a token key has {TOKEN_KEY_BYTES} bytes, not {len(token_key)}")


def _header(secret: Secret) -> dict[str, Any]:
    return _object(secret.reveal().partition(".")[0])


def _object(segment: str) -> dict[str, Any]:
    """An unverified part of a token; empty where there is no object to read."""
    if not segment.startswith(_JSON_OBJECT):
        return {}
    try:
        read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (ValueError, RecursionError):
        return {}
    return read
