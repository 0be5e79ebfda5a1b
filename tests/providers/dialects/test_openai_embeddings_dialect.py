from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import vectors
from providers.dialects.openai.embeddings import MAX_INPUTS, embeddings_body, parse_embedding_request
from providers.embedding import WIRE, Embeddings
from providers.errors import InvalidRequest
from providers.usage import Usage


def parsed(body: Any) -> Any:
    return parse_embedding_request(json.dumps(body).encode())


def test_a_whole_request_is_read() -> None:
    body = {
        "model": "m", "input": "x", "dimensions": 8, "encoding_format": "base64", "input_type": "query", "user": "u",
        "truncate": "END", "nothing": None,
    }  # fmt: skip
    asked = parsed(body)
    assert (asked.model, asked.inputs, asked.dimensions) == ("m", ("x",), 8)
    assert (asked.encoding_format, asked.input_type, asked.user) == ("base64", "query", "u")
    assert (asked.native, asked.extra) == (False, {"truncate": "END"})
    assert (asked.source.wire, asked.source.value) == (WIRE, body)


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        ("x", ("x",)),
        ("", ("",)),
        (["x", "y"], ("x", "y")),
        ([1, 2], ((1, 2),)),
        ([[1, 2], [3]], ((1, 2), (3,))),
    ],
)
def test_every_form_of_input_is_read(given: object, inputs: object) -> None:
    assert parsed({"model": "m", "input": given}).inputs == inputs


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (None, "missing_required_parameter"),
        ([], "invalid_value"),
        (5, "invalid_type"),
        ({"text": "x"}, "invalid_type"),
        (["x", 1], "invalid_value"),
        (["x", ["y"]], "invalid_value"),
        ([1, "x"], "invalid_value"),
        ([1, True], "invalid_value"),
        ([1, -1], "invalid_value"),
        ([1.5], "invalid_value"),
        ([[1], []], "invalid_value"),
        ([[1], ["x"]], "invalid_value"),
        ([True], "invalid_value"),
        (["x"] * (MAX_INPUTS + 1), "invalid_value"),
    ],
)
def test_other_input_is_refused_and_never_quoted(given: object, code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parsed({"model": "m", "input": given})
    assert (refused.value.param, refused.value.code) == ("input", code)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": 1.5}, "dimensions"),
        ({"encoding_format": 1}, "encoding_format"),
        ({"input_type": 1}, "input_type"),
        ({"user": 1}, "user"),
        ({"output_dtype": 1}, "output_dtype"),
        ({"model": None}, "model"),
    ],
)
def test_a_member_of_another_type_is_named(more: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parsed({"model": "m", "input": "x", **more})
    assert refused.value.param == param


@pytest.mark.parametrize("body", [b"", b"[]", b'{"model": "a", "model": "b", "input": "x"}', b"\xff"])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_embedding_request(body)
    assert refused.value.code == "invalid_json"


@pytest.mark.parametrize(
    ("more", "native"),
    [
        ({}, False),
        ({"encoding_format": "float"}, False),
        ({"output_dtype": "float", "embedding_type": None}, False),
        ({"encoding_format": "base64_int8"}, True),
        ({"output_dtype": "int8"}, True),
        ({"embedding_type": "binary"}, True),
    ],
)
def test_vectors_of_anything_but_floats_are_a_hosts_own(more: Any, native: bool) -> None:
    assert parsed({"model": "m", "input": "x", **more}).native is native


@given(st.lists(st.text(), min_size=1, max_size=9), st.none() | st.integers(1, 10))
def test_parts_are_all_inputs_in_their_order(texts: list[str], most: int | None) -> None:
    asked = parsed({"model": "m", "input": texts, "dimensions": 4})
    parts = asked.parts(most)
    assert [each for part in parts for each in part.inputs] == list(asked.inputs)
    assert all(len(part.inputs) <= (most or len(texts)) and part.dimensions == 4 for part in parts)


def test_an_answer_is_openais() -> None:
    answer = Embeddings(
        (vectors.from_numbers([0.5, -1]), vectors.from_numbers([2])),
        "said",
        Usage(input=3, extra={"cost": 1}),
        {"id": "7"},
    )
    assert json.loads(embeddings_body(answer, "float", "m")) == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.5, -1]},
            {"object": "embedding", "index": 1, "embedding": [2]},
        ],
        "model": "said",
        "id": "7",
        "usage": {"prompt_tokens": 3, "total_tokens": 3, "cost": 1},
    }
    bare = json.loads(embeddings_body(Embeddings((vectors.from_numbers([1]),)), "base64", "m"))
    assert bare == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": "AACAPw=="}],
        "model": "m",
    }
