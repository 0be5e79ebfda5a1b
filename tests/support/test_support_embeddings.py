"""Embeddings go out as texts and come back as vectors, at every provider that is said to have them."""

from __future__ import annotations

import json
import struct
from base64 import b64decode
from typing import TYPE_CHECKING

import pytest

from providers import embedders
from providers.dialects.openai.embeddings import embeddings_body, parse_embedding_request
from providers.embedding import joined
from tests.support import going
from tests.support.answers.embeddings import answer, texts, vector
from tests.support.claims import all_claims, claims_of

if TYPE_CHECKING:
    from providers.embedding import Embeddings

TEXTS = ["Rome", "Oslo"]
SERVED = [claims.provider for claims in all_claims().values() if claims.says_yes("embeddings")]


def embedded(provider: str, asked_texts: list[str]) -> tuple[list[str], Embeddings]:
    """What the provider is asked for, in one request or more, and what becomes of its answers."""
    claims = claims_of(provider)
    target = going.target(claims, "embeddings")
    asked = parse_embedding_request(json.dumps({"model": target.model, "input": asked_texts}).encode())
    embedder = embedders.find(provider)
    heard: list[str] = []
    answers = []
    for part in asked.parts(embedder.most(target.model)):
        sent = embedder.request(part, target)
        assert sent.dropped == ()
        heard += texts(claims, json.loads(sent.request.body))
        answers.append(embedder.answer(answer(claims, len(part.inputs)), {}, part))
    return heard, joined(answers)


@pytest.mark.parametrize("provider", SERVED)
def test_one_text_becomes_one_vector_in_either_format(provider: str) -> None:
    heard, done = embedded(provider, TEXTS[:1])
    assert heard == TEXTS[:1]
    (item,) = json.loads(embeddings_body(done, "float", "model"))["data"]
    assert (item["index"], item["embedding"]) == (0, vector(0))
    (item,) = json.loads(embeddings_body(done, "base64", "model"))["data"]
    assert list(struct.unpack("<2f", b64decode(item["embedding"]))) == vector(0)


@pytest.mark.parametrize("provider", SERVED)
def test_each_text_has_a_vector_in_its_place(provider: str) -> None:
    heard, done = embedded(provider, TEXTS)
    assert heard == TEXTS
    data = json.loads(embeddings_body(done, "float", "model"))["data"]
    assert [item["index"] for item in data] == [0, 1]
    alone = embedders.find(provider).most(going.target(claims_of(provider), "embeddings").model) == 1
    assert [item["embedding"] for item in data] == [vector(0), vector(0 if alone else 1)]
