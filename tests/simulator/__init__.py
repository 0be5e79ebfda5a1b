"""OpenAI, Anthropic and Perplexity on loopback: wire formats, rules, a model's delays, faults on demand.

    async with Simulator() as simulator:
        client = AsyncOpenAI(base_url=simulator.url("openai"), api_key="sk-test")
        simulator.next(Status(429, retry_after="1"), provider="openai")
        …
        assert simulator.calls("openai") == 2

Only the standard library is used, so the demo can run it from a plain checkout: `python -m tests.simulator --help`.
The prompts that ask for a certain kind of answer are listed in `model.py`, the faults in `fault.py`.
"""

from tests.simulator.fault import (
    LEAKED,
    Chunks,
    Cut,
    Fault,
    Garbage,
    Gzip,
    Hang,
    HtmlPage,
    Leaky,
    MalformedFrame,
    NoEndMark,
    NotJson,
    OddSse,
    Reset,
    Say,
    Status,
    StreamError,
    Tomorrow,
)
from tests.simulator.ledger import Seen
from tests.simulator.replay import Recording, ReplayServer
from tests.simulator.simulator import Simulator

__all__ = [
    "LEAKED",
    "Chunks",
    "Cut",
    "Fault",
    "Garbage",
    "Gzip",
    "Hang",
    "HtmlPage",
    "Leaky",
    "MalformedFrame",
    "NoEndMark",
    "NotJson",
    "OddSse",
    "Recording",
    "ReplayServer",
    "Reset",
    "Say",
    "Seen",
    "Simulator",
    "Status",
    "StreamError",
    "Tomorrow",
]
