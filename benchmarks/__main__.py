"""`python -m benchmarks`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import coldstart
from benchmarks.coldstart import Bundle
from benchmarks.figures import Figures, figures
from benchmarks.load import WrongAnswer
from benchmarks.process import ROOT, DidNotStart
from benchmarks.report import show
from benchmarks.rounds import Effort, bench, run
from benchmarks.scenarios import EXCHANGES

BASELINE = Path(__file__).parent / "baseline.json"

_HELP = """\
Measures what Sabir costs, on this machine, in one run: for a whole answer, for each chunk of a stream, for a cache
hit, and for a cold start. Each is measured at three servers in turns:

  direct   the provider simulator itself, without delays: what the answer takes with nobody in between
  bare     a Starlette route that sends the same bytes from memory: what Python's ASGI stack takes
  sabir    `sabir serve` in front of the simulator

The figure to look at is the last one: Sabir's CPU time as a ratio to the bare route's. It hardly changes from machine
to machine, so it can be compared with an earlier run (--compare); milliseconds can not.

examples:
  python -m benchmarks --quick                       # ten seconds, to see that a change is not a disaster
  python -m benchmarks                               # a minute or two, beside benchmarks/baseline.json where it exists
  python -m benchmarks --json benchmarks/baseline.json   # keep this run as the new baseline
  python -m benchmarks --bundle .aws-sam/build/ProxyFunction   # cold start of the built bundle, with its byte code
"""


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description=_HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the exchanges: coarse, and enough to try")
    parser.add_argument("--no-cold", action="store_true", help="leave out the cold starts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument(
        "--compare", type=Path, metavar="FILE", default=BASELINE, help="an earlier run (default: the baseline)"
    )
    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="DIR",
        default=ROOT,
        help="what the Lambda entry runs from (default: the checkout)",
    )
    parser.add_argument("--python", default=sys.executable, help="the interpreter of that bundle (default: this one)")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    console = Console()
    earlier = json.loads(options.compare.read_text(encoding="utf-8")) if options.compare.exists() else None
    try:
        measured = _measure(options, console)
    except (DidNotStart, WrongAnswer) as fault:
        Console(stderr=True).print(f"[red]not measured:[/] {fault}", highlight=False)
        return 1
    show(console, measured, earlier)
    if options.json:
        options.json.write_text(json.dumps(measured.to_json(), indent=2) + "\n", encoding="utf-8")
        console.print(f"written to {options.json}")
    return 0


def _measure(options: argparse.Namespace, console: Console) -> Figures:
    effort = Effort(rounds=3, calls=20) if options.quick else Effort(rounds=9, calls=100)
    starts = 3 if options.quick else 9
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress, bench() as ready:
        exchanges = progress.add_task("exchanges", total=len(EXCHANGES) * effort.rounds)
        samples = run(ready, effort, lambda: progress.advance(exchanges))
        if options.no_cold:
            return figures(samples, {})
        bundle = Bundle(options.bundle.resolve(), options.python)
        cold = progress.add_task("cold starts", total=3 * (starts + 1))
        begun = coldstart.measure(ready.urls, starts, bundle, lambda: progress.advance(cold))
        return figures(samples, asyncio.run(begun))


if __name__ == "__main__":
    sys.exit(main())
