"""One page of several shards, each of which is read from its newest record on, a piece at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.requests.wire import Found


@dataclass(slots=True)
class Shard:
    """Of what is asked for, all ids from `known` up are known; `done`: the lower ones too."""

    partition: str
    known: int
    done: bool = False


@dataclass(slots=True)
class Merge:
    """A page of the greatest ids from `low` on and below `high`.

    What one shard has found can be on the page only where all others are known so far down. So one position tells where
    the next page begins in each of them; what was read below it is read again then.
    """

    partitions: Sequence[str]
    low: int
    high: int
    limit: int
    shards: list[Shard] = field(init=False)
    texts: dict[int, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.shards = [Shard(partition, self.high) for partition in self.partitions]

    def behind(self) -> list[Shard]:
        """The shards that are to be read on before the page is full and right."""
        known = sorted(self.texts, reverse=True)[: self.limit]
        last = known[-1] if len(known) == self.limit else self.low
        return [shard for shard in self.shards if not shard.done and shard.known > last]

    def add(self, shard: Shard, found: Found) -> None:
        self.texts |= found.texts
        if found.last is None or found.last <= self.low:
            shard.done = True
        else:
            shard.known = found.last

    def page(self) -> tuple[list[str], int | None]:
        """The texts, newest first, and the id below which the next page begins; None where it would be empty."""
        frontier = max((shard.known for shard in self.shards if not shard.done), default=self.low)
        ids = sorted((one for one in self.texts if one >= frontier), reverse=True)
        texts = [self.texts[one] for one in ids[: self.limit]]
        if len(ids) > self.limit or (len(ids) == self.limit and frontier > self.low):
            return texts, ids[self.limit - 1]
        return texts, frontier if frontier > self.low else None
