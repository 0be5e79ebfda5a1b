"""Times as ids, and cursors whose search has other times than before."""

from __future__ import annotations

import pytest

from infra.requests.cursor import cursor, span
from infra.requests.ids import began_at, new_request_id
from infra.requests.store import Wanted
from tests.infra.requests.records import NOW


@pytest.mark.parametrize("second", [NOW, 2_150_000_000])
def test_a_request_is_since_its_own_millisecond_and_not_until_it(second: int) -> None:
    """From 2038 on, the seconds times 1000 are as floats now and then a hair more than the whole number."""
    for thousandth in range(1000):
        one = new_request_id(second + thousandth / 1000 + 0.0001, bytes(10))
        began = began_at(one)
        assert began is not None
        assert int(one, 16) in span(Wanted("acme", began, began + 0.001), 1, None)
        assert int(one, 16) not in span(Wanted("acme", 0, began), 1, None)
        assert int(one, 16) not in span(Wanted("acme", began + 0.001, second + 5), 1, None)


def test_a_page_ends_at_the_cursor_or_at_until_whichever_is_earlier() -> None:
    early, late = (int(new_request_id(at, bytes(10)), 16) for at in (NOW - 5, NOW + 5))
    wanted = Wanted("acme", NOW - 10, NOW)
    assert span(wanted, 1, cursor(wanted, early)).stop == early
    assert span(wanted, 1, cursor(wanted, late)) == span(wanted, 1, None)
