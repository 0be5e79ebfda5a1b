"""What holds for every test."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.emulators import ministack, moto

if TYPE_CHECKING:
    from collections.abc import Iterator

# How fast a machine makes examples proves nothing. Where CI is set, hypothesis's own profile says the same and more.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if not os.environ.get("CI"):
    settings.load_profile("here")

# What a test starts must not write into the home of whoever runs it.
_HOME = tempfile.TemporaryDirectory(prefix="sabir-tests-")
os.environ |= dict.fromkeys(("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), _HOME.name)


@pytest.fixture(scope="session")
def moto_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """DynamoDB and Secrets Manager over real HTTP."""
    with moto(tmp_path_factory.mktemp("moto")) as url:
        yield url


@pytest.fixture(scope="session")
def ministack_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same by another emulator: each is strict where the other is not."""
    with ministack(tmp_path_factory.mktemp("ministack")) as url:
        yield url
