"""A process of its own that uses a store of counters: `python -m tests.infra.limits.worker <job> <place> <name> …`.

It says `ready` on its output, waits for a line on its input so that all workers begin together, and says what it did as
one line of JSON. The clock stands still: `now` is an argument of everything here.
"""

import asyncio
import fcntl
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from infra.limits.counters import Counters, Granted
from tests.infra.limits.stores import LATER, NOW, Place, charge, opened

SCOPE = "org/acme"
MONEY = "nano_usd/day/2027-01-15"
END_OF_DAY = NOW + 57_600

Job = Callable[[Counters, str, Sequence[str]], Awaitable[Any]]


async def spend(counters: Counters, name: str, arguments: Sequence[str]) -> Any:
    """Reserve a price `times` over and never settle; how often it was granted, and the highest sum seen."""
    times, price, budget = map(int, arguments)
    highest, granted = 0, 0
    for number in range(times):
        charges = [charge(MONEY, price, budget, END_OF_DAY)]
        answer = await counters.reserve(SCOPE, f"{name}-{number}", charges, expires_at=LATER, now=NOW)
        granted += isinstance(answer, Granted)
        highest = max(highest, answer.values[MONEY])
    return {"granted": granted, "highest": highest}


async def churn(counters: Counters, name: str, arguments: Sequence[str]) -> Any:
    """Come and go among at most `places`; the crowd inside is counted in a file that has nothing to do with the store."""
    times, places, crowd = int(arguments[0]), int(arguments[1]), Path(arguments[2])
    granted, most = 0, 0
    for number in range(times):
        lease_id = f"{name}-{number}"
        answer = await counters.reserve(SCOPE, lease_id, [charge("parallel", 1, places)], expires_at=LATER, now=NOW)
        if isinstance(answer, Granted):
            granted += 1
            most = max(most, _enter(crowd, 1), answer.values["parallel"])
            await asyncio.sleep(0)
            _enter(crowd, -1)
            await counters.settle(SCOPE, lease_id, {}, now=NOW)
    return {"granted": granted, "most": most}


async def trade(counters: Counters, name: str, arguments: Sequence[str]) -> Any:
    """Reserve a lot and settle on less or more, several at once; what was spent in the end."""
    times, worker = int(arguments[0]), int(arguments[1])

    async def one(number: int) -> int:
        used = (number * 37 + worker * 101) % 500
        reserved = [charge(MONEY, 250, None, END_OF_DAY), charge("parallel", 1, None)]
        await counters.reserve(SCOPE, f"{name}-{number}", reserved, expires_at=LATER, now=NOW)
        await counters.settle(SCOPE, f"{name}-{number}", {MONEY: used}, now=NOW)
        return used

    return {"spent": sum(await asyncio.gather(*map(one, range(times))))}


async def hold(counters: Counters, name: str, arguments: Sequence[str]) -> Any:
    """Reserve, say so, and never come back: the process is to be killed."""
    charges = [charge(MONEY, int(arguments[0]), int(arguments[0]), END_OF_DAY), charge("parallel", 1, 1)]
    answer = await counters.reserve(SCOPE, name, charges, expires_at=NOW + 900, now=NOW)
    print(json.dumps({"granted": isinstance(answer, Granted)}), flush=True)  # noqa: T201
    await asyncio.Event().wait()


JOBS: dict[str, Job] = {"spend": spend, "churn": churn, "trade": trade, "hold": hold}


def _enter(crowd: Path, step: int) -> int:
    with crowd.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        inside = int(file.read() or 0) + step
        file.seek(0)
        file.truncate()
        file.write(str(inside))
        return inside


async def _main() -> None:
    job, place, name, *arguments = sys.argv[1:]
    async with opened(Place(**json.loads(place))) as counters:
        # Connects before the start, so that the workers meet in the store and not on the way there.
        await counters.read(SCOPE, ["parallel"], now=NOW)
        print("ready", flush=True)  # noqa: T201
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        print(json.dumps(await JOBS[job](counters, name, arguments)), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(_main())
