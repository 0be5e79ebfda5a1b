"""The benchmark measures what it says: its arithmetic, its readings, and one short run of the whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from benchmarks.cpu import CpuClock
from benchmarks.figures import figures
from benchmarks.imports import by_package
from benchmarks.load import Sample
from benchmarks.rounds import TARGETS
from benchmarks.scenarios import EXCHANGES, PER_CHUNK

if TYPE_CHECKING:
    from pathlib import Path


def test_imports_are_summed_by_package_dearest_first() -> None:
    report = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       500 |        500 |   json.decoder\n"
        "import time:      1000 |       1500 | json\n"
        "import time:      4000 |       4000 |     yarl._url\n"
        "some other line\n"
    )
    assert list(by_package(report).items()) == [("yarl", 4.0), ("json", 1.5)]


def test_the_clock_of_a_process_runs_while_it_works_and_stands_while_it_sleeps() -> None:
    clock = CpuClock(os.getpid())
    before, own = clock.read(), time.process_time()
    while time.process_time() - own < 0.05:
        pass
    worked = clock.read()
    assert 0.04 <= worked - before <= 1
    time.sleep(0.05)
    assert clock.read() - worked < 0.04


def test_a_chunk_costs_the_slope_between_a_short_and_a_long_stream() -> None:
    samples = {
        exchange.name: {target: Sample([0.001] * 3, [0.001] * 3, [0.001, 0.002]) for target in TARGETS}
        for exchange in EXCHANGES
    }
    name, short, long = PER_CHUNK[0]
    for target, dearer in zip(TARGETS, (1, 1, 4), strict=True):
        samples[short][target] = Sample([0.010] * 3, [0.001] * 3, [0.005], chunks=10)
        samples[long][target] = Sample([0.010 + 0.09 * dearer] * 3, [0.001] * 3, [0.005 + 0.018 * dearer], chunks=100)
    for stream in PER_CHUNK[1][1:]:
        samples[stream] = samples[short] if "short" in stream else samples[long]
    row = next(row for row in figures(samples, {}).rows if row.name == name)
    assert row.sabir_ms == pytest.approx(4.0)
    assert row.sabir_cpu_ms == pytest.approx(0.8)
    assert row.ratio == pytest.approx(4.0)
    assert row.added_ms == pytest.approx(3.0)


@pytest.mark.slow
def test_a_quick_run_measures_every_row_at_every_server(tmp_path: Path) -> None:
    kept = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--no-cold", "--json", str(kept)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    rows = json.loads(kept.read_text())["rows"]
    assert len(rows) == len(EXCHANGES) - 4 + len(PER_CHUNK)
    assert all(row["direct_ms"] > 0 and row["sabir_cpu_ms"] > 0 for row in rows)
    assert all(row["name"] in run.stdout for row in rows)
