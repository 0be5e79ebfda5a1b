"""A service account's signed claim, to be exchanged for an access token.

https://developers.google.com/identity/protocols/oauth2/service-account, "HTTP/REST".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.auth.exchange import Grant
from providers.errors import UpstreamAuth
from providers.secret import members_of

if TYPE_CHECKING:
    from providers.secret import Secret

# A key file has a `token_uri` too. It is not asked: whoever writes the file would choose where we connect to.
TOKEN_URL: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
_LIFETIME: Final = 3600  # the longest that Google allows


def service_account_grant(secret: Secret, scope: str, *, provider: str, url: str, now: float) -> Grant:
    """`now`: epoch seconds. Raises `UpstreamAuth` for what is no key file of a service account."""
    members = members_of(secret)
    email, private_key = members.get("client_email"), members.get("private_key")
    if not email or not private_key:
        raise _no_key_file(provider)
    issued = int(now)
    claims = {"iss": email, "scope": scope, "aud": TOKEN_URL, "iat": issued, "exp": issued + _LIFETIME}
    signed = _signed(claims, private_key, members.get("private_key_id"), provider)
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": signed}
    return Grant("Google", url, form)


def _signed(claims: dict[str, Any], private_key: str, key_id: str | None, provider: str) -> str:
    # Signing happens once an hour for each account; PyJWT and what is behind it are loaded when it does.
    import jwt

    try:
        return jwt.encode(claims, private_key, algorithm="RS256", headers={"kid": key_id} if key_id else None)
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        # Without its cause, which may carry the key: no PEM, a key with a password, or one of another kind.
        raise _no_key_file(provider) from None


def _no_key_file(provider: str) -> UpstreamAuth:
    return UpstreamAuth(
        f"The credential for {provider} is no key file of a Google service account: it needs client_email and a "
        "private_key that can sign.",
        provider=provider,
        code="invalid_credential",
    )
