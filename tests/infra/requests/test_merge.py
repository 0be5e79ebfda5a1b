"""Merging shards, without a store: any shards, read in pieces of any size, and a reader who gives up at any time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infra.requests.merge import Merge
from infra.requests.wire import Found

IDS = st.sets(st.integers(0, 60), max_size=40)


def read(shard: list[int], below: int, low: int, size: int, wanted: set[int]) -> Found:
    """As a store answers: the next `size`, of these the wanted ones, and where it stopped unless it came to the end."""
    looked_at = sorted((one for one in shard if low <= one < below), reverse=True)[:size]
    ended = len(looked_at) < size
    return Found({one: str(one) for one in looked_at if one in wanted}, None if ended else looked_at[-1])


@given(st.lists(IDS, min_size=1, max_size=4), IDS, st.integers(1, 12), st.data())
def test_pages_have_all_that_is_wanted_in_order(
    parts: list[set[int]], wanted: set[int], limit: int, data: st.DataObject
) -> None:
    taken: set[int] = set()
    shards: list[list[int]] = []
    for part in parts:
        shards.append(sorted(part - taken))
        taken |= part
    low = data.draw(st.integers(0, 60))
    high, seen = 61, list[int]()
    while True:
        merge = Merge([str(place) for place in range(len(shards))], low, high, limit)
        for _ in range(data.draw(st.integers(1, 3))):
            size = data.draw(st.integers(1, 20))
            for shard in merge.behind():
                merge.add(shard, read(shards[int(shard.partition)], shard.known, low, size, wanted))
        texts, position = merge.page()
        assert len(texts) <= limit
        assert position is None or low < position < high, "each page goes on"
        seen += [int(text) for text in texts]
        if position is None:
            break
        high = position
    assert seen == sorted((one for one in taken if one in wanted and one >= low), reverse=True)
