"""A secret that is a JSON object, or base64 of one; a key is neither."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.secret import Secret, members_of

FILE = {"type": "service_account", "number": 1, "client_email": "a@b", "project": "Zoë"}
TEXTS = {"type": "service_account", "client_email": "a@b", "project": "Zoë"}


@pytest.mark.parametrize("indent", [None, 2])
def test_the_text_members_of_a_key_file_are_read_from_json_and_from_base64(indent: int | None) -> None:
    text = json.dumps(FILE, indent=indent)
    assert members_of(Secret(text)) == TEXTS
    assert members_of(Secret(base64.b64encode(text.encode()).decode())) == TEXTS


@pytest.mark.parametrize(
    "text",
    ["", "sk-proj-1", "e", "eyJh", "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.c2ln", "e\xff", "{", "[]", "{}", '{"a":1}', '"x"',
     '{"a":' * 100_000, base64.b64encode(b"{\xff").decode(), base64.b64encode(b"{no").decode()],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_what_is_no_object_has_no_members(text: str) -> None:
    assert members_of(Secret(text)) == {}


@given(st.text(max_size=60))
def test_any_secret_can_be_asked(text: str) -> None:
    assert isinstance(members_of(Secret(text)), dict)
