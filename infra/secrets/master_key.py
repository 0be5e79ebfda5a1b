"""The master key of the embedded store: 32 random bytes in a file that its owner alone can read."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from infra.secrets.sealing import MASTER_KEY_SIZE
from infra.settings import Misconfigured

if TYPE_CHECKING:
    from pathlib import Path


def load_or_make(path: Path) -> bytes:
    """The key in the file, which is made where there is none; processes that start at once get the same one.

    What is made is `rw-------` in a folder `rwx------`. Raises `Misconfigured` for a file that is not one of ours or
    that others may read: of a key that was open to others somebody must know, so it is not quietly closed.
    """
    try:
        return _load(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        _make(path)
        return _load(path)
    except OSError as error:
        raise _unusable(path, error) from error


def _load(path: Path) -> bytes:
    with path.open("rb") as file:
        # Of the open file, so that nobody can put another one there in between.
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise Misconfigured(
                f"the master key {path} is open to others (mode {mode:03o}): if nobody else has read it,"
                f" close it with `chmod 600 {path}`"
            )
        key = file.read(MASTER_KEY_SIZE + 1)
    if len(key) != MASTER_KEY_SIZE:
        raise Misconfigured(
            f"the master key {path} does not have the {MASTER_KEY_SIZE} bytes of a key: it is damaged or another file"
        )
    return key


def _make(path: Path) -> None:
    """Whole or not at all: it is written beside its place and then linked, which fails where there is one already."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(MASTER_KEY_SIZE))
            file.flush()
            # What is sealed under a key that the power took away is lost for good.
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return  # another process was first: its key it is
    finally:
        draft.unlink()


def _unusable(path: Path, error: OSError) -> Misconfigured:
    return Misconfigured(f"the master key {path} cannot be read or made: {error.strerror or type(error).__name__}")
