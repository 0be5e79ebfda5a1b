"""A desk at the admin API, on stores of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.handlers.admin.desk import desk_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.handlers.admin.desk import Desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_over(tmp_path) as desk:
        yield desk
