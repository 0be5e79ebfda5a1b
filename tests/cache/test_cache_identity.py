import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.identity import MAX_DEPTH, IdentityError, request_identity

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def _identity_of(text: str) -> bytes:
    return request_identity({"body": json.loads(text)})


def test_the_canonical_form_itself() -> None:
    parts: dict[str, Any] = {
        "b": [1, 2.5, -0.0, True, None, "é\u2028\ud83d\ude00\n"],
        "a": {"z": 1e3, "y": {}},
        "c": [],
    }
    assert request_identity(parts) == (
        rb'{"a":{"y":{},"z":1000},"b":[1,2.5,0,true,null,"\u00e9\u2028\ud83d\ude00\n"],"c":[]}'
    )


@pytest.mark.parametrize(
    "spellings",
    [
        ['{"a":1,"b":2}', '{ "b" : 2,\n\t"a" : 1 }'],
        ["0", "0.0", "0e0", "-0", "-0.0", "0E+5", "0.000"],
        ["1", "1.0", "1e0", "10e-1", "1.000"],
        ["0.1", "0.10", "1e-1", "1E-1", "100e-3"],
        ["1000", "1e3", "1E+3", "1000.0"],
        ["9007199254740991", "9007199254740991.0", "9.007199254740991e15"],
        ["1e300", "1.0E+300", "10e299"],
        ['"é"', '"\\u00e9"', '"\\u00E9"'],
        ['"😀"', '"\\ud83d\\ude00"'],
        ['"a/b"', '"a\\/b"'],
        ['"\\n"', '"\\u000a"'],
        ['{"\\u0061":1}', '{"a":1}'],
    ],
)
def test_pitfall_29_every_spelling_of_a_value_is_one_identity(spellings: list[str]) -> None:
    assert len({_identity_of(text) for text in spellings}) == 1


@pytest.mark.parametrize(
    "different",
    [
        ["1", "true", '"1"', "[1]", '{"1":1}', "1.5"],
        ["0", "false", "null", '""', "[]", "{}"],
        ["9007199254740992", "9007199254740993", "9007199254740994"],
        ["10000000000000000000000", "10000000000000000000001"],
        # Read as doubles the two are equal, as written they are not: apart is a miss, together a wrong answer.
        ["9007199254740993", "9007199254740993.0"],
        ['"é"', '"e\\u0301"'],
        ['"\\ud800"', '"\\udfff"', '"\\\\ud800"', '"\\ufffd"'],
        ["[1,2]", "[2,1]", "[[1],2]", "[1,[2]]"],
        ['{"a":{"b":1}}', '{"a":1,"b":1}'],
        ['"a\\u0000"', '"a"'],
    ],
)
def test_different_values_are_different_identities(different: list[str]) -> None:
    assert len({_identity_of(text) for text in different}) == len(different)


def test_pitfall_29_a_header_that_changes_the_answer_changes_the_identity() -> None:
    plain: dict[str, Any] = {"dialect": "openai", "body": {"model": "m"}, "headers": {}}
    beta = {**plain, "headers": {"anthropic-beta": "context-1m"}}
    assert request_identity(plain) != request_identity(beta)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_json_cannot_say_is_refused(number: float) -> None:
    with pytest.raises(IdentityError, match="a number that JSON cannot express"):
        request_identity({"a": [number]})


def test_an_integer_too_long_to_write_down_is_refused() -> None:
    with pytest.raises(IdentityError, match="a number that JSON cannot express"):
        request_identity({"a": 10**5000})


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object(), 1j])
def test_other_types_are_refused_without_being_quoted(value: Any) -> None:
    with pytest.raises(IdentityError, match=r"^the request holds a value that is not JSON$"):
        request_identity({"a": value})


@pytest.mark.parametrize("key", [1, None, True, b"a"])
def test_keys_must_be_strings(key: Any) -> None:
    with pytest.raises(IdentityError, match="key that is not a string"):
        request_identity({"a": {key: 1}})


def test_nesting_is_bounded_and_the_bound_itself_is_fine() -> None:
    def nested(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = [value]
        return value

    assert request_identity({"a": nested(MAX_DEPTH - 1)}).startswith(b'{"a":[[[')
    with pytest.raises(IdentityError, match="nested more than 128 levels"):
        request_identity({"a": nested(MAX_DEPTH)})
    with pytest.raises(IdentityError, match="nested more than 128 levels"):
        request_identity({"a": nested(900)})


@given(values)
def test_the_identity_reads_back_as_the_value(value: Any) -> None:
    assert json.loads(request_identity({"a": value})) == {"a": value}


@given(values, st.randoms(use_true_random=False), st.sampled_from([None, 0, 3]), st.booleans())
def test_pitfall_29_no_respelling_changes_the_identity(value: Any, random: Any, indent: int, escape: bool) -> None:
    def shuffled(value: Any) -> Any:
        match value:
            case dict():
                items = list(value.items())
                random.shuffle(items)
                return {key: shuffled(item) for key, item in items}
            case list():
                return [shuffled(item) for item in value]
            case int() if not isinstance(value, bool) and abs(value) < 2**53:
                return random.choice([value, float(value)])
            case _:
                return value

    respelled = json.dumps(shuffled({"a": value}), indent=indent, ensure_ascii=escape)
    assert request_identity(json.loads(respelled)) == request_identity({"a": value})


@given(values, values)
def test_equal_identities_mean_equal_values(left: Any, right: Any) -> None:
    if request_identity({"a": left}) == request_identity({"a": right}):
        assert left == right
