"""The figures as tables, beside those of an earlier run where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

    from benchmarks.figures import Figures, Start

Earlier = dict[str, Any] | None


def show(console: Console, figures: Figures, earlier: Earlier) -> None:
    console.print(_requests(figures, earlier))
    if figures.starts:
        console.print(_cold_starts(figures.starts, earlier))
        for start in figures.starts:
            dearest = ", ".join(f"{name} {cost:.0f}" for name, cost in start.dearest.items())
            console.print(f"  imports of [bold]{start.name}[/], ms: {dearest}", highlight=False, soft_wrap=True)
    console.print(f"[dim]{figures.machine}. Ratios travel between machines, milliseconds do not.[/]", highlight=False)


def _requests(figures: Figures, earlier: Earlier) -> Table:
    table = Table(title="Per exchange and per chunk, in milliseconds", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for heading in ("direct", "bare", "Sabir", "added", "CPU bare", "CPU Sabir", "ratio"):
        table.add_column(heading, justify="right")
    if earlier:
        table.add_column("was", justify="right")
    before = _ratios(earlier, "rows")
    for row in figures.rows:
        times = (row.direct_ms, row.bare_ms, row.sabir_ms, row.added_ms, row.bare_cpu_ms, row.sabir_cpu_ms)
        was = [_was(row.ratio, before.get(row.name))] if earlier else []
        table.add_row(row.name, *map(_ms, times), f"[bold]{row.ratio:.1f}x[/]", *was)
    return table


def _cold_starts(starts: list[Start], earlier: Earlier) -> Table:
    table = Table(title="Cold start to the first answer, in milliseconds", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for heading in ("wall", "CPU", "imports", "ratio"):
        table.add_column(heading, justify="right")
    if earlier:
        table.add_column("was", justify="right")
    before = _ratios(earlier, "starts")
    for start in starts:
        was = [_was(start.ratio, before.get(start.name))] if earlier else []
        cells = (start.wall_ms, start.cpu_ms, start.imports_ms)
        table.add_row(start.name, *(f"{cell:.0f}" for cell in cells), f"[bold]{start.ratio:.2f}x[/]", *was)
    return table


def _ms(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"


def _ratios(earlier: Earlier, section: str) -> dict[str, float]:
    return {entry["name"]: entry["ratio"] for entry in (earlier or {}).get(section, [])}


def _was(ratio: float, before: float | None) -> str:
    """The earlier ratio, marked where the difference is more than two runs on a quiet machine show."""
    if before is None:
        return "new"
    colour = "red" if ratio > before * 1.15 else "green" if ratio < before * 0.85 else "dim"
    return f"[{colour}]{before:.2f}x[/]"
