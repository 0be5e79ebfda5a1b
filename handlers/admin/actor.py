"""Who is asking, as the audit trail will name them: a holder of the admin key, or an identity IAM vouches for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from handlers.admin.admin_key import fingerprint
from providers.errors import Unauthenticated
from providers.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

    from handlers.admin.services import AdminServices

# The resource for which the template has API Gateway check a signature before the function hears of the request.
_IAM_RESOURCE: Final = "/admin-iam"

_MAX_KEY: Final = 256


async def key_holder(headers: Mapping[str, str], services: AdminServices) -> str:
    """`admin-key:<fingerprint>`. Raises `Unauthenticated`, and `SecretsFault` while the key cannot be looked up."""
    if services.local_actor is not None:
        return services.local_actor
    scheme, _, presented = headers.get("authorization", "").strip().partition(" ")
    key = Secret(presented.strip())
    if scheme.lower() != "bearer" or not 0 < len(key.reveal()) <= _MAX_KEY:
        raise Unauthenticated(
            "The admin API takes its admin key in an Authorization header: 'Bearer sba_…'.", code="no_admin_key"
        )
    if services.admin_key is None or not await services.admin_key.matches(key):
        raise Unauthenticated("This is not the admin key.", code="invalid_admin_key")
    return f"admin-key:{fingerprint(key)}"


def iam_identity(scope: Scope) -> str:
    """The caller's ARN, where API Gateway itself says that it has checked a signature. Raises `Unauthenticated`.

    `resourcePath` is the resource that API Gateway matched, so a path that was spelt to look like another one does not
    count; and it fills `userArn` in only where the method's authorization is AWS_IAM. Neither can come from a client:
    both are in the event, beside the request and not in it.
    """
    context = _mapping(_mapping(scope.get("aws.event")).get("requestContext"))
    resource = context.get("resourcePath")
    arn = _mapping(context.get("identity")).get("userArn")
    routed = isinstance(resource, str) and (resource == _IAM_RESOURCE or resource.startswith(f"{_IAM_RESOURCE}/"))
    if not (routed and isinstance(arn, str) and arn.strip()):
        raise Unauthenticated(
            "Nobody has checked an IAM signature for this request; the admin key is for the paths under /admin.",
            code="no_iam_identity",
        )
    return arn.strip()


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
