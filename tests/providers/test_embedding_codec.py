from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.embedding import Embeddings, joined
from providers.embedding_codec import UnreadableEmbeddings, Verbatim, decode, encode
from providers.usage import Usage

counts = st.none() | st.integers(0, 10**9)
usages = st.builds(Usage, input=counts, output=counts, extra=st.dictionaries(st.text(), st.integers()))
vectors = st.lists(st.integers(1, 4).flatmap(lambda size: st.binary(min_size=4 * size, max_size=4 * size)))
answers = st.builds(
    Embeddings,
    vectors.map(tuple),
    st.none() | st.text(),
    st.none() | usages,
    st.dictionaries(st.text(), st.none() | st.integers() | st.text()),
)


@given(answers | st.builds(Verbatim, st.binary()))
def test_what_was_stored_comes_back(answer: Embeddings | Verbatim) -> None:
    assert decode(encode(answer)) == answer


@given(st.binary())
def test_anything_else_is_unreadable_and_nothing_worse(stored: bytes) -> None:
    with pytest.raises(UnreadableEmbeddings):
        decode(b"2" + stored)
    with suppress(UnreadableEmbeddings):
        decode(b"1" + stored)


@pytest.mark.parametrize(
    "head", [b"[]", b"{}", b'{"sizes":[4],"usage":null,"model":null,"fields":{}}', b'{"sizes":[],"usage":{"x":1}}']
)
def test_a_head_of_another_shape_is_unreadable(head: bytes) -> None:
    with pytest.raises(UnreadableEmbeddings):
        decode(b"1" + len(head).to_bytes(4) + head)


def test_a_vector_takes_four_bytes_a_dimension() -> None:
    answer = Embeddings((bytes(4 * 1536),), "text-embedding-3-small", Usage(input=1))
    assert len(encode(answer)) < 4 * 1536 + 120


def test_neither_vectors_nor_a_body_are_in_a_repr() -> None:
    assert "secret" not in repr(Embeddings((b"secret--",))) + repr(Verbatim(b"secret"))


def test_parts_are_joined_in_their_order() -> None:
    first, last = Embeddings((b"aaaa",), "m", Usage(input=2), {"id": "1"}), Embeddings((b"bbbb",), "m", Usage(input=3))
    assert joined([first]) is first
    assert joined([first, last]) == Embeddings((b"aaaa", b"bbbb"), "m", Usage(input=5))
    assert joined([Embeddings((b"aaaa",)), Embeddings((b"bbbb",))]).usage is None
