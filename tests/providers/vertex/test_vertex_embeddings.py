from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import embedders, vectors
from providers.errors import InvalidRequest, Unsupported, UpstreamError, UpstreamProtocolError
from tests.providers.embedding_requests import asking, sent, translated

VERTEX = embedders.find("vertex")
MODEL = "text-embedding-005"


def test_each_text_is_an_instance() -> None:
    asked = asking(["a", "b"], dimensions=64, input_type="query", title="T")
    request = translated("vertex", asked, f"models/{MODEL}").request
    one = {"task_type": "RETRIEVAL_QUERY", "title": "T"}
    assert json.loads(request.body) == {
        "instances": [{**one, "content": "a"}, {**one, "content": "b"}],
        "parameters": {"autoTruncate": False, "outputDimensionality": 64},
    }
    assert request.url == f"https://aiplatform.googleapis.com/v1/publishers/google/models/{MODEL}:predict"
    assert not VERTEX.relays(asked)


def test_how_many_texts_a_request_holds() -> None:
    assert (VERTEX.most(MODEL), VERTEX.most("gemini-embedding-001")) == (250, 1)


def test_vertexs_own_members_are_passed_on_and_others_named() -> None:
    done = translated("vertex", asking(task_type="CLUSTERING", auto_truncate=True, user="u", whatever=1), MODEL)
    body = json.loads(done.request.body)
    assert body["instances"] == [{"task_type": "CLUSTERING", "content": "x"}]
    assert (body["parameters"], done.dropped) == ({"autoTruncate": True}, ("whatever", "user"))
    assert sent("vertex", asking(), MODEL)["instances"] == [{"content": "x"}]


def test_what_vertex_cannot_is_refused() -> None:
    for asked, param in ((asking([1]), "input"), (asking("x", encoding_format="int8"), "encoding_format")):
        with pytest.raises(Unsupported) as refused:
            translated("vertex", asked, MODEL)
        assert refused.value.param == param


@pytest.mark.parametrize("name", ["a/b", "a:b", "..", "a b", "ä"])
def test_a_name_that_is_none_reaches_no_other_path(name: str) -> None:
    with pytest.raises(InvalidRequest):
        translated("vertex", asking(), name)


def test_an_answer_is_read_in_its_order() -> None:
    said = [{"embeddings": {"values": [1], "statistics": {"token_count": 3}}}, {"embeddings": {"values": [2.5]}}]
    found = VERTEX.answer(json.dumps({"predictions": said}).encode(), {}, asking(["a", "b"]))
    assert found.vectors == (vectors.from_numbers([1]), vectors.from_numbers([2.5]))
    assert found.usage is not None
    assert found.usage.prompt == 3
    assert VERTEX.answer(json.dumps({"predictions": said[1:]}).encode(), {}, asking()).usage is None


@pytest.mark.parametrize("body", [b"", b"{}", b'{"predictions": [{}]}'])
def test_an_answer_without_the_vectors_is_none(body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError) as failed:
        VERTEX.answer(body, {}, asking())
    assert failed.value.provider == "vertex"


@given(st.binary())
def test_any_bytes_are_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        VERTEX.answer(body, {}, asking())
