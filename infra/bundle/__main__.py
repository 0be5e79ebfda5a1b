"""``python -m infra.bundle``: see the package's docstring."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from infra.bundle.bytecode import compile_all, find_interpreter
from infra.bundle.sources import copy_sources
from infra.bundle.target import PROCESSORS, Target
from infra.bundle.wheels import InstallError, install, prune

ROOT = Path(__file__).parents[2]
FACTS = "bundle.json"
# Lambda's limit for a function's code and layers, unpacked.
MAX_UNPACKED = 250 * 1024 * 1024

GUIDE = """\
Builds the Lambda bundle: our packages without the tools, the wheels of requirements.lock for the target's processor
and Python (nothing is compiled here, so any machine will do), and byte code.

  python -m infra.bundle                                # build/proxy, Python 3.13 on arm64, as the template has it
  python -m infra.bundle --arch x86_64 --out /tmp/b     # then: python -m infra.gateway --bundle /tmp/b

Byte code can be made only by a Python of the target's version. If none is found the bundle works, but each cold start
compiles it anew; the last lines say which it is.
"""


class BuildError(Exception):
    """The bundle cannot be built; the text says what to do."""


def build(out: Path, target: Target, interpreter: str | None) -> None:
    """Makes ``out`` anew. ``interpreter`` compiles; None leaves the byte code out.

    Raises:
        BuildError, InstallError: with what to do about it.
    """
    _make_room(out)
    say(f"installing {(ROOT / 'requirements.lock').name} for Python {target.python} on {target.arch} ...")
    installer = install(ROOT / "requirements.lock", out, target)
    prune(out)
    files = copy_sources(ROOT, out)
    say(f"wheels by {installer}; {files} files of our own")
    compiled = 0
    if interpreter is not None:
        say(f"compiling with {interpreter} ...")
        compiled = compile_all(out, interpreter)
    facts = {"python": target.python, "arch": target.arch, "bytecode": bool(compiled)}
    (out / FACTS).write_text(json.dumps(facts) + "\n")
    _report(out, target, compiled)


def _make_room(out: Path) -> None:
    if out.exists() and any(out.iterdir()):
        if not (out / FACTS).is_file():
            raise BuildError(f"{out} is not empty and holds no bundle: remove it, or choose another --out")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)


def _report(out: Path, target: Target, compiled: int) -> None:
    unpacked = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    say(f"{out}: {unpacked / 1e6:.1f} MB unpacked, {_zipped(out) / 1e6:.1f} MB zipped")
    if unpacked > MAX_UNPACKED:
        raise BuildError("that is more than Lambda takes")
    if compiled:
        say(f"byte code: {compiled} modules for Python {target.python}")
    else:
        say(f"byte code: NONE, so every cold start will compile. A Python {target.python} on this machine makes it")


def _zipped(out: Path) -> int:
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(out.rglob("*")):
                archive.write(path, path.relative_to(out))
        return file.tell()


def say(text: str) -> None:
    # Standard output, which is what `sam build` shows of its make.
    sys.stdout.write(f"bundle: {text}\n")
    sys.stdout.flush()


def parser() -> argparse.ArgumentParser:
    cli = argparse.ArgumentParser(
        prog="python -m infra.bundle", description=GUIDE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cli.add_argument("--out", type=Path, default=ROOT / "build" / "proxy", metavar="DIR", help="made anew")
    cli.add_argument("--python", default="3.13", help="of the runtime (default: %(default)s)")
    cli.add_argument("--arch", default="arm64", choices=sorted(PROCESSORS), help="(default: %(default)s)")
    cli.add_argument("--interpreter", metavar="PATH", help="that compiles; found by itself if it is anywhere usual")
    cli.add_argument("--no-bytecode", action="store_true", help="leave it out, to compare cold starts")
    return cli


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    target = Target(options.python, options.arch)
    interpreter = options.interpreter or find_interpreter(options.python)
    try:
        build(options.out.resolve(), target, None if options.no_bytecode else interpreter)
    except (BuildError, InstallError) as exc:
        sys.stderr.write(f"bundle: {exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
