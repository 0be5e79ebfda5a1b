"""``python -m infra.gateway``: the built bundle behind a gateway that streams, on this machine, without containers."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shutil
import signal
import sys
from pathlib import Path

from infra.bundle.bytecode import find_interpreter
from infra.gateway.journal import Moment
from infra.gateway.limits import Limits
from infra.gateway.sandbox import WRAPPER, Function
from infra.gateway.server import Gateway

GUIDE = """\
Plays API Gateway and the Lambda Runtime API around a bundle, so that streaming can be seen as on AWS.

  sam build --parameter-overrides Architecture=x86_64     # or: python -m infra.bundle --arch x86_64
  python -m infra.gateway --bundle .aws-sam/build/ProxyFunction
  curl -N http://127.0.0.1:9000/prod/v1/chat/completions -H 'authorization: Bearer ...' -d '{...}'

The bundle must be built for this machine's processor and for a Python that is here, as its wheels hold compiled code;
for another Python: python -m infra.bundle --arch x86_64 --python 3.12. A checkout works as a bundle, too: --bundle .

What it does as AWS does: one request at a time for each sandbox (others wait; AWS would start more sandboxes), the
event's 6 MB, the stream's idle limit, the function's timeout, a function that runs on when its client has gone, and
a cut connection when an answer breaks off. What it does not: IAM, throttling, TLS, bandwidth limits.
"""

WORTH_SAYING = frozenset(
    {Moment.INIT_FAILED, Moment.ERROR_POSTED, Moment.ANSWER_CUT, Moment.TIMED_OUT, Moment.SANDBOX_EXITED}
)


def parser() -> argparse.ArgumentParser:
    cli = argparse.ArgumentParser(
        prog="python -m infra.gateway", description=GUIDE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cli.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="the unpacked bundle")
    cli.add_argument("--port", type=int, default=9000, help="on 127.0.0.1; 0: any free one (default: %(default)s)")
    cli.add_argument("--python", metavar="PATH", help="interpreter (default: one of the bundle's version)")
    cli.add_argument("--handler", default="handlers.proxy.handler", help="as in the template (default: %(default)s)")
    cli.add_argument("--sandboxes", type=int, default=2, metavar="N", help="how many run (default: %(default)s)")
    cli.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="for the function; may be repeated"
    )
    cli.add_argument("--stage", default="prod", help="first part of every path (default: %(default)s)")
    cli.add_argument("--function-url", action="store_true", help="play a function URL instead of a REST API")
    cli.add_argument("--buffered", action="store_true", help="play an API whose response transfer mode is BUFFERED")
    cli.add_argument("--timeout", type=float, default=900.0, metavar="S", help="the function's (default: %(default)s)")
    cli.add_argument("--idle-timeout", type=float, default=300.0, metavar="S", help="a stream's (default: %(default)s)")
    return cli


async def serve(options: argparse.Namespace) -> int:
    env = dict(pair.partition("=")[::2] for pair in options.env)
    function = Function(options.bundle.resolve(), options.python, options.handler, env=env)
    limits = Limits(function=options.timeout, idle=options.idle_timeout)
    gateway = Gateway(
        function,
        options.sandboxes,
        streaming=not options.buffered,
        function_url=options.function_url,
        stage=options.stage,
        port=options.port,
        limits=limits,
    )
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with gateway:
        say(f"listening on {gateway.url}, starting {options.sandboxes} sandboxes ...")
        announcing = asyncio.create_task(_announce(gateway))
        await stop.wait()
        announcing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await announcing
        say("stopping")
    return 0


async def _announce(gateway: Gateway) -> None:
    """A line when the first sandbox is up, and for everything that goes wrong later, as it happens."""
    ready = False
    async for entry in gateway.journal.follow():
        if entry.moment is Moment.NEXT_ASKED and not ready:
            ready = True
            say(f"ready: base URL {gateway.url}/v1")
        elif entry.moment in WORTH_SAYING:
            say(f"sandbox {entry.sandbox}: {entry.moment} {entry.detail}".rstrip())


def interpreter_for(bundle: Path, chosen: str | None) -> str | None:
    """An absolute path, as a sandbox has another working directory; None when there is no such Python here."""
    if chosen is not None:
        found = shutil.which(chosen)
        return str(Path(found).absolute()) if found else None
    try:
        version = json.loads((bundle / "bundle.json").read_text())["python"]
    except FileNotFoundError:
        return sys.executable
    return find_interpreter(version)


def say(text: str) -> None:
    sys.stderr.write(f"gateway: {text}\n")
    sys.stderr.flush()


def main() -> int:
    options = parser().parse_args()
    if not (options.bundle / WRAPPER).is_file():
        say(f"{options.bundle} holds no {WRAPPER}: it is no bundle. `sam build` makes one.")
        return 2
    options.python = interpreter_for(options.bundle, options.python)
    if options.python is None:
        say("the Python that this bundle needs is not on this machine; see --help for building it for another one")
        return 2
    return asyncio.run(serve(options))


if __name__ == "__main__":
    sys.exit(main())
