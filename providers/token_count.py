"""How many tokens a request would read, asked of the provider before it is sent.

A provider that counts has a module `token_count` with `TOKEN_COUNTER` in its package. Where none does, or not for this
model or this request, there is `estimate.input_tokens`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from providers.errors import UpstreamProtocolError
from providers.jsonwalk import MalformedJson, integer, load_object

if TYPE_CHECKING:
    from providers.base import Target, Translated
    from providers.chat import ChatRequest


class NoTokenCounter(LookupError):
    """The provider counts nothing beforehand."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What came of a count. `exact`: the provider counted, and it is no estimate."""

    tokens: int
    model: str
    provider: str
    exact: bool


class TokenCounter(Protocol):
    """Translates to and from one provider's wire for counting. Holds no state. Its errors are its `Provider`'s."""

    def counts(self, chat: ChatRequest, model: str) -> bool:
        """Whether the provider counts such a request, and for this model."""
        ...

    def count_request(self, chat: ChatRequest, target: Target) -> Translated:
        """What the chat itself would be, less what counting refuses. `chat` is none that streams, and one that
        `counts`. Raises as `Provider.request`: what cannot be asked cannot be counted.
        """
        ...

    def count_response(self, body: bytes) -> int:
        """A 2xx answer. Raises `UpstreamProtocolError`."""
        ...


@cache
def find(provider: str) -> TokenCounter:
    """The same object each time. Raises `NoTokenCounter`."""
    name = f"providers.{provider}.token_count"
    try:
        module = import_module(name)
    except ModuleNotFoundError as absent:
        if absent.name not in (name, f"providers.{provider}"):  # the latter: a row of data, which has no package
            raise  # pragma: no cover - a module that is broken, and not one that is not there
        raise NoTokenCounter(provider) from None
    return cast("TokenCounter", module.TOKEN_COUNTER)


def counter_for(provider: str, chat: ChatRequest, model: str) -> TokenCounter | None:
    """None where the provider would not count this."""
    try:
        counter = find(provider)
    except NoTokenCounter:
        return None
    return counter if counter.counts(chat, model) else None


def read_count(body: bytes, member: str, provider: str) -> int:
    """The number under `member`. Raises `UpstreamProtocolError`."""
    try:
        count = integer(load_object(body), member)
    except MalformedJson:
        count = None
    if count is None or count < 0:
        raise UpstreamProtocolError(f"{provider} sent an answer that holds no count of tokens", provider=provider)
    return count
