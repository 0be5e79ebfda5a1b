"""The text of a Sabir key: one form for ever, and a typo is known without a look-up."""

from __future__ import annotations

import hashlib
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from infra.control.key_text import KEY_ID, ORG_ID, ParsedKey, hash_of, mint, new_key_id, parse
from providers.keys import is_sabir_key
from providers.secret import Secret

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
# Of the bytes 0 … 31. Keys are out there: this one must be read as long as there are any.
GOLDEN = "sbr_acme_abcdefg234_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf0Fk5lI"

org_ids = st.from_regex(ORG_ID, fullmatch=True)
key_ids = st.from_regex(KEY_ID, fullmatch=True)
randoms = st.binary(min_size=32, max_size=32)


def checksum_by_hand(body: str) -> str:
    """CRC-32 bit by bit, as RFC 1952 §8 has it."""
    register = 0xFFFFFFFF
    for byte in body.encode():
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xEDB88320 if register & 1 else 0)
    number = register ^ 0xFFFFFFFF
    return "".join(BASE62[number // 62**place % 62] for place in reversed(range(6)))


@given(org_ids, key_ids, randoms)
def test_a_minted_key_tells_its_ids(org_id: str, key_id: str, random: bytes) -> None:
    key = mint(org_id, key_id, random)
    assert parse(key) == ParsedKey(org_id, key_id)
    assert is_sabir_key(key)
    assert len(key.reveal()) == len(org_id) + 65


@given(org_ids, key_ids, randoms)
def test_the_secret_is_the_random_number_and_the_checksum_covers_all_before_it(org: str, key: str, raw: bytes) -> None:
    text = mint(org, key, raw).reveal()
    head, _, secret = text.rpartition("_")
    number = 0
    for letter in secret[:43]:
        number = number * 62 + BASE62.index(letter)
    assert (head, number) == (f"sbr_{org}_{key}", int.from_bytes(raw, "big"))
    assert secret[43:] == checksum_by_hand(text[:-6])


def test_the_form_is_the_same_for_ever() -> None:
    key = mint("acme", "abcdefg234", bytes(range(32)))
    assert key.reveal() == GOLDEN
    assert parse(Secret(GOLDEN)) == ParsedKey("acme", "abcdefg234")
    assert hash_of(key) == hashlib.sha256(GOLDEN.encode()).digest()


@given(org_ids, key_ids, st.tuples(randoms, randoms))
def test_other_random_bytes_are_another_key(org_id: str, key_id: str, both: tuple[bytes, bytes]) -> None:
    assume(both[0] != both[1])
    assert mint(org_id, key_id, both[0]) != mint(org_id, key_id, both[1])


def test_every_wrong_letter_is_noticed_without_a_look_up() -> None:
    for place, right in enumerate(GOLDEN):
        for letter in set(BASE62 + "_-.ü") - {right}:
            assert parse(Secret(GOLDEN[:place] + letter + GOLDEN[place + 1 :])) is None


def test_two_letters_in_the_wrong_order_are_noticed() -> None:
    for place in range(len(GOLDEN) - 1):
        swapped = GOLDEN[:place] + GOLDEN[place + 1] + GOLDEN[place] + GOLDEN[place + 2 :]
        assert swapped == GOLDEN or parse(Secret(swapped)) is None


@pytest.mark.parametrize("cut", range(1, len(GOLDEN)))
def test_a_key_that_was_not_copied_whole_is_noticed(cut: int) -> None:
    assert parse(Secret(GOLDEN[:-cut])) is None
    assert parse(Secret(GOLDEN[cut:])) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sbr_",
        "sk-proj-abc",
        GOLDEN + "\n",
        " " + GOLDEN,
        GOLDEN.upper(),
        GOLDEN.replace("acme", "-acme"),
        GOLDEN.replace("acme", "ac_me"),
        GOLDEN.replace("acme", ""),
        GOLDEN.replace("acme", "a" * 41),
        GOLDEN.replace("234", "۲۳۴"),
        GOLDEN.replace("003", "۰۰۳"),
    ],
)
def test_what_is_not_of_our_form_is_no_key(text: str) -> None:
    body = text[:-6]
    assert parse(Secret(text)) is None
    assert parse(Secret(body + checksum_by_hand(body))) is None, "not even with a checksum that fits"


@given(st.text(max_size=120))
def test_parsing_takes_any_text(text: str) -> None:
    assert parse(Secret(text)) is None
    assert parse(Secret("sbr_" + text)) is None


@pytest.mark.parametrize("org_id", ["", "-a", "a-", "A", "a_b", "a" * 41, "acme\n", "é", "a b", "a/b", "a#b"])
def test_an_org_id_of_another_form_makes_no_key(org_id: str) -> None:
    with pytest.raises(ValueError, match="an org id has 1 to 40"):
        mint(org_id, "abcdefg234", bytes(32))


@pytest.mark.parametrize(
    "key_id", ["", "abcdefg23", "abcdefg2345", "ABCDEFG234", "abcdefg230", "abcdefg231", "abc_efg234"]
)
def test_a_key_id_of_another_form_makes_no_key(key_id: str) -> None:
    with pytest.raises(ValueError, match="a key id has ten characters"):
        mint("acme", key_id, bytes(32))


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_takes_exactly_256_random_bits(size: int) -> None:
    with pytest.raises(ValueError, match=f"32 random bytes, not {size}"):
        mint("acme", "abcdefg234", bytes(size))


@given(st.binary(min_size=7, max_size=7))
def test_a_new_key_id_is_of_the_form(random: bytes) -> None:
    assert KEY_ID.fullmatch(new_key_id(random))


def test_a_new_key_id_shows_fifty_of_its_random_bits() -> None:
    assert new_key_id(bytes(7)) == "aaaaaaaaaa"
    assert new_key_id(b"\xff" * 7) == "7777777777"
    assert len({new_key_id((1 << bit).to_bytes(7, "big")) for bit in range(6, 56)}) == 50
    for size in (6, 8):
        with pytest.raises(ValueError, match=f"7 random bytes, not {size}"):
            new_key_id(bytes(size))


def test_a_key_shows_in_no_repr() -> None:
    key = mint("acme", "abcdefg234", bytes(range(32)))
    assert "003aUlTJ" not in f"{key!r} {key} {parse(key)!r}"
