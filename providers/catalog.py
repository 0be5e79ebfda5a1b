"""Which provider serves a model, by name. The data is models.json, written by tests/catalog/generate.py.

A name is looked at in this order, without regard to case, and goes upstream in the caller's spelling:

1. `provider/model`, where the first part is a provider or an alias of one: that provider, and the rest is its model,
   known or not. `openrouter/auto`, listed by that very provider under its whole name, stays whole.
2. A name that a provider lists.
3. A name of a family: `claude-next-1` is Anthropic's before any list has heard of it.
4. A name that a looser pattern of genai-prices claims, such as `omni-moderation-latest`.

Within each step the makers of models are asked before those who host them; the order is that of the data. Only
providers that are set up here take part. A fine-tuned `ft:base:org::id` belongs to whoever has `base`. Case decides
only between hosts that list the same name in two spellings.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from providers.errors import InvalidRequest, UnknownModel

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from providers.prices import ModelInfo

# The longest name that any provider takes: an ARN as Bedrock's `modelId`.
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
MAX_NAME = 2048
# How much of a name an error message quotes; beyond it nothing is looked for that might be near.
MAX_QUOTED = 64
MAX_NEAR = 3


@dataclass(frozen=True, slots=True)
class Route:
    """Our provider id, and the model name that this provider is to be sent; `wire`: as in `spoken`."""

    provider: str
    model: str
    wire: str | None = None


def route(model: str, available: Collection[str]) -> Route:
    """Find the provider of `model` among the ids in `available`.

    Raises `InvalidRequest` for what cannot be a name, `UnknownModel` with near names for one that nobody serves. A
    provider that is named and not available is not replaced by another one: the caller's key is meant for the first.
    """
    _refuse_unreadable(model)
    found = _explicit(model, available)
    if found is None:
        found = next((Route(shelf.id, model) for shelf in _claimants(_base(model), available)), None)
    if found is None:
        raise _unknown(model, available)
    return Route(found.provider, *spoken(found.provider, found.model))


def spoken(provider: str, name: str) -> tuple[str, str | None]:
    """The model of a provider's name for it, and which of the provider's further wires it is asked on.

    `responses/gpt-5` is gpt-5 on that wire, as the caller wishes; `o1-pro` is served there alone. None: on its own.
    """
    shelf = _catalogue().shelves.get(provider)
    return (name, None) if shelf is None else shelf.spoken(name)


@lru_cache(maxsize=512)
def find(provider: str, model: str) -> ModelInfo | None:
    """Context window and prices, or None where the price list has no such model (a fine-tuned or a retired one)."""
    from providers.prices import price_of

    catalogue = _catalogue()
    shelf = catalogue.shelves.get(provider)
    if shelf is None:
        return None
    name = model.lower()
    for priced in (shelf, *(catalogue.shelves[other] for other in shelf.priced_like)):
        canonical = priced.names.get(name) or priced.match(name)
        if canonical is not None:
            return price_of(priced.id, canonical)
    return None


def listed(provider: str) -> list[str]:
    """The model ids under which `provider` can be asked, sorted; none where it is not in the price list."""
    shelf = _catalogue().shelves.get(provider)
    if shelf is None:
        return []
    ids = set()
    for name, canonical in shelf.names.items():
        if canonical is None or not shelf.owns(name):
            continue
        if name == canonical.lower():
            ids.add(canonical)
        elif canonical.lower() not in shelf.names:  # an id of the price list that is no name: Fireworks' `glm-5p3`
            ids.add(name)
    return sorted(ids)


_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "contains": str.__contains__,
    "regex": lambda name, pattern: re.search(pattern, name) is not None,
}


def _holds(test: Mapping[str, str], name: str) -> bool:
    return all(_TESTS[kind](name, text) for kind, text in test.items())


@dataclass(frozen=True, slots=True, eq=False, repr=False)  # neither is used, and each costs a cold start
class _Shelf:
    """What one provider has. All names are lower-case; every test is a dict whose members must all hold.

    `names` to canonical ids, None for a retired name. `own`: what this provider's own names look like, for the price
    list also knows names that only occur elsewhere. `families` claim bare names, `paths` names with a slash. `wires`:
    further ones of the provider, each with what the names look like that are served there alone.
    """

    id: str
    aliases: Sequence[str]
    own: str
    priced_like: Sequence[str]
    families: Sequence[Mapping[str, str]]
    paths: Sequence[Mapping[str, str]]
    patterns: Sequence[tuple[str, Mapping[str, str]]]
    names: Mapping[str, str | None]
    wires: Mapping[str, str]

    def spoken(self, name: str) -> tuple[str, str | None]:
        first, _, rest = name.partition("/")
        if rest.strip() and first.lower() in self.wires:
            return rest, first.lower()
        model = _base(name).lower()
        return name, next((wire for wire, only in self.wires.items() if re.search(only, model)), None)

    def owns(self, name: str) -> bool:
        return re.search(self.own, name) is not None

    def lists(self, name: str) -> bool:
        return name in self.names and self.owns(name)

    def claims(self, name: str) -> bool:
        tests = self.paths if "/" in name else self.families
        return any(_holds(test, name) for test in tests) and self.owns(name)

    def match(self, name: str) -> str | None:
        """The canonical id of a name that is not listed letter by letter."""
        return next((canonical for canonical, test in self.patterns if _holds(test, name)), None)


class _Catalogue(NamedTuple):
    shelves: Mapping[str, _Shelf]
    aliases: Mapping[str, str]


@cache
def _catalogue() -> _Catalogue:
    # Beside this module, by path: importlib.resources would cost a cold start more than reading the file does.
    data: dict[str, Any] = json.loads(Path(__file__).with_name("models.json").read_bytes())
    shelves = {row["id"]: _Shelf(**row) for row in data["providers"]}
    aliases = {alias: shelf.id for shelf in shelves.values() for alias in (shelf.id, *shelf.aliases)}
    return _Catalogue(shelves, aliases)


def _explicit(model: str, available: Collection[str]) -> Route | None:
    first, slash, rest = model.partition("/")
    if not slash:
        return None
    catalogue = _catalogue()
    provider = catalogue.aliases.get(first.lower(), first.lower())
    if provider not in available:
        if provider in catalogue.shelves:
            raise _unavailable(provider, model, available)
        return None
    if not rest.strip():
        raise InvalidRequest(f"The model {_quoted(model)} names a provider but no model.", param="model")
    shelf = catalogue.shelves.get(provider)
    whole = shelf is not None and shelf.lists(model.lower()) and not shelf.lists(rest.lower())
    return Route(provider, model if whole else rest)


def _base(model: str) -> str:
    """`gpt-4o-mini-2024-07-18` of `ft:gpt-4o-mini-2024-07-18:org::id`; OpenAI and Mistral name them so."""
    return model.split(":")[1] if model.lower().startswith("ft:") else model


def _claimants(model: str, available: Collection[str]) -> Iterator[_Shelf]:
    """Who may serve a model, best first. `available` is asked last: to answer may mean to import a provider."""
    name = model.lower()
    shelves = _catalogue().shelves.values()
    listing = [shelf for shelf in shelves if shelf.lists(name) and shelf.id in available]
    if "/" in name:  # hosts share names but for their case: `Qwen/Qwen3-14B` is Hugging Face's, `qwen/…` OpenRouter's
        listing.sort(key=lambda shelf: shelf.names[name] != model)
    yield from listing
    yield from (shelf for shelf in shelves if shelf.claims(name) and shelf.id in available)
    if "/" not in name:
        patterned = (shelf for shelf in shelves if shelf.owns(name) and shelf.match(name) is not None)
        yield from (shelf for shelf in patterned if shelf.id in available)


def _refuse_unreadable(model: str) -> None:
    if not model.strip():
        raise InvalidRequest("The model is empty; give the name of one.", param="model")
    if len(model) > MAX_NAME:
        raise InvalidRequest(f"The model has {len(model)} characters; no name has over {MAX_NAME}.", param="model")
    if not model.isprintable():
        raise InvalidRequest("The model holds a character that cannot be printed.", param="model")


def _unknown(model: str, available: Collection[str]) -> UnknownModel:
    near = _near(model.lower(), available)
    return UnknownModel(
        f"No provider here serves the model {_quoted(model)}."
        + (f" Near names: {', '.join(near)}." if near else "")
        + " A model that is not listed can be asked for as provider/model.",
        param="model",
    )


def _unavailable(provider: str, model: str, available: Collection[str]) -> UnknownModel:
    name = model.lower()
    hosts = [shelf.id for shelf in _catalogue().shelves.values() if shelf.lists(name) and shelf.id in available]
    return UnknownModel(
        f"The provider {provider}, which the model {_quoted(model)} names, is not available here."
        + (f" Hosts that list it, each to be put in front: {', '.join(hosts)}." if hosts else ""),
        param="model",
    )


def _near(name: str, available: Collection[str]) -> list[str]:
    if len(name) > MAX_QUOTED:
        return []
    from difflib import get_close_matches

    candidates = _suggestible(frozenset(available))
    return sorted(candidates[close] for close in get_close_matches(name, candidates, MAX_NEAR))


@lru_cache(maxsize=4)
def _suggestible(available: frozenset[str]) -> dict[str, str]:
    """What can be asked for as it stands, by its lower-case form."""
    aliases = _catalogue().aliases
    return {
        known.lower(): known
        for provider in sorted(available)
        for known in listed(provider)
        if known.partition("/")[0].lower() not in aliases  # this one would go to another provider than lists it
    }


def _quoted(name: str) -> str:
    return f"'{name}'" if len(name) <= MAX_QUOTED else f"'{name[: MAX_QUOTED - 1]}…'"
