"""Every exchange at every server, in rounds, so that what the machine does meanwhile falls on all of them alike."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import bare
from benchmarks.load import Caller, Sample, measure
from benchmarks.orgs import sabir_keys
from benchmarks.process import Server, serving, simulator
from benchmarks.scenarios import EXCHANGES, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TARGETS = ("direct", "bare", "sabir")
_PATHS = {"openai": ("OPENAI_BASE_URL", "/chat/completions"), "anthropic": ("ANTHROPIC_BASE_URL", "/v1/messages")}


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to measure: `calls` of each exchange at each server in each of `rounds`; long streams get a tenth."""

    rounds: int
    calls: int


@dataclass(frozen=True, slots=True)
class Bench:
    """What stands ready to be asked."""

    urls: dict[str, str]
    bare: Server
    sabir: Server
    unlogged: Server
    keys: dict[str, str]

    def caller(self, target: str, exchange: Exchange) -> Caller:
        if target == "direct":
            headers = exchange.headers() | {"anthropic-version": "2023-06-01"}
            return Caller(direct_url(self.urls, exchange), headers, lambda _: exchange.native())
        server = self.server(target, exchange)
        assert server is not None
        key = self.keys.get(exchange.key) if target == "sabir" else None
        headers = exchange.headers() | ({"authorization": f"Bearer {key}"} if key else {})
        return Caller(f"http://127.0.0.1:{server.port}/v1/chat/completions", headers, exchange.chat)

    def server(self, target: str, exchange: Exchange) -> Server | None:
        return {"bare": self.bare, "sabir": self.sabir if exchange.logged else self.unlogged}.get(target)


def direct_url(urls: dict[str, str], exchange: Exchange) -> str:
    variable, path = _PATHS[exchange.provider]
    return urls[variable] + path


@contextmanager
def bench() -> Iterator[Bench]:
    """The simulator, the bare route, Sabir, and one that keeps no records, each a process of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = stack.enter_context(simulator())
        answers = folder / "answers.json"
        answers.write_text(json.dumps({exchange.name: _answer(urls, exchange) for exchange in EXCHANGES}))
        floor = stack.enter_context(serving("benchmarks.bare", env={bare.ANSWERS: str(answers)}))
        cache = str(folder / "cache.db")
        env = {**urls, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        serve = ("handlers.cli", "serve", "--quiet", "--cache", cache)
        sabir = stack.enter_context(serving(*serve, env=env))
        unlogged = stack.enter_context(serving(*serve, env={**env, "SABIR_REQUEST_DAYS": "0"}))
        yield Bench(urls, floor, sabir, unlogged, sabir_keys(env))


def _answer(urls: dict[str, str], exchange: Exchange) -> list[str]:
    """What OpenAI would say to the exchange, split as it would be sent."""
    asked = Exchange(exchange.name, prompt=exchange.prompt, stream=exchange.stream)
    caller = Caller(direct_url(urls, asked), asked.headers(), lambda _: asked.native())
    text = caller.fetch().decode()
    caller.close()
    return [f"{event}\n\n" for event in text.split("\n\n") if event] if exchange.stream else [text]


def run(bench: Bench, effort: Effort, advance: Callable[[], None]) -> dict[str, dict[str, Sample]]:
    """Samples by exchange and target. `advance` is called after each round of each exchange."""
    results: dict[str, dict[str, Sample]] = {}
    for exchange in EXCHANGES:
        samples = results[exchange.name] = {target: Sample() for target in TARGETS}
        callers = {target: bench.caller(target, exchange) for target in TARGETS}
        for caller in callers.values():  # connections, imports and, for a hit, the entry: none of it is measured
            for _ in range(3):
                caller.call()
        calls = max(2, effort.calls // 10) if exchange.name.startswith("long") else effort.calls
        for _ in range(effort.rounds):
            for target, caller in callers.items():
                _round(bench, exchange, target, caller, samples[target], calls)
            advance()
        for caller in callers.values():
            caller.close()
    return results


def _round(bench: Bench, exchange: Exchange, target: str, caller: Caller, sample: Sample, calls: int) -> None:
    server = bench.server(target, exchange)
    cached = ("HIT" if exchange.cache == "hit" else "MISS") if target == "sabir" else None
    measure(caller, sample, calls, cpu=server.cpu if server else None, cached=cached)
