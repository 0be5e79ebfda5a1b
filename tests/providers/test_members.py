from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.jsonwalk import MalformedJson, dump
from providers.members import REMOVED, Renamed, Within, parse_members, patch_members

if TYPE_CHECKING:
    from providers.members import Change

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
objects = st.dictionaries(st.text(max_size=6), values, max_size=6)


@st.composite
def spelled(draw: st.DrawFn, value: dict[str, Any]) -> bytes:
    """`value` as JSON with white space and escapes of somebody else's taste."""
    text = json.dumps(value, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1, "\t"])))
    space = st.text(alphabet=" \t\r\n", max_size=3)
    return (draw(space) + text + draw(space)).encode("utf-8", "surrogatepass")


ODD = b'\n{ "a" : 1e3 ,\t"big":123456789012345678901234567890, "s":"\\u00e9\\/\xc3\xa9" , "new": [1,{"x":null}] }\r\n'


def test_nothing_to_change_leaves_every_byte() -> None:
    assert patch_members(ODD, {}) == ODD


def test_a_replaced_member_leaves_all_other_bytes() -> None:
    assert patch_members(ODD, {"a": 2}) == ODD.replace(b"1e3", b"2")
    assert patch_members(ODD, {"s": "☃"}) == ODD.replace(b'"\\u00e9\\/\xc3\xa9"', '"☃"'.encode())


def test_a_member_that_says_it_already_is_left_as_it_is_spelled() -> None:
    assert patch_members(ODD, {"a": 1000.0, "s": "é/é", "new": [1, {"x": None}]}) == ODD


def test_a_number_is_not_the_boolean_that_equals_it() -> None:
    assert patch_members(b'{"stream":1}', {"stream": True}) == b'{"stream":true}'


def test_an_added_member_stands_last_and_takes_the_separator_of_the_others() -> None:
    assert patch_members(b'{"a":1}', {"b": 2}) == b'{"a":1,"b":2}'
    assert patch_members(b'{\n  "a": 1,\n  "b": 2\n}', {"c": 3}) == b'{\n  "a": 1,\n  "b": 2,\n  "c":3\n}'
    assert patch_members(b" { } ", {"a": 1, "b": 2}) == b' { "a":1,"b":2} '


@pytest.mark.parametrize(
    ("removed", "left"),
    [
        ("a", b'{ "b": 2 , "c":3 }'),
        ("b", b'{ "a":1, "c":3 }'),
        ("c", b'{ "a":1 ,"b": 2 }'),
        ("zz", b'{ "a":1 ,"b": 2 , "c":3 }'),
    ],
)
def test_a_removed_member_takes_one_comma_with_it(removed: str, left: bytes) -> None:
    patched = patch_members(b'{ "a":1 ,"b": 2 , "c":3 }', {removed: REMOVED})
    assert json.loads(patched) == json.loads(left)
    assert patched.count(b",") == left.count(b",")


def test_all_members_can_go() -> None:
    assert patch_members(b'{"a":1,"b":2}', {"a": REMOVED, "b": REMOVED}) == b"{}"


def test_a_renamed_member_keeps_its_place_and_its_spelling() -> None:
    assert patch_members(b'{"limit" : 1e2, "b":2}', {"limit": Renamed("max")}) == b'{"max":1e2, "b":2}'
    assert patch_members(b'{"b":2}', {"limit": Renamed("max")}) == b'{"b":2}'


def test_changes_within_an_object_leave_its_other_members() -> None:
    body = b'{"stream_options": {"chunk_include_usage" :1e0, "include_usage":false}}'
    patched = patch_members(body, {"stream_options": Within({"include_usage": True})})
    assert patched == body.replace(b"false", b"true")


@pytest.mark.parametrize("body", [b"{}", b'{"o":null}', b'{"o":7}'])
def test_changes_within_what_is_no_object_make_one(body: bytes) -> None:
    assert patch_members(body, {"o": Within({"deep": Within({"x": 1}), "gone": REMOVED})}) == b'{"o":{"deep":{"x":1}}}'


def test_changes_within_an_array_go_by_number() -> None:
    body = b'{"m": [ {"role":"developer", "x":1e1} , {"role":"user"}, 3 ,[] ]}'
    changes = {"m": Within({0: Within({"role": "system"}), 2: REMOVED, 9: "nobody"})}
    assert patch_members(body, changes) == b'{"m": [ {"role":"system", "x":1e1} , {"role":"user"} ,[] ]}'


