"""Signed JSON calls to DynamoDB and Secrets Manager over a session that the whole process shares."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from infra.aws.credentials import CredentialSource
from infra.aws.sigv4 import Signer

DEFAULT_TIMEOUT: Final = 2.0
DEFAULT_ATTEMPTS: Final = 3
_BACKOFF_BASE: Final = 0.025
_BACKOFF_CEILING: Final = 1.0
# The client-side throttles, which come as 400; those of status 5xx or 429 need no list.
_THROTTLES: Final = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)


@dataclass(frozen=True, slots=True)
class AwsService:
    """A service of the AWS JSON protocol. `endpoint_id` is also its name in a signature's scope."""

    endpoint_id: str
    target_prefix: str
    json_version: str
    endpoint_variable: str


DYNAMODB: Final = AwsService("dynamodb", "DynamoDB_20120810", "1.0", "AWS_ENDPOINT_URL_DYNAMODB")
SECRETS_MANAGER: Final = AwsService("secretsmanager", "secretsmanager", "1.1", "AWS_ENDPOINT_URL_SECRETS_MANAGER")


class AwsError(Exception):
    """A call that failed for good.

    `status` is 0 and `code` the kind of network failure when no answer came. AWS's own message is left out: that of a
    wrong signature quotes the signed headers, session token included. `request_id` finds the rest in AWS's logs.
    `item`: what DynamoDB found where a condition did not hold, if it was asked to tell (ALL_OLD).
    """

    def __init__(
        self, operation: str, status: int, code: str, *, request_id: str = "", item: dict[str, Any] | None = None
    ) -> None:
        super().__init__(operation, status, code, request_id)
        self.item = item
        self.operation = operation
        self.status = status
        self.code = code
        self.request_id = request_id

    @property
    def retryable(self) -> bool:
        return self.status == 0 or self.status == 429 or self.status >= 500 or self.code in _THROTTLES

    def __str__(self) -> str:
        answer = f"HTTP {self.status}" if self.status else "no answer"
        reference = f", request id {self.request_id}" if self.request_id else ""
        return f"{self.operation}: {self.code} ({answer}{reference})"


def endpoint_url(service: AwsService, region: str, env: Mapping[str, str]) -> str:
    """The service's variable, then `AWS_ENDPOINT_URL`, then AWS itself, in the order of the AWS SDKs."""
    override = env.get(service.endpoint_variable) or env.get("AWS_ENDPOINT_URL")
    if override:
        return override.rstrip("/") + "/"
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{service.endpoint_id}.{region}.{suffix}/"


class AwsJsonClient:
    """`clock` gives epoch seconds, `jitter` a number from 0 to 1 that scales each pause; the session is not ours."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        credentials: CredentialSource,
        service: AwsService,
        *,
        region: str,
        endpoint: str,
        clock: Callable[[], float],
        jitter: Callable[[], float],
        timeout: float = DEFAULT_TIMEOUT,
        attempts: int = DEFAULT_ATTEMPTS,
    ) -> None:
        self._session = session
        self._credentials = credentials
        self._service = service
        self._signer = Signer(region, service.endpoint_id)
        self._endpoint = endpoint
        self._clock = clock
        self._jitter = jitter
        self._timeout = timeout
        self._attempts = attempts

    async def call(self, operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """One operation without its prefix ("GetItem"), tried again on throttling, 5xx and a lost connection.

        So, as with the AWS SDKs, an update may be applied twice; one that must not be needs a condition or a client
        token. `timeout` holds for each try. Raises `AwsError` or `NoAwsCredentials`.
        """
        document = json.dumps(body, separators=(",", ":")).encode()
        for attempt in range(1, self._attempts):
            try:
                return await self._send(operation, document)
            except AwsError as error:
                if not error.retryable:
                    raise
            await asyncio.sleep(self._jitter() * min(_BACKOFF_CEILING, _BACKOFF_BASE * 2**attempt))
        return await self._send(operation, document)

    async def _send(self, operation: str, document: bytes) -> dict[str, Any]:
        headers = self._signer.sign(
            "POST",
            self._endpoint,
            {
                "content-type": f"application/x-amz-json-{self._service.json_version}",
                "x-amz-target": f"{self._service.target_prefix}.{operation}",
            },
            document,
            credentials=await self._credentials.get(),
            now=self._clock(),
        )
        # Compressed answers would cost more time than these few kilobytes on AWS's network.
        headers["accept-encoding"] = "identity"
        try:
            async with self._session.post(
                self._endpoint,
                data=document,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                allow_redirects=False,
            ) as response:
                answer = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise AwsError(operation, 0, type(error).__name__) from error
        if response.status != 200:
            code = _error_code(response.headers.get("x-amzn-errortype"), answer)
            request_id = response.headers.get("x-amzn-requestid", "")
            raise AwsError(operation, response.status, code, request_id=request_id, item=_refused_item(code, answer))
        return _parse(operation, answer)


def _parse(operation: str, answer: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(answer)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        # Without its cause, which would carry the answer: it may be a secret.
        raise AwsError(operation, 200, "MalformedAnswer")
    return parsed


def _refused_item(code: str, answer: bytes) -> dict[str, Any] | None:
    if code != "ConditionalCheckFailedException":
        return None
    try:
        item = json.loads(answer).get("Item")
    except (ValueError, AttributeError):
        return None
    return item if isinstance(item, dict) else None


def _error_code(header: str | None, answer: bytes) -> str:
    """`com.amazonaws.dynamodb.v20120810#ResourceNotFoundException:http://…` is ResourceNotFoundException."""
    code = header or _code_in_body(answer)
    return code.rpartition("#")[2].partition(":")[0] or "Unknown"


def _code_in_body(answer: bytes) -> str:
    try:
        fields = json.loads(answer)
        code = fields.get("__type") or fields.get("code") or ""
    except (ValueError, AttributeError):
        return ""
    return code if isinstance(code, str) else ""
