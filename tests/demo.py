"""`make demo`: the README's story, run for real on this machine with no provider key.

Starts a simulator that speaks the providers' wire formats with the delays of a real model, starts `sabir serve` in
front of it, and runs the official `openai` SDK against one model of each provider, whole and streamed, twice each.
Exits with 1 when a repeat does not come from the cache.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from openai import AsyncOpenAI
from rich import box
from rich.console import Console
from rich.table import Table

from tests.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MODELS: Final = (
    ("gpt-3.5-turbo", "openai", "sk-demo-openai"),
    ("claude-instant-1.2", "anthropic", "sk-ant-demo"),
    ("mistral-7b-instruct", "perplexity", "pplx-demo"),
)
QUESTION: Final = "What is a proxy?"


@dataclass(frozen=True, slots=True)
class Run:
    """Times in milliseconds, as the client's own clock has them."""

    first_ms: float
    total_ms: float
    verdict: str
    text: str


async def whole(client: AsyncOpenAI, model: str) -> Run:
    started = time.perf_counter()
    answer = await client.chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": QUESTION}], seed=1
    )
    elapsed = (time.perf_counter() - started) * 1000
    text = answer.parse().choices[0].message.content or ""
    return Run(elapsed, elapsed, answer.headers["x-bt-cached"], text)


async def streamed(client: AsyncOpenAI, model: str) -> Run:
    started = time.perf_counter()
    first = 0.0
    pieces: list[str] = []
    answer = await client.chat.completions.with_raw_response.create(
        # A question of its own, because whole and streamed answers share one cache entry.
        model=model,
        messages=[{"role": "user", "content": QUESTION + " In a few words, please."}],
        seed=1,
        stream=True,
    )
    async for chunk in answer.parse():
        piece = chunk.choices[0].delta.content if chunk.choices else None
        if piece:
            first = first or (time.perf_counter() - started) * 1000
            pieces.append(piece)
    return Run(first, (time.perf_counter() - started) * 1000, answer.headers["x-bt-cached"], "".join(pieces))


@asynccontextmanager
async def sabir(providers: dict[str, str]) -> AsyncIterator[str]:
    """`sabir serve` as a process of its own; yields its base URL once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(  # noqa: ASYNC220 - before there is anything to wait for
            [
                sys.executable,
                "-m",
                "handlers.cli",
                "serve",
                "--port",
                str(port),
                "--cache",
                f"{folder}/cache.db",
                "--quiet",
            ],
            env={**os.environ, **providers, "XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder},
            stdout=subprocess.DEVNULL,
        )
        try:
            await _answering(port, process)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            process.wait(10)


async def _answering(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until the port takes connections; for at most 30 s."""
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise SystemExit("sabir serve did not start")


async def demo(console: Console) -> int:
    table = Table(
        title=f'"{QUESTION}" asked twice, with seed=1, through the openai SDK',
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for column in ("model", "provider", "mode", "cache"):
        table.add_column(column, no_wrap=True)
    for column in ("token ms", "total ms", "ratio"):
        table.add_column(column, justify="right", no_wrap=True)
    failures = 0
    async with Simulator(first_token_ms=400, per_token_ms=15) as simulator, sabir(simulator.environment()) as base_url:
        console.print(f"simulated providers and [bold]sabir serve[/] are up; base_url = {base_url}\n")
        for model, provider, key in MODELS:
            client = AsyncOpenAI(base_url=base_url, api_key=key, max_retries=0)
            for mode, ask in (("whole", whole), ("stream", streamed)):
                with console.status(f"asking {model} twice, {mode} ..."):
                    first, again = await ask(client, model), await ask(client, model)
                failures += not _repeated(first, again)
                _rows(table, (model, provider, mode), first, again)
            await client.close()
            table.add_section()
    console.print(table)
    if failures:
        console.print(f"[bold red]{failures} of {2 * len(MODELS)} repeats did not come from the cache.[/]")
    else:
        console.print(f"[bold green]All {2 * len(MODELS)} repeats came from the cache.[/]")
    return 1 if failures else 0


def _repeated(first: Run, again: Run) -> bool:
    return (first.verdict, again.verdict) == ("MISS", "HIT") and first.text == again.text != ""


def _rows(table: Table, labels: tuple[str, str, str], first: Run, again: Run) -> None:
    for run in (first, again):
        verdict = "[green]HIT[/]" if run.verdict == "HIT" else run.verdict
        ratio = f"{first.total_ms / run.total_ms:.0f}x" if run is again else ""
        table.add_row(*labels, verdict, f"{run.first_ms:.1f}", f"{run.total_ms:.1f}", ratio)


def main() -> None:
    sys.exit(asyncio.run(demo(Console())))


if __name__ == "__main__":
    main()
