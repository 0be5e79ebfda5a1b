from __future__ import annotations

from pathlib import Path

import pytest

from providers import catalog, embedders, registry
from providers.errors import Unsupported
from tests.support.claims import all_claims

# What docs/providers.md claims; tests/support proves it.
SERVE = {name for name, claims in all_claims().items() if claims.says_yes("embeddings")}


def serves(name: str) -> bool:
    try:
        return embedders.find(name) is not None
    except Unsupported:
        return False


def test_who_serves_embeddings() -> None:
    assert {name for name in registry.names() if serves(name)} == SERVE


@pytest.mark.parametrize("name", sorted(SERVE))
def test_the_same_object_each_time(name: str) -> None:
    assert embedders.find(name) is embedders.find(name)


def test_a_provider_without_embeddings_says_so() -> None:
    with pytest.raises(Unsupported) as refused:
        embedders.find("anthropic")
    assert refused.value.code == "model_not_for_embeddings"
    with pytest.raises(registry.UnknownProvider):
        embedders.find("nobody")


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("text-embedding-3-small", "openai"),
        ("text-embedding-3-large", "openai"),
        ("text-embedding-ada-002", "openai"),
        ("gemini-embedding-001", "google"),
        ("gemini-embedding-2", "google"),
        ("embed-v4.0", "cohere"),
        ("embed-english-v3.0", "cohere"),
        ("mistral-embed", "mistral"),
        ("codestral-embed", "mistral"),
        ("amazon.titan-embed-text-v2:0", "bedrock"),
        ("cohere.embed-english-v3", "bedrock"),
        ("us.cohere.embed-v4:0", "bedrock"),
        ("voyage-3.5", "voyage"),
        ("voyage-code-3", "voyage"),
        ("voyage-9-of-tomorrow", "voyage"),
        ("voyageai/voyage-3.5", "voyage"),
        ("pplx-embed-v1-0.6b", "perplexity"),
        ("text-embedding-v4", "alibaba"),
    ],
)
def test_the_names_of_embedding_models_reach_who_serves_them(model: str, provider: str) -> None:
    assert catalog.route(model, registry.AVAILABLE).provider == provider
    assert serves(provider)


def test_the_page_on_embeddings_names_each_of_them() -> None:
    page = (Path(__file__).parents[2] / "docs" / "embeddings.md").read_text()
    table = page[page.index("| provider |") :]
    assert [name for name in sorted(SERVE) if f"`{name}`" not in table[: table.index("\n\n")]] == []
