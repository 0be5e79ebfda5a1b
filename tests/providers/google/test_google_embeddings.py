from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import embedders, vectors
from providers.errors import (
    InvalidRequest,
    Unsupported,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamThrottled,
)
from tests.providers.embedding_requests import KEY, asking, sent, translated

GOOGLE = embedders.find("google")
MODEL = "gemini-embedding-001"


def test_each_text_is_a_request_of_one_batch() -> None:
    request = translated("google", asking(["a", "b"], dimensions=64, input_type="query"), MODEL).request
    one = {"model": f"models/{MODEL}", "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 64}
    assert json.loads(request.body) == {
        "requests": [{**one, "content": {"parts": [{"text": text}]}} for text in ("a", "b")]
    }
    assert request.url == f"https://generativelanguage.googleapis.com/v1beta/models/{MODEL}:batchEmbedContents"
    assert (request.auth.header, request.auth.prefix, request.auth.secret) == ("x-goog-api-key", "", KEY.secret)
    assert GOOGLE.most(MODEL) == 100
    assert not GOOGLE.relays(asking())


@pytest.mark.parametrize(
    ("said", "sent_as"),
    [
        ({"input_type": "document"}, "RETRIEVAL_DOCUMENT"),
        ({"input_type": "search_query"}, "RETRIEVAL_QUERY"),
        ({"input_type": "clustering"}, "CLUSTERING"),
        ({"input_type": "SEMANTIC_SIMILARITY"}, "SEMANTIC_SIMILARITY"),
        ({"task_type": "CODE_RETRIEVAL_QUERY"}, "CODE_RETRIEVAL_QUERY"),
        ({"taskType": "FACT_VERIFICATION"}, "FACT_VERIFICATION"),
    ],
)
def test_what_a_text_is_for_is_said_in_googles_words(said: dict[str, str], sent_as: str) -> None:
    (request,) = sent("google", asking("x", title="T", **said), MODEL)["requests"]
    assert (request["taskType"], request["title"]) == (sent_as, "T")


@pytest.mark.parametrize("name", ["input_type", "task_type"])
def test_the_second_generation_has_no_task_types(name: str) -> None:
    with pytest.raises(Unsupported) as refused:
        translated("google", asking("x", **{name: "query"}), "models/gemini-embedding-2")
    assert refused.value.param == name
    assert "taskType" not in sent("google", asking("x"), "gemini-embedding-2")["requests"][0]


def test_what_google_cannot_is_refused_or_dropped_and_named() -> None:
    assert translated("google", asking("x", user="u", whatever=1), MODEL).dropped == ("whatever", "user")
    for asked, param in ((asking([1]), "input"), (asking("x", encoding_format="int8"), "encoding_format")):
        with pytest.raises(Unsupported) as refused:
            translated("google", asked, MODEL)
        assert refused.value.param == param
    with pytest.raises(InvalidRequest):
        translated("google", asking(), "../secrets")


def test_an_answer_is_read_in_its_order() -> None:
    said = {"embeddings": [{"values": [1]}, {"values": [2.5]}], "usageMetadata": {"promptTokenCount": 4}}
    found = GOOGLE.answer(json.dumps(said).encode(), {}, asking(["a", "b"]))
    assert found.vectors == (vectors.from_numbers([1]), vectors.from_numbers([2.5]))
    assert found.usage is not None
    assert found.usage.prompt == 4
    assert GOOGLE.answer(b'{"embeddings": [{"values": [1]}]}', {}, asking()).usage is None


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"embeddings": [{}]}', b'{"embeddings": [{"values": ["x"]}]}', b'{"embeddings": [[1]]}']
)
def test_an_answer_without_the_vectors_is_none(body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        GOOGLE.answer(body, {}, asking())


def test_an_error_in_a_200_is_an_error() -> None:
    for status, kind in (("RESOURCE_EXHAUSTED", UpstreamThrottled), ("INVALID_ARGUMENT", UpstreamRejected)):
        with pytest.raises(kind):
            GOOGLE.answer(json.dumps({"error": {"status": status}}).encode(), {}, asking())


@given(st.binary())
def test_any_bytes_are_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        GOOGLE.answer(body, {}, asking())
