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
