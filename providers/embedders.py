"""Who serves embeddings, by provider name.

A provider has a module `embeddings` with `EMBEDDINGS` in its package, or, at hosts of OpenAI's wire, a row of data that
says how, and gives it the attribute `embeddings`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

from providers import registry
from providers.errors import Unsupported

if TYPE_CHECKING:
    from providers.embedding import EmbeddingProvider


@cache
def find(name: str) -> EmbeddingProvider:
    """The same object each time. Raises `Unsupported` for a provider without embeddings, `registry.UnknownProvider`."""
    found: EmbeddingProvider | None = getattr(registry.find(name), "embeddings", None) or _own_module(name)
    if found is None:
        raise Unsupported(
            f"{name} serves no embeddings, or none that Sabir knows.", param="model", code="model_not_for_embeddings"
        )
    return found


def _own_module(name: str) -> EmbeddingProvider | None:
    try:
        if find_spec(f"providers.{name}.embeddings") is None:
            return None
    except ModuleNotFoundError:  # a row, or a provider that is no package
        return None
    return cast("EmbeddingProvider | None", getattr(import_module(f"providers.{name}.embeddings"), "EMBEDDINGS", None))
