"""Recorded provider traffic, read where it lies: beside the repository, in `shared/wire` (see its README).

It is not part of the project. Where the folder is absent, `cases` gives one case that is skipped and says so. What
`make record` writes to `cases/` beside this file is, and is replayed with them.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from _pytest.mark import ParameterSet

FOLDER: Final = Path(__file__).parents[3] / "shared" / "wire"
OWN: Final = Path(__file__).parent / "cases"


@dataclass(frozen=True, slots=True)
class Recording:
    """One exchange. `request`: `{method, url, headers, body}`, or None where nobody recorded it."""

    path: str
    provider: str
    wire: str
    stream: bool
    status: int
    fidelity: str
    tags: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.provider}/{Path(self.path).stem}"

    @property
    def body(self) -> bytes:
        response = self._exchange["response"]
        if "body_base64" in response:
            return base64.b64decode(response["body_base64"])
        body = response["body"]
        return body.encode() if isinstance(body, str) else json.dumps(body).encode()

    @property
    def headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self._exchange["response"]["headers"].items()}

    @property
    def request(self) -> dict[str, Any] | None:
        request: dict[str, Any] | None = self._exchange["request"]
        return request

    @property
    def model(self) -> str:
        return str(self._exchange["model"])

    @property
    def streamed(self) -> bool:
        """Whether the answer is a stream: an error is none, whatever the request asked for."""
        return bool(self._exchange["framing"] == "sse")

    @property
    def _exchange(self) -> dict[str, Any]:
        return _exchange(self.path)


@cache
def recordings() -> tuple[Recording, ...]:
    """All of them, or the project's own where the folder is absent."""
    index = FOLDER / "index.jsonl"
    rows = [json.loads(line) for line in index.read_text().splitlines()] if index.exists() else []
    rows += [own_row(path) for path in sorted(OWN.glob("*/*.json"))]
    return tuple(
        Recording(
            path=row["path"],
            provider=row["provider"],
            wire=row["wire"],
            stream=row["stream"],
            status=row["status"],
            fidelity=row["fidelity"],
            tags=frozenset(row["tags"]),
        )
        for row in rows
    )


def own_row(path: Path) -> dict[str, Any]:
    """What the index would say of a case that `make record` wrote."""
    case: dict[str, Any] = json.loads(path.read_text())
    return {**case, "path": str(path), "status": case["response"]["status"]}


def cases(wanted: Callable[[Recording], bool]) -> list[ParameterSet]:
    """Parameters for `pytest.mark.parametrize("recording", …)`, named by provider and case."""
    if not recordings():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no recorded traffic at {FOLDER.name}"))]
    return [pytest.param(recording, id=recording.name) for recording in recordings() if wanted(recording)]


def case(path_part: str) -> Recording:
    """The one whose path contains `path_part`; skips the test where the folder is absent."""
    if not recordings():
        pytest.skip(f"no recorded traffic at {FOLDER.name}")
    (found,) = [recording for recording in recordings() if path_part in recording.path]
    return found


@cache
def _exchange(path: str) -> dict[str, Any]:
    exchange: dict[str, Any] = json.loads((FOLDER / path).read_text())
    return exchange
