"""Calls to one AWS service, over the session that the providers' calls use too."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from infra.aws.json_client import AwsJsonClient
    from infra.upstream import Upstream


def aws_call(
    service: Literal["dynamodb", "secretsmanager"], upstream: Upstream, env: Mapping[str, str]
) -> Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]:
    """`call(operation, body)`, as `AwsJsonClient.call`. The client is made when the first call is due.

    It is bound to the session, and made anew when that one is: an invocation may come with another loop.
    """
    client: AwsJsonClient | None = None
    session: object = None

    async def call(operation: str, body: dict[str, Any]) -> dict[str, Any]:
        nonlocal client, session
        if client is None or session is not upstream.session:
            client, session = _client(service, upstream, env), upstream.session
        return await client.call(operation, body)

    return call


def _client(
    service: Literal["dynamodb", "secretsmanager"], upstream: Upstream, env: Mapping[str, str]
) -> AwsJsonClient:
    from infra.aws.credentials import credential_source
    from infra.aws.json_client import DYNAMODB, SECRETS_MANAGER, AwsJsonClient, endpoint_url

    spoken = DYNAMODB if service == "dynamodb" else SECRETS_MANAGER
    region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or "us-east-1"
    return AwsJsonClient(
        upstream.session,
        credential_source(env, upstream.session, clock=time.time),
        spoken,
        region=region,
        endpoint=endpoint_url(spoken, region, env),
        clock=time.time,
        jitter=random.random,
    )
