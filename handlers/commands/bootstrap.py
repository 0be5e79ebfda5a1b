"""`sabir bootstrap`: from `sam deploy` to the first answer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import click

from handlers.commands.api import Local, Refused, Unreachable
from handlers.commands.key import issued_lines
from handlers.commands.session import Session, admin_command

if TYPE_CHECKING:
    from handlers.commands.api import AdminApi, Answer, Place

_BOOTSTRAP = """Make a deployed Sabir ready to use: an org, and its first key.

Finds the stack's outputs with your AWS credentials, waits until the admin API answers, creates ORG if it is not there
yet and issues a key if it has none. It may be run again: what is there stays as it is. Without --stack it does the same
on this machine, for `sabir serve`.

\b
Examples:
  sabir bootstrap --stack sabir-prod --org acme
  sabir bootstrap --org acme
"""

_LOCAL_BASE_URL: Final = "http://127.0.0.1:8787/v1"

# A new API answers 403 or 404 until all of API Gateway has heard of it.
_NOT_YET: Final = frozenset({403, 404, 429})
_LONGEST_PAUSE: Final = 5.0


@click.command(help=_BOOTSTRAP)
@click.option("--org", "org_id", metavar="ORG", required=True, help="The org to begin with.")
@click.option("--key-name", default="first", show_default=True, help="The name of its first key.")
@click.option("--wait", type=click.FloatRange(0, 3600), default=180, show_default=True, metavar="SECONDS")
@admin_command
def bootstrap(session: Session, org_id: str, key_name: str, wait: float) -> None:
    place, base_url = _find(session)

    async def work(api: AdminApi) -> Answer:
        await _until_it_answers(api, wait)
        created = await _org(api, org_id)
        key = await _key(api, org_id, key_name)
        return {"base_url": base_url, "org_id": org_id, "org_created": created, "key": key}

    made = session.run(work, place)
    session.show(made, *_lines(made, session.stack))


def _find(session: Session) -> tuple[Place | None, str]:
    """Where the API is, and what clients take as their base URL."""
    if session.stack is not None:
        from handlers.commands.stack import read_stack

        _progress(f"Reading the stack {session.stack} …")
        stack = read_stack(session.stack)
        return stack.admin, stack.base_url
    if session.url is not None:
        return None, session.url.rstrip("/").removesuffix("/v1").removesuffix("/admin") + "/v1"
    return Local(), _LOCAL_BASE_URL


async def _until_it_answers(api: AdminApi, wait: float) -> None:
    """Raises what the API says last where `wait` seconds do not help, and at once what no waiting will change."""
    until = time.monotonic() + wait
    pause = 0.25
    while True:
        try:
            await api.get("orgs", limit=1)
        except Refused as refused:
            if refused.status not in _NOT_YET and not isinstance(refused, Unreachable):
                raise
            if time.monotonic() + pause > until:
                raise
            _progress(f"Waiting for the admin API … ({refused.status})")
        else:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


async def _org(api: AdminApi, org_id: str) -> bool:
    """Whether it had to be created."""
    try:
        await api.get("orgs", org_id)
    except Refused as refused:
        if refused.code != "org_not_found":
            raise
        await api.post("orgs", body={"org_id": org_id})
        return True
    return False


async def _key(api: AdminApi, org_id: str, name: str) -> Answer | None:
    """The first key, or None where there is one that works already."""
    if any(each["status"] == "active" for each in await api.every("orgs", org_id, "keys")):
        return None
    return await api.post("orgs", org_id, "keys", body={"name": name})


def _progress(line: str) -> None:
    # Beside the result, which may go into a file.
    click.echo(line, err=True)


def _lines(made: Answer, stack: str | None) -> list[str]:
    org_id, at = made["org_id"], f" --stack {stack}" if stack else ""
    key = issued_lines(made["key"]) if made["key"] else [f"{org_id} has a key already; sabir key create issues more."]
    next_steps = [
        f"  sabir endpoint add {org_id} NAME --provider PROVIDER{at}",
        f"  sabir endpoint test {org_id} NAME{at}",
        *([] if stack else ["  sabir serve"]),
    ]
    return [
        f"The org {org_id} {'is created' if made['org_created'] else 'was there already'}.",
        *key,
        "",
        f"Base URL for your clients: {made['base_url']}",
        "Next, give it a provider's secret and try it out:",
        *next_steps,
    ]