def test_names_of_array_items_do_not_apply_to_an_object_nor_the_other_way_round() -> None:
    assert patch_members(b'{"m":{"0":1}}', {"m": Within({0: 5})}) == b'{"m":{"0":1}}'
    assert patch_members(b'{"m":[1]}', {"m": Within({"0": 5})}) == b'{"m":[1]}'


def test_an_empty_array_has_nothing_to_change() -> None:
    assert patch_members(b'{"m":[ ]}', {"m": Within({0: 5})}) == b'{"m":[ ]}'


def test_a_byte_order_mark_is_read_and_not_sent_on() -> None:
    assert patch_members(b'\xef\xbb\xbf{"a":1}', {"a": 2}) == b'{"a":2}'
    assert parse_members(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


@pytest.mark.parametrize("body", [b'{"a":1,"a":1}', b'{"a":1,"\\u0061":2}'])
def test_a_member_written_twice_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedJson, match="twice"):
        patch_members(body, {"b": 1})
    with pytest.raises(MalformedJson, match="twice"):
        parse_members(body)


def test_a_member_written_twice_further_in_is_refused_when_parsed_and_where_patched() -> None:
    body = b'{"o":{"a":1,"a":2}}'
    with pytest.raises(MalformedJson, match="twice"):
        parse_members(body)
    with pytest.raises(MalformedJson, match="twice"):
        patch_members(body, {"o": Within({"b": 1})})


BROKEN = [
    b"",
    b"  ",
    b"{",
    b'{"a"',
    b'{"a":',
    b'{"a":1',
    b'{"a":1,',
    b'{"a":1,}',
    b'{"a" 1}',
    b"{a:1}",
    b"{'a':1}",
    b'{"a":1 "b":2}',
    b'{"a":NaN}',
    b'{"a":-Infinity}',
    b'{"a":1}x',
    b'{"a":"\x01"}',
    b'{"a":"\xff"}',
    b"\xff\xfe{\x00}\x00",
    b"[]",
    b"7",
    b'"a"',
    b"[",
    b"nul",
    b'{"a":' + b"[" * 200_000,
    b'{"a":' + b"9" * 5000 + b"}",
    b'{"a":[1 2]}',
]


@pytest.mark.parametrize("body", BROKEN, ids=lambda body: repr(body[:20]))
@pytest.mark.parametrize("change", [1, Within({0: 1})], ids=["replaced", "within"])
def test_what_is_no_json_object_is_malformed(body: bytes, change: Change) -> None:
    with pytest.raises(MalformedJson):
        patch_members(body, {"a": change})
    with pytest.raises(MalformedJson):
        parse_members(body)


def test_a_number_out_of_range_is_refused_when_parsed() -> None:
    with pytest.raises(MalformedJson, match="range"):
        parse_members(b'{"temperature":1e999}')
    assert parse_members(b'{"temperature":1e-3}') == {"temperature": 0.001}


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\ntrue01eE.-\x00é').map(str.encode))
def test_any_bytes_are_patched_or_malformed(body: bytes) -> None:
    try:
        patched = patch_members(body, {"model": "x"})
    except MalformedJson as fault:
        assert len(str(fault)) < 100
        return
    assert json.loads(patched)["model"] == "x"


@given(st.data(), objects, objects, st.sets(st.text(max_size=6), max_size=3))
def test_a_patched_object_reads_as_the_patched_dict(
    data: st.DataObject, value: dict[str, Any], news: dict[str, Any], gone: set[str]
) -> None:
    body = data.draw(spelled(value))
    removed = dict.fromkeys(gone | set(list(value)[:1]), REMOVED)
    patched = patch_members(body, {**removed, **news})
    expected = {name: member for name, member in value.items() if name not in removed} | news
    assert parse_members(patched) == expected
    assert json.loads(patched) == json.loads(dump(expected))


@given(st.data(), objects)
def test_a_parsed_object_reads_as_json_reads_it(data: st.DataObject, value: dict[str, Any]) -> None:
    assert parse_members(data.draw(spelled(value))) == value


def test_the_absent_member_has_a_name_in_logs() -> None:
    assert repr(REMOVED) == "REMOVED"
