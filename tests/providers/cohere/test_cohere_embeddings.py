from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import embedders, vectors
from providers.errors import Unsupported, UpstreamError, UpstreamProtocolError
from tests.providers.embedding_requests import asking, sent, translated

COHERE = embedders.find("cohere")


def test_a_request_asks_for_floats_and_for_no_cutting() -> None:
    request = translated("cohere", asking(["a", "b"], dimensions=256, encoding_format="base64"), "embed-v4.0").request
    assert json.loads(request.body) == {
        "model": "embed-v4.0",
        "input_type": "search_document",
        "embedding_types": ["float"],
        "truncate": "NONE",
        "output_dimension": 256,
        "texts": ["a", "b"],
    }
    assert request.url == "https://api.cohere.com/v2/embed"
    assert COHERE.most("embed-v4.0") == 96
    assert not COHERE.relays(asking())


@pytest.mark.parametrize(
    ("said", "sent_as"),
    [("query", "search_query"), ("document", "search_document"), ("passage", "search_document"), ("image", "image")],
)
def test_what_a_text_is_for_is_said_in_coheres_words(said: str, sent_as: str) -> None:
    assert sent("cohere", asking(input_type=said))["input_type"] == sent_as


def test_coheres_own_members_are_passed_on_and_others_named() -> None:
    asked = asking(truncate="END", max_tokens=9, embedding_types=["float"], whatever=1, user="u")
    done = translated("cohere", asked)
    body = json.loads(done.request.body)
    assert (body["truncate"], body["max_tokens"], done.dropped) == ("END", 9, ("whatever", "user"))


@pytest.mark.parametrize(
    ("given", "more", "param"),
    [
        ([1, 2], {}, "input"),
        ("x", {"encoding_format": "int8"}, "encoding_format"),
        ("x", {"embedding_types": ["int8"]}, "embedding_types"),
        ("x", {"images": ["data:"]}, "images"),
        ("x", {"inputs": []}, "inputs"),
    ],
)
def test_what_would_change_the_answer_is_refused(given: Any, more: Any, param: str) -> None:
    with pytest.raises(Unsupported) as refused:
        translated("cohere", asking(given, **more))
    assert refused.value.param == param


def test_an_answer_is_read_in_its_order() -> None:
    meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 4}}
    said = {"embeddings": {"float": [[1], [2.5]]}, "meta": meta}
    found = COHERE.answer(json.dumps(said).encode(), {}, asking(["a", "b"]))
    assert found.vectors == (vectors.from_numbers([1]), vectors.from_numbers([2.5]))
    assert found.usage is not None
    assert (found.usage.prompt, found.usage.extra) == (4, {"billed_units": {"input_tokens": 4}})
    assert COHERE.answer(b'{"embeddings": [[1]]}', {}, asking()).usage is None


@pytest.mark.parametrize("body", [b"", b"{}", b'{"embeddings": {"float": []}}', b'{"embeddings": {"float": [["x"]]}}'])
def test_an_answer_without_the_vectors_is_none(body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError) as failed:
        COHERE.answer(body, {}, asking())
    assert failed.value.provider == "cohere"


@given(st.binary())
def test_any_bytes_are_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        COHERE.answer(body, {}, asking())
