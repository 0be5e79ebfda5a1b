"""`sabir endpoint`: an org's provider secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from handlers.commands.api import Refused
from handlers.commands.secret_input import headers_from_env, read_secret, secret_options
from handlers.commands.session import Session, admin_command
from handlers.commands.values import pairs_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.commands.api import AdminApi, Answer

_ADD = """Add the endpoint NAME to ORG: a provider, its secret, and what it may be used for.

The secret is asked for without being shown, or comes from a variable or a file; it is never an argument. It goes into
the secret store, and no command shows it again.

\b
Examples:
  sabir endpoint add acme openai-eu --provider openai
  sabir endpoint add acme openai-us --provider openai --weight 3 --from-env OPENAI_API_KEY
  pass show anthropic | sabir endpoint add acme claude --provider anthropic --secret-file -
  sabir endpoint add acme local --provider ollama --base-url http://10.0.0.5:11434/v1 --model 'llama*'
"""

_SET = """Change the endpoint NAME of ORG. What is not named stays; a list that is named replaces the whole list.

With another base URL, provider or region the secret is needed again: a secret never moves to another address by itself.

\b
Examples:
  sabir endpoint set acme openai-us --weight 0
  sabir endpoint set acme openai-us --disable
"""

_TEST = """Make one real, tiny call with the secret of the endpoint NAME and say what came back.

It costs as much as 16 tokens do. Without --model a model that the endpoint names is asked, or a cheap one.

\b
Examples:
  sabir endpoint test acme openai-eu
  sabir endpoint test acme openai-eu --model gpt-4o-mini
"""

_ROTATE = """Replace the secret of the endpoint NAME. The old one is kept as the previous version.

Running proxies take the new one as soon as the provider refuses the old one, and within their cache time anyway: revoke
the old secret at the provider after that.

\b
Examples:
  sabir endpoint rotate acme openai-eu
  sabir endpoint rotate acme openai-eu --from-env NEW_OPENAI_KEY
