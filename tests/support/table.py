"""docs/providers.md: the claims as tables, and how each no is said, which is asked of the code itself."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from providers.openai.provider import ChatProvider
from tests.providers.wires import bearer, speaker, wires
from tests.support.claims import CAPABILITIES, Claims, claims_of
from tests.support.refusing import refusal

PAGE: Final = Path(__file__).parents[2] / "docs" / "providers.md"

_HALF: Final = 9
_HEADS: Final = {name: head for name, head, _ in CAPABILITIES}

# Own wires first, then the most general, then by name.
_FIRST: Final = ("openai", "azure", "anthropic", "bedrock", "google", "vertex", "cohere", "mistral")

_INTRODUCTION: Final = """\
# What each provider supports

Through Sabir, from a client that speaks OpenAI's chat completions or embeddings. Which of a provider's models can do it
is the provider's matter: a yes says that there are some, that the request arrives at them with its meaning, and that
the answer comes back whole.

`openai/responses` and its like are a second wire of the provider, which a model may be served on alone or be asked on by
that name: [responses.md](responses.md).

Written by `python -m tests.support` from `tests/support/claims.toml`; the tests beside it prove every cell.

| | |
|---|---|
| **yes** | translated or relayed, and tested in both directions, recorded traffic of that provider included |
| yes | the same without a recording: by the provider's own documentation, with answers in the form that it documents |
| 400 | Sabir refuses it, and names the member |
| dropped | left out, and named in `x-sabir-dropped-params` |
| no | the provider has it not, or in a form of its own. It is relayed as you wrote it, and what comes back is the provider's word |
| · | the same, of a provider that says nothing of it |
"""


def page() -> str:
    """All of it. Raises `BadClaim` for a provider that nobody said anything of."""
    rows = [claims_of(name) for name in sorted(wires(), key=_place)]
    names = [name for name, _, _ in CAPABILITIES]
    notes = _Notes()
    tables = [_table(rows, part, notes) for part in (names[:_HALF], names[_HALF:])]
    meanings = "\n".join(f"- **{head}**: {meaning}" for _, head, meaning in CAPABILITIES)
    return "\n".join([
        _INTRODUCTION,
        "## Asking\n",
        tables[0],
        "## Thinking, counting, and the rest\n",
        tables[1],
        "## Notes\n",
        notes.text(),
        "## What the columns mean\n",
        meanings + "\n",
        "## Where they are\n",
        _places(rows),
        _CLOSE,
    ])  # fmt: skip


_CLOSE: Final = """\
Any other host of OpenAI's wire, or one of these at another address, is an endpoint with a `base_url` of its own: see
[orgs.md](orgs.md). What becomes of a request on its way to a provider with a wire or a place of its own, member by
member: [anthropic.md](anthropic.md), [google.md](google.md), [vertex.md](vertex.md), [bedrock.md](bedrock.md),
[cohere.md](cohere.md), [azure.md](azure.md), [responses.md](responses.md); and of embeddings: [embeddings.md](embeddings.md).
"""


class _Notes:
    """Each text once, numbered as they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def mark(self, text: str | None) -> str:
        if text is None:
            return ""
        return f" <sup>{self._numbers.setdefault(text, len(self._numbers) + 1)}</sup>"

    def text(self) -> str:
        return "".join(f"{number}. {text[0].upper()}{text[1:]}.\n" for text, number in self._numbers.items())


def _place(name: str) -> tuple[int, str]:
    """A further wire stands behind the provider's own."""
    first = bearer(name)
    return (_FIRST.index(first) if first in _FIRST else len(_FIRST), name)


def _table(rows: list[Claims], names: list[str], notes: _Notes) -> str:
    head = f"| | {' | '.join(_HEADS[name] for name in names)} |\n|---|{':-:|' * len(names)}\n"
    return head + "".join(
        f"| `{row.provider}` | {' | '.join(_cell(row, name, notes) for name in names)} |\n" for row in rows
    )


def _cell(row: Claims, name: str, notes: _Notes) -> str:
    if row.says_yes(name):
        said = "**yes**" if name in row.recorded else "yes"
        return said + notes.mark(_note(row, name))
    how = refusal(row, name)
    if how in ("relayed", "silent"):
        return ("no" if name in row.no else "·") + notes.mark(row.no.get(name))
    return how + notes.mark(row.no.get(name))


def _note(row: Claims, name: str) -> str | None:
    if name == "reasoning_out" and row.reasoning_member != "reasoning_content":
        return f"as `reasoning_content`, and under the host's own name for it, `{row.reasoning_member}`"
    return row.notes.get(name)


def _places(rows: list[Claims]) -> str:
    head = "| | base URL | by its own pages |\n|---|---|---|\n"
    return head + "".join(f"| `{row.provider}` | {_home(row)} | {'; '.join(row.sources)} |\n" for row in rows)


def _home(row: Claims) -> str:
    """Azure has none, and says so by a name that can be nobody's (RFC 2606 §2)."""
    provider = speaker(row.provider)
    if bearer(row.provider) != row.provider:
        return "the same, at `/responses`"
    url = provider.base_url
    if url.endswith(".invalid"):
        return "your resource's own"
    path = provider.host.path if isinstance(provider, ChatProvider) else None
    return f"`{url}`" if path in (None, "/chat/completions") else f"`{url}`, chat at `{path}`"
