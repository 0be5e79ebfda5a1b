"""`python -m tests.simulator`: the providers on loopback, until interrupted."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from tests.simulator.control import Control
from tests.simulator.providers import PROVIDERS
from tests.simulator.simulator import Simulator

_HELP = """\
OpenAI, Anthropic and Perplexity on 127.0.0.1: their wire formats and their rules, with the delays of a model.

Prints one NAME=URL line for each provider and for the control port, then the line "ready". The names are the
variables that the official SDKs (and Sabir) read, so a shell can take them over as they are:

    eval "$(python -m tests.simulator | sed '/^ready$/q; s/^/export /' )"

Any API key is accepted, unless "invalid" is part of it. What to make go wrong is asked for on the control port:

    curl -d '{"faults": [{"kind": "Status", "status": 429, "retry_after": "1"}]}' $SIMULATOR_CONTROL_URL/next
    curl $SIMULATOR_CONTROL_URL/requests
"""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        "python -m tests.simulator", description=_HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--port", type=int, default=0, help="the first of four ports in a row; 0 (default): any that are free"
    )
    parser.add_argument("--first-token-ms", type=float, default=400.0, help="how long the model thinks (default: 400)")
    parser.add_argument(
        "--per-token-ms", type=float, default=15.0, help="how long each further token takes (default: 15)"
    )
    options = parser.parse_args(arguments)
    asyncio.run(_serve(options.port, options.first_token_ms, options.per_token_ms))


async def _serve(port: int, first_token_ms: float, per_token_ms: float) -> None:
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    ports = {name: port + offset for offset, name in enumerate(PROVIDERS) if port}
    simulator = Simulator(first_token_ms=first_token_ms, per_token_ms=per_token_ms, ports=ports)
    control = Control(simulator).listener
    async with simulator:
        await control.start(port and port + len(PROVIDERS))
        urls = simulator.environment() | {"SIMULATOR_CONTROL_URL": control.origin}
        lines = [f"{name}={url}" for name, url in urls.items()]
        sys.stdout.write("\n".join([*lines, "ready", ""]))
        sys.stdout.flush()
        await stopped.wait()
        await control.stop()


if __name__ == "__main__":
    main()
