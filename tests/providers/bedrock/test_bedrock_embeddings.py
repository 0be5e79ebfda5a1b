from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import embedders, vectors
from providers.errors import InvalidRequest, Unsupported, UpstreamError, UpstreamProtocolError, UpstreamThrottled
from tests.providers.embedding_requests import asking, sent, translated

BEDROCK = embedders.find("bedrock")
TITAN = "amazon.titan-embed-text-v2:0"
TITAN_1 = "amazon.titan-embed-text-v1"
TITAN_IMAGE = "amazon.titan-embed-image-v1"
COHERE_3 = "cohere.embed-english-v3"
COHERE_4 = "us.cohere.embed-v4:0"
COUNTED = "x-amzn-bedrock-input-token-count"


def test_titan_is_asked_in_its_own_words() -> None:
    asked = asking(["a"], dimensions=256, normalize=False, embeddingTypes=["float"], user="u", input_type="query", x=1)
    done = translated("bedrock", asked, TITAN)
    assert json.loads(done.request.body) == {"inputText": "a", "normalize": False, "dimensions": 256}
    assert done.dropped == ("x", "input_type", "user")
    url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.titan-embed-text-v2%3A0/invoke"
    assert (done.request.method, done.request.url, done.request.streaming) == ("POST", url, False)
    assert not BEDROCK.relays(asked)


def test_each_titan_has_its_own_place_for_the_size() -> None:
    assert sent("bedrock", asking(dimensions=384), TITAN_IMAGE) == {
        "inputText": "x",
        "embeddingConfig": {"outputEmbeddingLength": 384},
    }
    assert sent("bedrock", asking(), TITAN_1) == {"inputText": "x"}
    assert translated("bedrock", asking(normalize=True), TITAN_1).dropped == ("normalize",)


def test_coheres_models_are_asked_as_at_cohere_but_for_the_name() -> None:
    assert sent("bedrock", asking(["a", "b"], dimensions=512), COHERE_4) == {
        "input_type": "search_document",
        "embedding_types": ["float"],
        "truncate": "NONE",
        "output_dimension": 512,
        "texts": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("model", "most"), [(TITAN, 1), (TITAN_1, 1), (TITAN_IMAGE, 1), (COHERE_3, 96), (COHERE_4, 96)]
)
def test_how_many_texts_a_request_holds(model: str, most: int) -> None:
    assert BEDROCK.most(model) == most
    arn = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{model}"
    assert BEDROCK.most(arn) == most


@pytest.mark.parametrize(
    ("model", "asked", "param"),
    [
        (TITAN_1, asking(dimensions=8), "dimensions"),
        (COHERE_3, asking(dimensions=8), "dimensions"),
        (TITAN, asking([1, 2]), "input"),
        (COHERE_3, asking([1, 2]), "input"),
        (TITAN, asking(encoding_format="int8"), "encoding_format"),
        (TITAN, asking(embeddingTypes=["binary"]), "encoding_format"),
        ("amazon.nova-pro-v1:0", asking(), "model"),
    ],
)
def test_what_a_model_cannot_is_refused(model: str, asked: Any, param: str) -> None:
    with pytest.raises(Unsupported) as refused:
        translated("bedrock", asked, model)
    assert refused.value.param == param


def test_a_name_that_is_no_model_id_reaches_no_other_path() -> None:
    with pytest.raises(InvalidRequest):
        translated("bedrock", asking(), "../amazon.titan-embed-text-v2:0 ")


def test_titans_answer_counts_its_tokens() -> None:
    found = BEDROCK.answer(b'{"embedding": [1, 2], "inputTextTokenCount": 5}', {COUNTED: "9"}, asking())
    assert found.vectors == (vectors.from_numbers([1, 2]),)
    assert found.usage is not None
    assert found.usage.prompt == 5


@pytest.mark.parametrize("embeddings", [[[1], [2]], {"float": [[1], [2]]}])
def test_coheres_are_counted_in_a_header(embeddings: Any) -> None:
    body = json.dumps({"embeddings": embeddings, "response_type": "x"}).encode()
    found = BEDROCK.answer(body, {COUNTED: "9"}, asking(["a", "b"]))
    assert found.vectors == (vectors.from_numbers([1]), vectors.from_numbers([2]))
    assert found.usage is not None
    assert found.usage.prompt == 9
    for told in ("", "x", "²"):
        assert BEDROCK.answer(body, {COUNTED: told}, asking(["a", "b"])).usage is None


@pytest.mark.parametrize("body", [b"", b"{}", b'{"embedding": ["x"]}', b'{"embeddings": []}'])
def test_an_answer_without_the_vectors_is_none(body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError) as failed:
        BEDROCK.answer(body, {}, asking())
    assert failed.value.provider == "bedrock"


def test_an_exception_in_a_200_is_an_error() -> None:
    with pytest.raises(UpstreamThrottled):
        BEDROCK.answer(b'{"__type": "ThrottlingException", "message": "Slow down."}', {}, asking())


@given(st.binary())
def test_any_bytes_are_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        BEDROCK.answer(body, {}, asking())
