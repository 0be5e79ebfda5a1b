from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from providers import catalog
from providers.cost import cost
from providers.dialects.openai.embeddings import parse_embedding_request
from providers.embedding_estimate import nano_usd_bound, tokens
from providers.usage import Usage

if TYPE_CHECKING:
    from providers.embedding import EmbeddingRequest

AT = 1_800_000_000


def asking(given: object) -> EmbeddingRequest:
    return parse_embedding_request(json.dumps({"model": "m", "input": given}).encode())


def test_text_is_counted_by_its_bytes_and_tokens_are_counted() -> None:
    assert tokens(asking("x" * 400)) == 100
    assert tokens(asking(["x" * 400, "é" * 200, "x"])) == 201
    assert tokens(asking([[1, 2], [3]])) == 3


@given(st.lists(st.text(min_size=1), min_size=1))
def test_no_text_costs_more_than_its_bound(texts: list[str]) -> None:
    info = catalog.find("openai", "text-embedding-3-small")
    at_most = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    paid = cost(Usage(input=at_most), info, at=AT)
    assert paid is not None
    assert nano_usd_bound(asking(texts), info, AT) >= paid


def test_the_bound_of_tokens_is_near_their_number() -> None:
    info = catalog.find("openai", "text-embedding-3-small")
    assert 20_000 <= nano_usd_bound(asking([1] * 1000), info, AT) <= 21_000


def test_without_a_price_there_is_no_bound() -> None:
    assert nano_usd_bound(asking("x"), None, AT) == 0
    assert nano_usd_bound(asking("x"), catalog.find("openai", "whisper-1"), AT) == 0
