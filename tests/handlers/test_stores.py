from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from handlers.services import build_services
from handlers.stores import control_stores
from infra.control.dynamodb import DynamoControlStore
from infra.control.sqlite import SqliteControlStore
from infra.limits.dynamodb import DynamoCounters
from infra.requests.dynamodb import DynamoRequests
from infra.requests.store import RequestsFault, Wanted
from infra.secrets.secrets_manager import SecretsManagerStore
from infra.settings import Misconfigured, Settings, Timeouts
from infra.upstream import Upstream

if TYPE_CHECKING:
    from pathlib import Path


def test_without_a_control_store_there_are_no_orgs() -> None:
    assert build_services({}).orgs is None
    with pytest.raises(Misconfigured, match="SABIR_CONTROL_TABLE nor SABIR_CONTROL_PATH"):
        control_stores(Settings(), Upstream(Timeouts()), {})


def test_the_embedded_stores_share_one_file_and_the_master_key_lies_apart(tmp_path: Path) -> None:
    env = {
        "SABIR_CONTROL_PATH": str(tmp_path / "data" / "c.db"),
        "SABIR_MASTER_KEY_PATH": str(tmp_path / "k" / "m.key"),
    }
    orgs = build_services(env).orgs
    assert orgs is not None
    assert isinstance(orgs.stores.control, SqliteControlStore)
    assert stat.S_IMODE((tmp_path / "k" / "m.key").stat().st_mode) == 0o600
    assert not os.path.exists(env["SABIR_CONTROL_PATH"])  # noqa: PTH110 - nothing is made before it is needed


def test_a_file_without_a_place_for_its_key_is_refused() -> None:
    with pytest.raises(Misconfigured, match="SABIR_MASTER_KEY_PATH"):
        build_services({"SABIR_CONTROL_PATH": "c.db"})


def test_on_aws_a_table_and_secrets_manager(tmp_path: Path) -> None:
    orgs = build_services({"SABIR_CONTROL_TABLE": "control", "SABIR_CONTROL_PATH": str(tmp_path)}).orgs
    assert orgs is not None
    assert isinstance(orgs.stores.control, DynamoControlStore)
    assert isinstance(orgs.stores.counters, DynamoCounters)
    assert isinstance(orgs.stores.secrets, SecretsManagerStore)


async def test_the_request_log_is_where_the_orgs_are_and_made_when_it_is_asked(tmp_path: Path) -> None:
    env = {"SABIR_CONTROL_PATH": str(tmp_path / "c.db"), "SABIR_MASTER_KEY_PATH": str(tmp_path / "m.key")}
    services = build_services(env)
    assert services.orgs is not None
    store = services.orgs.stores.requests
    wanted = Wanted("acme", 0, 9)
    assert (await store.page(wanted, now=0)).records == ()
    assert (tmp_path / "c.db").exists()
    await services.close()
    with pytest.raises(RequestsFault):
        await store.page(wanted, now=0)
    on_aws = build_services({"SABIR_CONTROL_TABLE": "control"}).orgs
    assert on_aws is not None
    assert isinstance(on_aws.stores.requests._store(), DynamoRequests)  # type: ignore[attr-defined]
