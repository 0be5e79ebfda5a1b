"""Writes that were carried out, and whose answers never came: neither booked twice nor refused for their own sake."""

from collections.abc import AsyncIterator

import pytest

from infra.limits.counters import Charge, CountersFault, Granted, Refused
from infra.limits.dynamodb import DynamoCounters
from tests.infra.limits.front import Front, front_of
from tests.infra.limits.stores import LATER, NOW, Place, charge, client_of

SCOPE = "org/acme"
DAY = NOW + 57_600
ASKED = [charge("money", 60, 100, DAY), charge("parallel", 1, 1)]


@pytest.fixture
async def front(table: Place) -> AsyncIterator[Front]:
    async with front_of(table.url) as front:
        yield front


@pytest.fixture
async def counters(table: Place, front: Front) -> AsyncIterator[DynamoCounters]:
    async with client_of(front.url) as client:
        yield DynamoCounters(client.call, table.table)


@pytest.mark.parametrize("asked", [ASKED, [charge("money", 60, 1000, DAY), charge("parallel", 1, None)]])
@pytest.mark.parametrize("answers", [1, 2])
async def test_pitfall_38_a_reservation_whose_answers_were_lost_is_granted_and_booked_once(
    counters: DynamoCounters, front: Front, answers: int, asked: list[Charge]
) -> None:
    front.lose(answers, "UpdateItem")
    granted = await counters.reserve(SCOPE, "a", asked, expires_at=LATER, now=NOW)
    assert front.lost == answers
    assert granted == Granted({"money": 60, "parallel": 1})
    assert await counters.settle(SCOPE, "a", {"money": 60}, now=NOW) == {"money": 60, "parallel": 0}


async def test_pitfall_38_a_refusal_whose_answer_was_lost_is_still_one(counters: DynamoCounters, front: Front) -> None:
    await counters.reserve(SCOPE, "a", ASKED, expires_at=LATER, now=NOW)
    front.lose(1, "UpdateItem")
    refused = await counters.reserve(SCOPE, "b", ASKED, expires_at=LATER, now=NOW)
    assert front.lost == 1
    assert refused == Refused({"money": 60, "parallel": 1})


async def test_pitfall_38_a_settlement_whose_answer_was_lost_is_booked_once(
    counters: DynamoCounters, front: Front
) -> None:
    await counters.reserve(SCOPE, "a", ASKED, expires_at=LATER, now=NOW)
    front.lose(1, "UpdateItem")
    settled = await counters.settle(SCOPE, "a", {"money": 45, "parallel": 0}, now=NOW)
    assert front.lost == 1
    assert settled == {"money": 45, "parallel": 0}


async def test_pitfall_38_a_giving_back_whose_answer_was_lost_happens_once(
    counters: DynamoCounters, front: Front
) -> None:
    two = [charge("parallel", 1, 2)]
    await counters.reserve(SCOPE, "dead", two, expires_at=NOW + 30, now=NOW)
    await counters.reserve(SCOPE, "alive", two, expires_at=LATER, now=NOW)
    # The first write of this is refused; the second one gives back.
    before = len(front.asked)
    front.lose(2, "UpdateItem")
    granted = await counters.reserve(SCOPE, "next", two, expires_at=LATER, now=NOW + 31)
    assert front.lost == 2
    assert front.asked[before:].count("UpdateItem") >= 4
    assert granted == Granted({"parallel": 2})


async def test_a_settlement_of_which_nothing_was_heard_can_be_repeated(counters: DynamoCounters, front: Front) -> None:
    await counters.reserve(SCOPE, "a", ASKED, expires_at=LATER, now=NOW)
    front.lose(3, "UpdateItem")
    with pytest.raises(CountersFault, match="UpdateItem failed"):
        await counters.settle(SCOPE, "a", {"money": 45}, now=NOW)
    assert await counters.settle(SCOPE, "a", {"money": 45}, now=NOW) == {"money": 45}


async def test_a_reservation_of_which_nothing_was_heard_is_a_fault_and_comes_back_when_its_lease_expires(
    counters: DynamoCounters, front: Front
) -> None:
    front.lose(3, "UpdateItem")
    with pytest.raises(CountersFault, match="UpdateItem failed"):
        await counters.reserve(SCOPE, "a", ASKED, expires_at=NOW + 30, now=NOW)
    assert front.lost == 3
    assert await counters.read(SCOPE, ["money", "parallel"], now=NOW) == {"money": 60, "parallel": 1}
    granted = await counters.reserve(SCOPE, "b", ASKED, expires_at=LATER, now=NOW + 30)
    assert granted == Granted({"money": 60, "parallel": 1})
