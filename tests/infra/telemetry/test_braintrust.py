"""`x-bt-parent`: what Braintrust's SDKs send, and what becomes of it."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.telemetry.braintrust import parse_parent

PROJECT, ROW = uuid.UUID(int=7 << 100), uuid.UUID(int=9 << 90)


def slug(version: int, kind: int, ids: list[tuple[int, bytes]], **members: Any) -> str:
    """As js/util/span_identifier_v3.ts and _v4.ts of braintrust-sdk write one."""
    entries = b"".join(bytes([number]) + raw for number, raw in ids)
    rest = json.dumps(members).encode() if members else b""
    return base64.b64encode(bytes([version, kind, len(ids)]) + entries + rest).decode()


@pytest.mark.parametrize(
    "value", ["project_id:1b2c", "project_name:My project: the 2nd", "experiment_id:x", "project_name:" + "n" * 256]
)
def test_a_named_object_is_taken_as_it_is(value: str) -> None:
    assert parse_parent(value) == value
    assert parse_parent(f"  {value} ") == value


def test_a_name_is_utf8() -> None:
    assert parse_parent("project_name:Größe 漢字".encode().decode("latin-1")) == "project_name:Größe 漢字"
    assert parse_parent("project_name:Gr\xf6\xdfe") == "project_name:Größe"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (slug(3, 2, [(1, PROJECT.bytes), (2, ROW.bytes), (3, ROW.bytes), (4, ROW.bytes)]), f"project_id:{PROJECT}"),
        (slug(3, 1, [(1, PROJECT.bytes)], propagated_event={"a": 1}), f"experiment_id:{PROJECT}"),
        (slug(4, 2, [(3, b"12345678"), (4, ROW.bytes)], object_id="p1", row_id="r"), "project_id:p1"),
        (slug(4, 1, [(3, b"12345678")], object_id="e1"), "experiment_id:e1"),
        (slug(4, 2, [], compute_object_metadata_args={"project_name": "Sabir"}), "project_name:Sabir"),
        (slug(3, 2, [], compute_object_metadata_args={"project_id": "p"}), "project_id:p"),
        (slug(3, 1, [], compute_object_metadata_args={"experiment_id": "e"}), "experiment_id:e"),
    ],
)
def test_an_exported_span_stands_for_what_it_is_in(value: str, expected: str) -> None:
    assert parse_parent(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "", "project_id:", "project_id: x", "project:x", "PROJECT_ID:x", "project_name:a\nb", "project_name:\x1b[1m",
        "project_name:" + "n" * 257, "x" * 5000, "%%%", "AAAA", base64.b64encode(b"\x04").decode(),
        slug(2, 2, [(1, PROJECT.bytes)]), slug(5, 2, [(1, PROJECT.bytes)]), slug(3, 3, [(1, PROJECT.bytes)]),
        slug(3, 2, [(1, PROJECT.bytes[:9])]), slug(3, 2, []), slug(4, 2, [], object_id=5), slug(4, 2, [], object_id="\ud83d"),
        slug(4, 2, [], compute_object_metadata_args=["x"]), base64.b64encode(b"\x03\x02\x00[1]").decode(),
        base64.b64encode(b"\x03\x02\x00" + b"[" * 2000).decode(), base64.b64encode(b"\x03\x02\xff").decode(),
    ],
)  # fmt: skip
def test_what_is_no_parent_is_none(value: str) -> None:
    assert parse_parent(value) is None


@given(st.text() | st.binary().map(lambda raw: base64.b64encode(b"\x04\x02" + raw).decode()))
def test_nothing_makes_it_raise(value: str) -> None:
    parent = parse_parent(value)
    assert parent is None or parent.split(":")[0] in ("project_id", "project_name", "experiment_id")
