"""`make record PROVIDER=… CASE=… MODEL=…`, or `python -m tests.recorder`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from providers.errors import SabirError
from providers.registry import AVAILABLE
from tests.recorder.asks import ASKS
from tests.recorder.live import exchange, variable
from tests.recorder.scrub import secrets_of
from tests.recorder.tape import CASES, SecretFound, keep, path_of, written

if TYPE_CHECKING:
    from collections.abc import Mapping

_HELP: Final = """\
Asks a live provider one question and writes what was sent and what came back, chunk by chunk, to
tests/wire/cases/PROVIDER/CASE.json. `make test` replays every file there.

The key is read from PROVIDER_API_KEY and the address from PROVIDER_BASE_URL, as `sabir serve` reads them. It costs what
one short answer costs. The file is the project's and public: keys, account, organisation and request ids and cookies
are taken out (tests/recorder/scrub.py says how), and where a secret of the environment is still found there is no file.
Read it before you commit it all the same: it holds the prompt and the answer.

  a case that is there is asked again as it was:        make record PROVIDER=groq CASE=text
  a new one asks what its name says:                    make record PROVIDER=groq CASE=tools-stream MODEL=openai/gpt-oss-20b
  or what a file says, a body in OpenAI's dialect:      make record PROVIDER=groq CASE=odd ARGS="--ask body.json"

Names that say something: {asks}.
"""


class Unclear(Exception):
    """What is to be recorded cannot be told from the command."""


def main(arguments: list[str] | None = None, environment: Mapping[str, str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    environment = os.environ if environment is None else environment
    try:
        asyncio.run(_record(options, environment))
    except (Unclear, SecretFound) as reason:
        return _failed(str(reason))
    except SabirError as error:
        return _failed(f"{options.provider} could not be asked: {error.message}")
    return 0


async def _record(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    name, path = options.provider, path_of(options.folder, options.provider, options.case)
    if name not in AVAILABLE:
        raise Unclear(f"There is no provider {name!r}; there are {', '.join(sorted(AVAILABLE))}.")
    key = environment.get(variable(name, "API_KEY"), "")
    if not key:
        raise Unclear(f"The key is missing: set {variable(name, 'API_KEY')}.")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", options.case):
        raise Unclear("A case is named in lower-case letters, digits, dots and hyphens.")
    held = await exchange(name, _asked(options, path), environment, _say)
    keep(path, held, secrets_of(environment, key))
    _say(f"wrote {path}")


def _asked(options: argparse.Namespace, path: Path) -> dict[str, Any]:
    before = written(path)
    if options.ask is not None:
        try:
            asked: dict[str, Any] | None = dict(json.loads(options.ask.read_bytes()))
        except (OSError, ValueError, TypeError) as fault:
            raise Unclear(f"{options.ask} holds no JSON object: {type(fault).__name__}.") from None
    else:
        asked = before or ASKS.get(options.case)
    if asked is None:
        raise Unclear(f"Nobody has said what {options.case!r} asks: name one of {', '.join(ASKS)}, or give --ask.")
    if options.model is not None:
        asked = {**asked, "model": options.model}
    if "model" not in asked:
        raise Unclear("A new case needs a model: MODEL=…, or --model.")
    return asked


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "make record",
        description=_HELP.format(asks=", ".join(ASKS)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("provider", help="as in the registry: openai, groq, bedrock …")
    parser.add_argument("case", help="the file's name")
    parser.add_argument("--model", help="the provider's own name of a model")
    parser.add_argument("--ask", type=Path, help="a file with a request body in OpenAI's dialect")
    parser.add_argument("--folder", type=Path, default=CASES, help="where the cases are (default: tests/wire/cases)")
    return parser


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _failed(reason: str) -> int:
    _say(reason)
    return 1


if __name__ == "__main__":
    sys.exit(main())