"""


@click.group()
def endpoint() -> None:
    """Add, test and rotate the provider secrets of an org."""


def _settings(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.option("--base-url", metavar="URL", help="Instead of the provider's own base URL."),
        click.option("--model", "models", multiple=True, help="A model it serves, * and ? allowed; repeatable."),
        click.option("--alias", "aliases", multiple=True, metavar="NAME=MODEL", help="A caller's name; repeatable."),
        click.option("--weight", type=click.IntRange(0, 1000), help="Its share; 0 is only when all others failed."),
        click.option("--header-from-env", "headers", multiple=True, metavar="NAME=VAR", help="Sent along; repeatable."),
        click.option("--region", help="Of a provider in AWS."),
        click.option("--enable/--disable", "enabled", default=None, help="Whether it is used."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@endpoint.command(help=_ADD)
@click.argument("org_id", metavar="ORG")
@click.argument("name", metavar="NAME")
@click.option("--provider", required=True, help="The provider's id: openai, anthropic, groq …")
@_settings
@secret_options
@admin_command
def add(session: Session, org_id: str, name: str, provider: str, **options: Any) -> None:
    secret = read_secret(options.pop("from_env"), options.pop("secret_file"))
    body = {"provider": provider, "secret": secret, **_body(options)}

    async def work(api: AdminApi) -> Answer:
        try:
            await api.get("orgs", org_id, "endpoints", name)
        except Refused as refused:
            if refused.code == "endpoint_not_found":
                return await api.put("orgs", org_id, "endpoints", name, body=body)
            raise
        raise Refused(f"{org_id} has an endpoint {name} already: see sabir endpoint set, and rotate", 409, "conflict")

    made = session.run(work)
    session.show(made, f"Added {name} with the secret {_secret(made)}.", f"Next: sabir endpoint test {org_id} {name}")


@endpoint.command("set", help=_SET)
@click.argument("org_id", metavar="ORG")
@click.argument("name", metavar="NAME")
@click.option("--provider", help="The provider's id.")
@click.option("--new-secret", is_flag=True, help="Ask for the secret too.")
@_settings
@secret_options
@admin_command
def set_endpoint(session: Session, org_id: str, name: str, **options: Any) -> None:
    sources = options.pop("from_env"), options.pop("secret_file")
    asked = options.pop("new_secret")
    body = _body(options)
    if asked or sources != (None, None):
        body["secret"] = read_secret(*sources)
    if not body:
        raise click.UsageError("there is nothing to set: name at least one option")

    async def work(api: AdminApi) -> Answer:
        await api.get("orgs", org_id, "endpoints", name)
        return await api.put("orgs", org_id, "endpoints", name, body=body)

    changed = session.run(work)
    session.show(changed, f"Changed {name}.")


@endpoint.command("list")
@click.argument("org_id", metavar="ORG")
@admin_command
def list_endpoints(session: Session, org_id: str) -> None:
    """List the endpoints of ORG, each secret by its fingerprint."""
    found = session.run(lambda api: api.every("orgs", org_id, "endpoints"))
    rows = (
        [
            each["name"],
            each["provider"],
            _secret(each),
            str(each["weight"]) if each["enabled"] else "disabled",
            ", ".join([*each["models"], *each["aliases"]]) or "all",
            each["base_url"] or "",
        ]
        for each in found
    )
    columns = ["NAME", "PROVIDER", "SECRET", "WEIGHT", "MODELS", "BASE URL"]
    session.table(
        found, columns, rows, empty=f"There is none yet: sabir endpoint add {org_id} NAME --provider PROVIDER"
    )


@endpoint.command(help=_TEST)
@click.argument("org_id", metavar="ORG")
@click.argument("name", metavar="NAME")
@click.option("--model", help="The model to ask.")
@admin_command
def test(session: Session, org_id: str, name: str, model: str | None) -> None:
    seen = session.run(lambda api: api.post("orgs", org_id, "endpoints", name, "test", body={"model": model}))
    session.show(seen, *_seen(seen))
    if not seen["ok"]:
        raise click.exceptions.Exit(1)


@endpoint.command(help=_ROTATE)
@click.argument("org_id", metavar="ORG")
@click.argument("name", metavar="NAME")
@secret_options
@admin_command
def rotate(session: Session, org_id: str, name: str, from_env: str | None, secret_file: str | None) -> None:
    body = {"secret": read_secret(from_env, secret_file)}
    changed = session.run(lambda api: api.post("orgs", org_id, "endpoints", name, "rotate", body=body))
    session.show(
        changed, f"{name} has the secret {_secret(changed)} now.", f"Next: sabir endpoint test {org_id} {name}"
    )


@endpoint.command()
@click.argument("org_id", metavar="ORG")
@click.argument("name", metavar="NAME")
@click.option("--yes", is_flag=True, help="Do not ask.")
@admin_command
def remove(session: Session, org_id: str, name: str, *, yes: bool) -> None:
    """Remove the endpoint NAME of ORG, and its secret with it."""
    if not yes:
        click.confirm(f"Remove {name} of {org_id}? Its secret cannot be read back", abort=True, err=True)
    gone = session.run(lambda api: api.delete("orgs", org_id, "endpoints", name))
    session.show(gone, f"Removed {name}.")


def _body(options: dict[str, Any]) -> dict[str, Any]:
    aliases = pairs_of(options.pop("aliases"), "--alias")
    headers = headers_from_env(pairs_of(options.pop("headers"), "--header-from-env"))
    given = {"models": list(options.pop("models")), "aliases": aliases, "headers": headers}
    return {
        **{name: value for name, value in options.items() if value is not None},
        **{name: value for name, value in given.items() if value},
    }


def _secret(shown: Answer) -> str:
    secret = shown["secret"]
    return f"…{secret['last4']} ({secret['fingerprint']})" if secret["last4"] else f"({secret['fingerprint']})"


def _seen(seen: Answer) -> list[str]:
    about = f"{seen['endpoint']}: {seen['provider']}/{seen['model']}"
    answered = f"answered {seen['status']}" if seen["status"] is not None else "did not answer"
    took = f"{answered} in {seen['latency_ms']} ms"
    if seen["ok"]:
        usage = seen["usage"]
        tokens = f"{usage['prompt_tokens']} + {usage['completion_tokens']} tokens" if usage else "no usage reported"
        return [f"{about} {took}, {tokens}. It works."]
    error = seen["error"]
    return [f"{about} {took}.", f"  {error['code'] or error['type']}: {error['message']}"]
