"""What a caller is told whose model nobody serves: the names that would have worked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers import catalog
from providers.errors import UnknownModel
from providers.routing.patterns import is_literal, matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from providers.routing.endpoint import Endpoint
    from providers.routing.patterns import MayUse

# An answer that is read by people, and goes into logs.
_MAX_OWN: Final = 20


def unknown_model(
    model: str, usable: Sequence[Endpoint], virtual: Iterable[str], may_use: MayUse, pin: str | None
) -> UnknownModel:
    """Names only what the key may use: of the org's own names all, up to a bound, of the providers' the near ones."""
    allowed = [endpoint for endpoint in usable if may_use.provider(endpoint.provider)]
    own = {name for name in (*virtual, *_told(allowed)) if may_use.model(name)}
    whole = sorted({endpoint.provider for endpoint in allowed if not endpoint.models})
    near = _near(model, own | {name for name in _listed(allowed) if may_use.model(name)})
    parts = [
        f"The endpoint {quoted(pin)} does not serve" if pin is not None else "No endpoint of this org serves",
        f" the model {quoted(model)}.",
        f" Near names: {', '.join(near)}." if near else "",
        f" Names of its own: {', '.join(sorted(own)[:_MAX_OWN])}." if own else "",
        f" What is not listed can be asked for as provider/model, of: {', '.join(whole)}." if whole else "",
    ]
    return UnknownModel("".join(parts), param="model")


def quoted(name: str) -> str:
    return f"'{name}'" if len(name) <= catalog.MAX_QUOTED else f"'{name[: catalog.MAX_QUOTED - 1]}…'"


def _told(endpoints: Iterable[Endpoint]) -> Iterator[str]:
    for endpoint in endpoints:
        yield from endpoint.aliases
        yield from filter(is_literal, endpoint.models)


def _listed(endpoints: Iterable[Endpoint]) -> Iterator[str]:
    """What the price list has of the endpoints' providers, and their patterns do not leave out."""
    for endpoint in endpoints:
        for name in catalog.listed(endpoint.provider):
            if not endpoint.models or matches(name, endpoint.models):
                yield name


def _near(model: str, names: Iterable[str]) -> list[str]:
    if len(model) > catalog.MAX_QUOTED:
        return []
    from difflib import get_close_matches

    known = {name.lower(): name for name in names}
    return sorted(known[close] for close in get_close_matches(model.lower(), known, catalog.MAX_NEAR))
