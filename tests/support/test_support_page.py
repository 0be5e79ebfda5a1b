"""docs/providers.md says what the claims say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.providers.wires import wires
from tests.support.__main__ import main
from tests.support.claims import NAMES
from tests.support.table import PAGE

if TYPE_CHECKING:
    import pytest


def test_the_page_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """If not: `python -m tests.support`."""
    assert (main(["--check"]), capsys.readouterr().out) == (0, "")


def test_every_provider_has_a_cell_for_every_capability() -> None:
    rows = re.findall(r"^\| `([\w/]+)` \|(.+)\|$", PAGE.read_text(), re.MULTILINE)
    for provider in wires():
        cells = [cell.strip() for name, row in rows[:-1] if name == provider for cell in row.split("|")]
        assert len(cells) >= len(NAMES)
        assert all(cells[: len(NAMES)])


def test_every_note_is_pointed_at() -> None:
    text = PAGE.read_text()
    numbered = {int(number) for number in re.findall(r"^(\d+)\. ", text, re.MULTILINE)}
    assert {int(number) for number in re.findall(r"<sup>(\d+)</sup>", text)} == numbered
    assert numbered == set(range(1, len(numbered) + 1))


def test_every_link_leads_somewhere() -> None:
    links = set(re.findall(r"\]\((\w+\.md)\)", PAGE.read_text()))
    assert "anthropic.md" in links
    assert {link for link in links if not (PAGE.parent / link).exists()} == set()
