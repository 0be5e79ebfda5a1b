"""The stores of the orgs and of the request log; the proxy and the admin side open the same ones."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra.requests.later import LaterRequests
from infra.settings import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.control.store import ControlStore
    from infra.limits.counters import Counters
    from infra.requests.store import RequestStore
    from infra.secrets.store import SecretStore
    from infra.settings import Settings
    from infra.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Stores:
    control: ControlStore
    secrets: SecretStore
    counters: Counters
    requests: RequestStore

    async def close(self) -> None:
        await self.control.close()
        await self.secrets.close()
        await self.counters.close()
        await self.requests.close()


def control_stores(settings: Settings, upstream: Upstream, env: Mapping[str, str]) -> Stores:
    """Where `settings` say. Connects to nothing yet. Raises `Misconfigured`."""
    if settings.control_table is not None:
        return _in_aws(settings, settings.control_table, upstream, env)
    if settings.control_path is not None:
        return _embedded(Path(settings.control_path), settings.master_key_path)
    raise Misconfigured("neither SABIR_CONTROL_TABLE nor SABIR_CONTROL_PATH is set, so there is no place for orgs")


def _in_aws(settings: Settings, table: str, upstream: Upstream, env: Mapping[str, str]) -> Stores:
    from infra.aws.calls import aws_call
    from infra.control.dynamodb import DynamoControlStore
    from infra.limits.dynamodb import DynamoCounters
    from infra.secrets.secrets_manager import SecretsManagerStore

    dynamodb = aws_call("dynamodb", upstream, env)
    secrets = SecretsManagerStore(
        aws_call("secretsmanager", upstream, env), settings.secrets_prefix, env.get("SABIR_KMS_KEY_ID") or None
    )

    def requests() -> RequestStore:
        from infra.requests.dynamodb import DynamoRequests

        return DynamoRequests(dynamodb, table)

    return Stores(
        DynamoControlStore(dynamodb, table), secrets, DynamoCounters(dynamodb, table), LaterRequests(requests)
    )


def _embedded(path: Path, master_key_path: str | None) -> Stores:
    """The master key lies apart from what it opens, so that a copy of the one file tells nothing."""
    from infra.control.sqlite import SqliteControlStore
    from infra.limits.sqlite import SqliteCounters
    from infra.secrets import master_key
    from infra.secrets.sealed_sqlite import SealedSqliteStore

    if master_key_path is None:
        raise Misconfigured("SABIR_CONTROL_PATH needs SABIR_MASTER_KEY_PATH: the file with the key that opens it")
    key = master_key.load_or_make(Path(master_key_path))
    secrets = SealedSqliteStore(path, key, lambda: os.urandom(12))

    def requests() -> RequestStore:
        from infra.requests.sqlite import SqliteRequests

        return SqliteRequests(path)

    return Stores(SqliteControlStore(path), secrets, SqliteCounters(path), LaterRequests(requests))
