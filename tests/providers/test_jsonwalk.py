from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.jsonwalk import MAX_DEPTH, MalformedJson, child, children, dump, integer, load_object, text, without

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


@given(st.dictionaries(st.text(), values))
def test_what_is_dumped_loads_again(value: dict[str, Any]) -> None:
    assert load_object(dump(value)) == json.loads(json.dumps(value), parse_constant=lambda _: None)


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_load_or_are_malformed(body: bytes) -> None:
    try:
        assert isinstance(load_object(body), dict)
    except MalformedJson as fault:
        assert len(str(fault)) < 100


def test_a_byte_order_mark_is_no_fault() -> None:
    assert load_object(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_only_utf8_is_read(encoding: str) -> None:
    with pytest.raises(MalformedJson):
        load_object('{"a":"é"}'.encode(encoding))


@pytest.mark.parametrize(
    "body", ["[]", "1", '"a"', "null", "{", '{"a":NaN}', '{"a":-Infinity}', "\ufeff{}", "[" * 99_999]
)
def test_anything_but_an_object_is_malformed(body: str) -> None:
    with pytest.raises(MalformedJson):
        load_object(body)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":[1,', '],"b":[]}]')])
def test_nesting_has_a_limit_that_the_stack_does_not_set(opening: str, closing: str) -> None:
    levels = opening.count("[") + opening.count("{")
    for depth in (MAX_DEPTH - levels, MAX_DEPTH + levels, 400, 900, 5_000, 200_000):
        times = depth // levels
        body = f'{{"q":{opening * times}1{closing * times}}}'
        if 1 + times * levels <= MAX_DEPTH:
            assert load_object(body)
        else:
            with pytest.raises(MalformedJson, match="nested too deeply"):
                load_object(body)


def test_the_limit_is_of_depth_and_not_of_length() -> None:
    flat = {"rows": [{"cells": [[number]]} for number in range(MAX_DEPTH)], "text": "[{" * MAX_DEPTH}
    assert load_object(json.dumps(flat)) == flat
    deepest = '{"a":' * (MAX_DEPTH - 1) + '{"text":"[["}' + "}" * (MAX_DEPTH - 1)
    assert load_object(deepest)
    with pytest.raises(MalformedJson):
        load_object('{"a":' + deepest + "}")


def test_a_fault_says_where_but_never_what() -> None:
    with pytest.raises(MalformedJson, match="line 2, column 6") as raised:
        load_object('{"prompt":"secret",\n "a" secret}')
    assert "secret" not in str(raised.value)


def test_an_integer_of_thousands_of_digits_is_malformed_and_not_an_unknown_error() -> None:
    with pytest.raises(MalformedJson, match="not valid JSON"):
        load_object('{"a":' + "9" * 5000 + "}")


def test_dumped_text_stays_text_and_a_lone_surrogate_is_escaped() -> None:
    assert dump({"a": "é☃"}) == '{"a":"é☃"}'.encode()
    assert dump({"a": "\ud800"}) == b'{"a":"\\ud800"}'


def test_infinity_has_no_json_and_becomes_null() -> None:
    value = load_object('{"a":[1e999,-1e999,1.5,"x",null,true],"\\ud800":{"b":1e999}}')
    assert value["a"] == [math.inf, -math.inf, 1.5, "x", None, True]
    assert load_object(dump(value)) == {"a": [None, None, 1.5, "x", None, True], "\ud800": {"b": None}}
    assert dump({"a": [1e999]}) == b'{"a":[null]}'
    assert dump(math.inf) == b"null"


def test_readers_give_the_wanted_type_or_nothing() -> None:
    value: dict[str, Any] = {"s": "x", "i": 3, "f": 4.0, "g": 4.5, "b": True, "o": {"p": 1}, "l": [{"q": 1}, 2, {}]}
    assert (text(value, "s"), text(value, "i"), text(value, "zz")) == ("x", None, None)
    numbers = [integer(value, key) for key in ("i", "f", "g", "b", "s", "zz")]
    assert numbers == [3, 4, None, None, None, None]
    assert type(integer(value, "f")) is int
    assert (child(value, "o"), child(value, "s"), child(value, "zz")) == ({"p": 1}, {}, {})
    assert list(children(value, "l")) == [{"q": 1}, {}]
    assert list(children(value, "o")) == []


def test_the_rest_is_what_is_neither_known_nor_null() -> None:
    assert without({"a": 1, "b": None, "c": 0, "d": ""}, "a") == {"c": 0, "d": ""}
