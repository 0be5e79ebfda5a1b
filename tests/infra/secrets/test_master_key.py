"""The master key's file: made once, read by its owner alone, refused in plain words otherwise."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.secrets.master_key import load_or_make
from infra.settings import Misconfigured


@pytest.fixture(autouse=True)
def _generous_umask() -> Iterator[None]:
    """The modes must not come from the umask of whoever starts it."""
    before = os.umask(0)
    yield
    os.umask(before)


# Says that it is up, and makes the key when all of them are told to.
STARTER = """
import pathlib, sys
from infra.secrets.master_key import load_or_make
print("up", flush=True)
sys.stdin.readline()
print(load_or_make(pathlib.Path(sys.argv[1])).hex())
"""


def test_the_first_start_makes_a_key_and_later_ones_read_it(tmp_path: Path) -> None:
    path = tmp_path / "sabir" / "master.key"
    key = load_or_make(path)
    assert len(key) == 32
    assert load_or_make(path) == key
    assert load_or_make(tmp_path / "other" / "master.key") != key


def test_the_file_and_its_folder_are_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "sabir" / "master.key"
    load_or_make(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["master.key"]


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "sabir" / "master.key"
    command = [sys.executable, "-c", STARTER, str(path)]
    starters = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for starter in starters:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "up\n"
    for starter in starters:
        assert starter.stdin is not None
        starter.stdin.write("\n")
        starter.stdin.flush()
    found = {starter.communicate()[0].strip() for starter in starters}
    assert found == {path.read_bytes().hex()}
    assert [file.name for file in path.parent.iterdir()] == ["master.key"]


def test_who_comes_second_between_look_and_link_takes_the_key_of_the_first(tmp_path: Path) -> None:
    from infra.secrets.master_key import _make

    path = tmp_path / "master.key"
    key = load_or_make(path)
    _make(path)
    assert load_or_make(path) == key
    assert [file.name for file in tmp_path.iterdir()] == ["master.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o644, 0o601])
def test_a_key_that_others_could_have_read_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    key = load_or_make(path)
    path.chmod(mode)
    with pytest.raises(Misconfigured, match=f"open to others .mode {mode:03o}.*chmod 600") as fault:
        load_or_make(path)
    assert key.hex() not in str(fault.value)
    assert path.stat().st_mode & 0o777 == mode
    path.chmod(0o600)
    assert load_or_make(path) == key


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33, b"x" * 32 + b"\n", b"x" * 100_000])
def test_a_file_of_another_length_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(Misconfigured, match="does not have the 32 bytes of a key"):
        load_or_make(path)
    assert path.read_bytes() == content


def test_a_place_that_cannot_be_used_is_said_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Misconfigured, match="cannot be read or made: Not a directory"):
        load_or_make(tmp_path / "file" / "master.key")
    with pytest.raises(Misconfigured, match="cannot be read or made: Is a directory"):
        load_or_make(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Misconfigured, match="cannot be read or made: No such file"):
        load_or_make(tmp_path / "link")
