"""Every error that a caller can see.

    SabirError(message, status, type, code, param, retry_after)
    ├─ CallerError             the request is at fault: nothing was sent upstream
    │  ├─ InvalidRequest   400    bad JSON, a wrong type, a missing member
    │  ├─ Unsupported      400    well-formed, but this provider cannot represent it
    │  ├─ Unauthenticated  401    no credential
    │  ├─ OverBudget       402    the money of this day or month is spent
    │  ├─ Forbidden        403    the key may not do this
    │  ├─ UnknownModel     404    no provider serves a model of that name
    │  ├─ UnknownRoute     404, MethodNotAllowed 405
    │  ├─ TooLarge         413    the body is over the limit
    │  ├─ OverLimit        429    a limit of requests, tokens or parallel requests, with `retry_after`
    │  └─ NotCached        504    `only-if-cached` and no usable entry (RFC 9111 §5.2.1.7)
    ├─ Unavailable         503    a store of ours is out: it is not known whether the request would be allowed
    └─ UpstreamError           the provider is at fault, or refused
       ├─ UpstreamRejected  4xx   the provider refused this request: its status
       ├─ UpstreamAuth  401/403   the provider refused this credential: its status
       ├─ UpstreamThrottled 429   with `retry_after` where the provider gave one
       ├─ UpstreamDown  5xx/529   the provider failed, or could not be reached (502), or not in time (504)
       ├─ UpstreamProtocolError 502   it answered something that is not its protocol
       └─ UpstreamTruncated     502   it stopped before its own end marker

`type` and `code` take OpenAI's vocabulary where it has a word. `message` is for people; no header, no secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from providers.secret import Secret


class SabirError(Exception):
    """Root of all errors that are answered to the caller; anything else that is raised is a bug."""

    status: int = 500
    type: str = "server_error"
    code: str | None = None

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        type: str | None = None,  # noqa: A002 - the wire's own word
        code: str | None = None,
        param: str | None = None,
        retry_after: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = self.status if status is None else status
        self.type = self.type if type is None else type
        self.code = self.code if code is None else code
        self.param = param
        self.retry_after = retry_after


class CallerError(SabirError):
    status = 400
    type = "invalid_request_error"


class InvalidRequest(CallerError):
    """Bad JSON, a missing member or a wrong type; `param` names it in OpenAI's path form (`messages[0].role`)."""


class Unsupported(CallerError):
    """The provider cannot represent what was asked, and leaving it out would change the meaning."""

    code = "unsupported_parameter"


class Unauthenticated(CallerError):
    status = 401
    type = "authentication_error"
    code = "invalid_api_key"


class OverBudget(CallerError):
    """`code` names the budget. OpenAI says 429 with this type; 402 is what it means, and no SDK tries it again."""

    status = 402
    type = "insufficient_quota"


class Forbidden(CallerError):
    status = 403
    type = "permission_error"
    code = "forbidden"


class UnknownModel(CallerError):
    status = 404
    code = "model_not_found"


class UnknownRoute(CallerError):
    status = 404
    code = "unknown_url"


class MethodNotAllowed(CallerError):
    status = 405
    code = "method_not_allowed"


class TooLarge(CallerError):
    status = 413
    code = "request_too_large"


class OverLimit(CallerError):
    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class NotCached(CallerError):
    status = 504
    type = "cache_error"
    code = "not_cached"


class Unavailable(SabirError):
    """Never "invalid key": nobody could look. `code` names what is out; try again later."""

    status = 503
    type = "service_unavailable_error"
    code = "unavailable"


class UpstreamError(SabirError):
    """A provider's failure. `provider` is its id; its headers and body are never part of it beyond the message."""

    status = 502
    type = "upstream_error"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        status: int | None = None,
        type: str | None = None,  # noqa: A002
        code: str | None = None,
        param: str | None = None,
        retry_after: str | None = None,
    ) -> None:
        super().__init__(message, status=status, type=type, code=code, param=param, retry_after=retry_after)
        self.provider = provider

    def redact(self, secret: Secret) -> None:
        """Take the key out of every word, should the provider have quoted it in its own."""
        key, mask = secret.reveal(), format(secret)
        self.message, self.type = self.message.replace(key, mask), self.type.replace(key, mask)
        self.code = self.code and self.code.replace(key, mask)
        self.param = self.param and self.param.replace(key, mask)
        self.args = (self.message,)


class UpstreamRejected(UpstreamError):
    status = 400
    type = "invalid_request_error"


class UpstreamAuth(UpstreamError):
    status = 401
    type = "authentication_error"


class UpstreamThrottled(UpstreamError):
    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"
    retryable = True


class UpstreamDown(UpstreamError):
    type = "server_error"
    retryable = True


class UpstreamProtocolError(UpstreamError):
    code = "upstream_protocol_error"
    retryable = True


class UpstreamTruncated(UpstreamError):
    code = "upstream_truncated"
    retryable = True
