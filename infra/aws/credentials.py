"""Where the proxy's own AWS credentials come from: Lambda's environment, or the container endpoint (SnapStart, ECS).

Nothing else is looked at, by intent: no profile files, no instance metadata. Rules of the container endpoint:
https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html.
"""

import asyncio
import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import aiohttp

from infra.aws.sigv4 import AwsCredentials

_RELATIVE_ORIGIN: Final = "http://169.254.170.2"
# The ECS agent and the EKS pod identity agent; plain HTTP to any other host could hand the token to a stranger.
_PLAIN_HTTP_HOSTS: Final = frozenset({"localhost", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"})
_REFRESH_AHEAD: Final = 300.0
_TIMEOUT: Final = 2.0


class NoAwsCredentials(Exception):
    """No credentials are configured, or their source does not give any. The text names the source, never a secret."""


class CredentialSource(Protocol):
    async def get(self) -> AwsCredentials:
        """Credentials good for a request now. Raises `NoAwsCredentials`."""
        ...


@dataclass(frozen=True, slots=True)
class StaticCredentials:
    """What the environment held at the start; Lambda replaces the whole process before these end."""

    credentials: AwsCredentials

    async def get(self) -> AwsCredentials:
        return self.credentials


@dataclass(frozen=True, slots=True)
class ContainerEndpoint:
    """`token_file` is read anew at each call, because its content is rotated; it goes before `token`."""

    url: str
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None

    def authorization(self) -> str | None:
        """Blocks where there is a token file. Raises `NoAwsCredentials`."""
        token = self.token
        if self.token_file is not None:
            try:
                token = self.token_file.read_text("utf-8").strip()
            except (OSError, ValueError) as error:
                raise NoAwsCredentials(
                    "the authorization token file of the container credentials is unreadable"
                ) from error
        if token is not None and ("\r" in token or "\n" in token):
            raise NoAwsCredentials("the authorization token of the container credentials holds a line break")
        return token


class ContainerCredentials:
    """Fetched when first needed (SnapStart forbids earlier) and again five minutes before they end.

    While a renewal fails, credentials that still hold go on being used. Requests at the same time share one fetch.
    """

    def __init__(
        self, session: aiohttp.ClientSession, endpoint: ContainerEndpoint, *, clock: Callable[[], float]
    ) -> None:
        self._session = session
        self._endpoint = endpoint
        self._clock = clock
        self._current: AwsCredentials | None = None
        self._fetching = asyncio.Lock()

    async def get(self) -> AwsCredentials:
        current = self._holding(_REFRESH_AHEAD)
        if current is not None:
            return current
        async with self._fetching:
            current = self._holding(_REFRESH_AHEAD)
            if current is None:
                current = await self._renew()
            return current

    def _holding(self, ahead: float) -> AwsCredentials | None:
        current = self._current
        if current is None or current.expires_at is None or current.expires_at - self._clock() > ahead:
            return current
        return None

    async def _renew(self) -> AwsCredentials:
        try:
            self._current = await self._fetch()
        except NoAwsCredentials:
            still_good = self._holding(0)
            if still_good is None:
                raise
            return still_good
        return self._current

    async def _fetch(self) -> AwsCredentials:
        headers = {"accept": "application/json"}
        authorization = await asyncio.to_thread(self._endpoint.authorization)
        if authorization is not None:
            headers["authorization"] = authorization
        try:
            async with self._session.get(
                self._endpoint.url,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=_TIMEOUT),
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    raise NoAwsCredentials(f"the container credentials endpoint answered {response.status}")
                return _parse(await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoAwsCredentials(f"the container credentials endpoint failed: {type(error).__name__}") from error


def credential_source(
    env: Mapping[str, str], session: aiohttp.ClientSession, *, clock: Callable[[], float]
) -> CredentialSource:
    """Keys in `env` first, then a container endpoint; raises `NoAwsCredentials` when there is neither.

    `env` is the process environment; `clock` gives epoch seconds.
    """
    if env.get("AWS_ACCESS_KEY_ID") and env.get("AWS_SECRET_ACCESS_KEY"):
        return StaticCredentials(
            AwsCredentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env.get("AWS_SESSION_TOKEN") or None)
        )
    url = _endpoint_url(env)
    if url is None:
        raise NoAwsCredentials("no AWS credentials: neither access keys nor a container endpoint in the environment")
    token_file = env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    endpoint = ContainerEndpoint(
        url, env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN") or None, Path(token_file) if token_file else None
    )
    return ContainerCredentials(session, endpoint, clock=clock)


def _endpoint_url(env: Mapping[str, str]) -> str | None:
    relative = env.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    if relative:
        return _RELATIVE_ORIGIN + relative
    full = env.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if full and not _may_hear_the_token(full):
        raise NoAwsCredentials(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor a loopback or container agent address"
        )
    return full or None


def _may_hear_the_token(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" or host in _PLAIN_HTTP_HOSTS:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _parse(body: bytes) -> AwsCredentials:
    try:
        fields = json.loads(body)
        return AwsCredentials(
            str(fields["AccessKeyId"]),
            str(fields["SecretAccessKey"]),
            str(fields["Token"]) if fields.get("Token") else None,
            datetime.fromisoformat(fields["Expiration"]).timestamp() if fields.get("Expiration") else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        # Without its cause: a decoding error carries the document, and the document is the secret.
        raise NoAwsCredentials("the container credentials endpoint answered something else than credentials") from None
