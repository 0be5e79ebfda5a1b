"""The providers on loopback, in process: `async with Simulator() as simulator: …`."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.simulator.fault import Fault, Say, Status, StreamError, Tomorrow
from tests.simulator.gate import Gate
from tests.simulator.ledger import Ledger, Seen
from tests.simulator.model import answer, scripted, tokens
from tests.simulator.providers import PROVIDERS, Provider, Refused, Turn, anthropic_count, openai_embeddings
from tests.simulator.reply import Pace, Piece, Reply
from tests.simulator.server import Listener
from tests.simulator.spoil import Frame, replaced, spoil_frames, spoil_reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

# Longer than anything on loopback takes, shorter than the test runner's own limit, whose report would say less.
_PATIENCE_S = 30.0


@dataclass(slots=True)
class _Order:
    faults: tuple[Fault, ...]
    provider: str | None
    times: int


class Simulator:
    """OpenAI, Anthropic and Perplexity, each on a port of its own.

    Without delays unless asked for (`first_token_ms`, `per_token_ms`): tests use `hold`, `step` and `release` instead.
    """

    def __init__(
        self, *, first_token_ms: float = 0.0, per_token_ms: float = 0.0, ports: Mapping[str, int] | None = None
    ) -> None:
        self.pace = Pace(first_token_ms, per_token_ms)
        self.gate = Gate()
        self.ledger = Ledger()
        self._orders: deque[_Order] = deque()
        self._ports = ports or {}
        self._stack = AsyncExitStack()
        self._listeners = {name: self._listener(provider) for name, provider in PROVIDERS.items()}

    def _listener(self, provider: Provider) -> Listener:
        def respond(seen: Seen) -> Reply:
            return _respond(provider, seen, self._take(provider.name))

        return Listener(provider.name, respond, ledger=self.ledger, gate=self.gate, pace=self.pace)

    async def __aenter__(self) -> Self:
        for name, listener in self._listeners.items():
            await listener.start(self._ports.get(name, 0))
            self._stack.push_async_callback(listener.stop)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    # --- where ---

    def url(self, provider: str) -> str:
        """The base URL as the provider's official SDK means it: OpenAI's with `/v1`, the others' just the host."""
        return self._listeners[provider].origin + PROVIDERS[provider].suffix

    def environment(self) -> dict[str, str]:
        """`OPENAI_BASE_URL` and its like: all that a process needs to talk to the simulator and to nobody else."""
        return {provider.variable: self.url(name) for name, provider in PROVIDERS.items()}

    # --- what happens next ---

    def next(self, *faults: Fault, provider: str | None = None, times: int = 1) -> None:
        """The next `times` requests (to `provider`, or to any) meet these faults, all of them together.

        Orders queue up: `next(Status(429)); next(Status(503))` fails twice and then answers.
        """
        self._orders.append(_Order(faults, provider, times))

    def _take(self, provider: str) -> tuple[Fault, ...]:
        for order in self._orders:
            if order.provider in {None, provider}:
                order.times -= 1
                if order.times <= 0:
                    self._orders.remove(order)
                return order.faults
        return ()

    def hold(self) -> None:
        """Every answer waits before its first piece, and before each one after it."""
        self.gate.hold()

    async def step(self, pieces: int = 1) -> None:
        """Lets so many pieces (events of a stream, or a whole answer) go, and returns when they are on their way."""
        await asyncio.wait_for(self.gate.step(pieces), _PATIENCE_S)

    def release(self) -> None:
        self.gate.release()

    # --- what happened ---

    @property
    def requests(self) -> list[Seen]:
        return self.ledger.requests

    def calls(self, provider: str | None = None) -> int:
        return len(self.ledger.of(provider))

    async def seen(self, count: int = 1, provider: str | None = None) -> list[Seen]:
        """Waits until `count` requests have come, and returns all there are. TimeoutError when they do not come."""
        return await asyncio.wait_for(self.ledger.at_least(count, provider), _PATIENCE_S)

    def forget(self) -> None:
        """Forgets the requests and what was still to happen, and opens the gate."""
        self.ledger.forget()
        self._orders.clear()
        self.gate.release()


def _respond(provider: Provider, seen: Seen, faults: Sequence[Fault]) -> Reply:
    for fault in faults:
        if reply := replaced(fault):
            return spoil_reply(reply, faults)
    try:
        reply = _answered(provider, seen, faults)
    except Refused as refused:
        reply = provider.error(refused, seen.number)
    return spoil_reply(reply, faults)


def _answered(provider: Provider, seen: Seen, faults: Sequence[Fault]) -> Reply:
    if (seen.method, seen.path, provider.name) == ("POST", openai_embeddings.PATH, "openai"):
        _fail(provider, faults)
        return openai_embeddings.reply(seen)
    if (seen.method, seen.path, provider.name) == ("POST", anthropic_count.PATH, "anthropic"):
        _fail(provider, faults)
        return anthropic_count.reply(seen.request)
    if (seen.method, seen.path) != ("POST", provider.path):
        raise Refused(404, "not_found_error", f"Invalid URL ({seen.method} {seen.path})")
    body = provider.check(seen.request)
    _fail(provider, faults)
    turn = _turn(provider, body, seen.number, faults)
    streamed = body.get("stream") is True
    headers = provider.headers(turn, streamed=streamed)
    if not streamed:
        spent = sum(len(tokens(said.reasoning + said.text + said.refusal)) for said in turn.answers)
        return Reply(200, headers, (Piece(provider.whole(turn), spent),), streamed=False)
    frames = _cut_by_error(provider, seen.number, provider.frames(turn), faults)
    spoiled = spoil_frames(frames, faults, broken=provider.broken)
    return Reply(200, headers, tuple(frame.piece() for frame in spoiled), streamed=True)


def _fail(provider: Provider, faults: Sequence[Fault]) -> None:
    for fault in faults:
        if isinstance(fault, Status):
            raise _outage(provider, fault)


def _outage(provider: Provider, fault: Status) -> Refused:
    refused = provider.outage(fault)
    retry = (("retry-after", fault.retry_after),) if fault.retry_after is not None else ()
    refused.headers = (*refused.headers, *retry, *fault.headers)
    return refused


def _turn(provider: Provider, body: dict[str, object], number: int, faults: Sequence[Fault]) -> Turn:
    prompt = provider.prompt(body)
    script = next((fault for fault in faults if isinstance(fault, Say)), None)
    answers = [scripted(script) if script else answer(prompt, index) for index in range(provider.choices(body))]
    tomorrow = any(isinstance(fault, Tomorrow) for fault in faults)
    return Turn(number, body, answers, tomorrow=tomorrow, finish=script.finish if script else None)


def _cut_by_error(provider: Provider, number: int, frames: list[Frame], faults: Sequence[Fault]) -> list[Frame]:
    for fault in faults:
        if isinstance(fault, StreamError):
            return [*frames[: fault.after], provider.stream_error(number, overloaded=fault.overloaded)]
    return frames
