"""The `sabir` command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from handlers.commands.audit import audit
from handlers.commands.bootstrap import bootstrap
from handlers.commands.endpoint import endpoint
from handlers.commands.key import key
from handlers.commands.local_store import local_environment
from handlers.commands.logs import logs
from handlers.commands.model import model
from handlers.commands.org import org
from handlers.commands.usage import usage

_SERVE = """Run the proxy on this machine, for your own daily use.

Point any OpenAI SDK at the base URL it prints; name any model of any provider. Repeated deterministic calls
(temperature 0, or a seed) come from an encrypted cache on disk.

\b
Keys: your client's own key goes to the provider of the model it names. If you would rather keep keys out
of your code, start Sabir with OPENAI_API_KEY, ANTHROPIC_API_KEY, PERPLEXITY_API_KEY … in its environment
and let the client present the key "env". They serve this machine alone: not with a --host
that others can reach.

\b
Providers elsewhere: OPENAI_BASE_URL, ANTHROPIC_BASE_URL, PERPLEXITY_BASE_URL … as in the official SDKs.

\b
Examples:
  sabir serve
  sabir serve --port 9000 --cache memory
  OPENAI_API_KEY=sk-… sabir serve
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sabir")
def main() -> None:
    """Sabir: one base URL for every AI provider, with an end-to-end encrypted cache.

    `sabir serve` needs nothing else: clients bring their own provider keys. For a team, with keys of its own:

    \b
      sabir bootstrap --org acme                               an org and its first key
      sabir endpoint add acme openai-eu --provider openai      a provider's secret
      sabir endpoint test acme openai-eu                       does it work?
      sabir key create acme --name ada --usd-per-month 50      a key with a budget
      sabir model set acme fast --candidate gpt-4o-mini \\
          --candidate claude-haiku-4-5 --strategy fastest      a name of your own

    What happened, and what it cost:

    \b
      sabir logs -f                                            each request, as it comes
      sabir usage --by model --since 7d                        requests, tokens, money

    These work on this machine's embedded store; with --stack NAME on a stack in your AWS account, with --url URL on any
    Sabir. Exit status: 0 done, 1 refused, 2 wrong usage, 3 out of reach, so try again.
    """


for _group in (org, endpoint, key, model, logs, usage, audit, bootstrap):
    main.add_command(_group)


@main.command(help=_SERVE)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8787,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--cache",
    "cache_path",
    metavar="PATH",
    default=None,
    help='SQLite file of the sealed cache, or "memory". [default: the user cache folder, sabir/cache.db]',
)
@click.option("--quiet", is_flag=True, help="No line for each request.")
def serve(host: str, port: int, cache_path: str | None, *, quiet: bool) -> None:
    from handlers.local import run
    from infra.settings import Misconfigured

    env = local_environment(os.environ)
    env.pop("SABIR_CACHE_TABLE", None)
    if cache_path == "memory":
        env.pop("SABIR_CACHE_PATH", None)
    else:
        path = Path(cache_path or env.get("SABIR_CACHE_PATH") or _default_cache(env)).expanduser()
        _make_folder(path)
        env["SABIR_CACHE_PATH"] = str(path)
    try:
        run(env, host=host, port=port, quiet=quiet)
    except Misconfigured as fault:
        raise click.ClickException(f"{fault}.") from None
    except OSError as fault:
        raise click.ClickException(f"cannot listen on {host} port {port}: {fault.strerror or fault}.") from None


def _default_cache(env: dict[str, str]) -> Path:
    """Where the platform keeps what can be made again: XDG Base Directory Specification."""
    root = Path(env["XDG_CACHE_HOME"]) if env.get("XDG_CACHE_HOME") else Path.home() / ".cache"
    return root / "sabir" / "cache.db"


def _make_folder(path: Path) -> None:
    """Now rather than at the first put: a cache that cannot be would only show as one that never hits."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as fault:
        raise click.ClickException(f"cannot make the folder of the cache, {path.parent}: {fault.strerror}.") from None


if __name__ == "__main__":
    sys.exit(main())
