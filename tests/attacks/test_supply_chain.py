"""What is installed on a machine or on Lambda: nothing that the locks do not name by its hash."""

from __future__ import annotations

import hashlib
import re
import tomllib
import zipfile
from pathlib import Path

import pytest

from infra.bundle.target import Target
from infra.bundle.wheels import InstallError, install

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-local.lock", "requirements-dev.lock")


def pinned(lock: str) -> dict[str, str]:
    """Name to its hashes' text."""
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text())
    return {entry.partition("==")[0].strip(): entry for entry in entries if "==" in entry}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_by_version_and_hash_and_from_no_place_of_its_own(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert len(pinned(lock)) > 10
    assert [name for name, entry in pinned(lock).items() if "--hash=sha256:" not in entry] == []
    assert re.findall(r"^(?!#|\s).*(?:@|://|--index|--extra|--find|--trusted|-e ).*$", text, re.MULTILINE) == []


def test_pip_installs_nothing_that_is_not_in_a_lock() -> None:
    """Building Sabir itself would fetch the newest build tool, whatever that is today, and run it."""
    calls = [
        line for line in (ROOT / "Makefile").read_text().splitlines() if "pip install" in line and "echo" not in line
    ]
    assert len(calls) >= 3
    assert [call for call in calls if "--require-hashes" not in call and "--no-index" not in call] == []
    assert [call for call in calls if " -e ." in call and "--no-build-isolation" not in call] == []
    backend = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert {re.split(r"[><=~! ]", each)[0] for each in backend} <= pinned("requirements-local.lock").keys()


def wheel(folder: Path) -> Path:
    """The smallest wheel there is."""
    path = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return path


@pytest.mark.slow
def test_a_wheel_with_another_hash_than_the_locks_is_not_bundled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tool in ("UV", "PIP"):
        monkeypatch.setenv(f"{tool}_NO_INDEX", "1")
        monkeypatch.setenv(f"{tool}_FIND_LINKS", str(tmp_path))
    digest = hashlib.sha256(wheel(tmp_path).read_bytes()).hexdigest()
    lock, target = tmp_path / "requirements.lock", Target("3.13", "arm64")
    lock.write_text(f"tiny==1.0 --hash=sha256:{digest}\n")
    install(lock, tmp_path / "sound", target)
    assert (tmp_path / "sound" / "tiny.py").exists()
    for forged in (f"tiny==1.0 --hash=sha256:{digest[::-1]}\n", "tiny==1.0\n"):
        lock.write_text(forged)
        with pytest.raises(InstallError):
            install(lock, tmp_path / "forged", target)
        assert not (tmp_path / "forged" / "tiny.py").exists()
