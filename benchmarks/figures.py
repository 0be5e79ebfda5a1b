"""From samples to the figures that are shown and kept: medians, differences and ratios."""

from __future__ import annotations

import platform
import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.scenarios import EXCHANGES, PER_CHUNK

if TYPE_CHECKING:
    from benchmarks.coldstart import Starts
    from benchmarks.load import Sample

_STREAMS_FOR_SLOPES = {name for _, *streams in PER_CHUNK for name in streams}


@dataclass(frozen=True, slots=True)
class Row:
    """One cost, in milliseconds. `ratio`: Sabir's CPU time to the bare route's, to compare between machines."""

    name: str
    direct_ms: float
    bare_ms: float
    sabir_ms: float
    added_ms: float
    """What a caller waits longer than for a direct call; for a hit it is negative as soon as a model takes any time."""
    p95_ms: float | None
    bare_cpu_ms: float
    sabir_cpu_ms: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Start:
    """One program's cold start. Milliseconds; `ratio` is its CPU time to that of the bare route's start."""

    name: str
    wall_ms: float
    cpu_ms: float
    ratio: float
    imports_ms: float
    dearest: dict[str, float]


@dataclass(frozen=True, slots=True)
class Figures:
    machine: str
    rows: list[Row]
    starts: list[Start]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def figures(samples: dict[str, dict[str, Sample]], starts: dict[str, Starts]) -> Figures:
    rows = [_request(exchange.name, samples[exchange.name]) for exchange in EXCHANGES if _is_shown(exchange.name)]
    rows += [_chunk(name, samples[short], samples[long]) for name, short, long in PER_CHUNK]
    machine = (
        f"{platform.python_implementation()} {platform.python_version()}, {platform.system()} {platform.machine()}"
    )
    return Figures(machine, rows, _starts(starts))


def _is_shown(name: str) -> bool:
    return name not in _STREAMS_FOR_SLOPES


# Times are medians over all exchanges. CPU time is that of the best round: whatever else the machine does can only add
# to it (cold caches, a shared core), so the least is the nearest to the truth and the steadiest from run to run.


def _request(name: str, by_target: dict[str, Sample]) -> Row:
    times = {target: statistics.median(sample.total) * 1000 for target, sample in by_target.items()}
    cpu = {target: min(sample.cpu) * 1000 for target, sample in by_target.items() if sample.cpu}
    return _row(name, times, cpu, p95_ms=statistics.quantiles(by_target["sabir"].total, n=20)[-1] * 1000)


def _chunk(name: str, short: dict[str, Sample], long: dict[str, Sample]) -> Row:
    chunks = {target: long[target].chunks - short[target].chunks for target in short}
    times = {
        target: (statistics.median(long[target].total) - statistics.median(short[target].total)) * 1000 / count
        for target, count in chunks.items()
    }
    cpu = {
        target: (min(long[target].cpu) - min(short[target].cpu)) * 1000 / chunks[target] for target in ("bare", "sabir")
    }
    return _row(name, times, cpu, p95_ms=None)


def _row(name: str, times: dict[str, float], cpu: dict[str, float], *, p95_ms: float | None) -> Row:
    return Row(
        name=name,
        direct_ms=times["direct"],
        bare_ms=times["bare"],
        sabir_ms=times["sabir"],
        added_ms=times["sabir"] - times["direct"],
        p95_ms=p95_ms,
        bare_cpu_ms=cpu["bare"],
        sabir_cpu_ms=cpu["sabir"],
        ratio=cpu["sabir"] / cpu["bare"],
    )


def _starts(starts: dict[str, Starts]) -> list[Start]:
    if not starts:
        return []
    floor = min(starts["bare Starlette"].cpu)
    return [_one_start(name, start, floor) for name, start in starts.items()]


def _one_start(name: str, start: Starts, floor: float) -> Start:
    cpu = min(start.cpu)
    return Start(
        name=name,
        wall_ms=statistics.median(start.wall) * 1000,
        cpu_ms=cpu * 1000,
        ratio=cpu / floor,
        imports_ms=sum(start.imports.values()),
        dearest=dict(list(start.imports.items())[:8]),
    )
