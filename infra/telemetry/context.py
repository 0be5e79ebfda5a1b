"""Which trace a request is part of: W3C Trace Context, level 2 (www.w3.org/TR/trace-context-2).

Pure: random bytes are passed in. It is read also where nothing is exported, so that the request log has the ids that
its caller knows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SAMPLED: Final = 0x01
RANDOM: Final = 0x02

RANDOM_BYTES: Final = 24
"""How many `begin_trace` needs: sixteen for a trace, eight for a span."""

_OWS: Final = " \t"
_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
# Later versions only add to it (§ Versioning of traceparent). "Prohibitively large" is ours to say.
_LONGEST_TRACEPARENT: Final = 256

_MEMBER: Final = re.compile(r"[a-z0-9][a-z0-9_\-*/@]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~]")
_MOST_MEMBERS: Final = 32
# § tracestate Limits: so much must be passed on. More is not, as it goes out with every attempt.
_LONGEST_TRACESTATE: Final = 512
_LONG_MEMBER: Final = 128

_RANDOMNESS: Final = 1 << 56


@dataclass(frozen=True, slots=True)
class Sampler:
    """`OTEL_TRACES_SAMPLER` in two numbers: of traces, `ratio` are exported.

    `parent_based`: a caller that sent a trace has decided already.
    """

    ratio: float = 1.0
    parent_based: bool = True

    def takes(self, trace_id: str) -> bool:
        """The same for every span of a trace, whoever asks: consistent probability sampling, by the last 56 bits.

        opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling: R >= T.
        """
        return int(trace_id[-14:], 16) >= round((1 - self.ratio) * _RANDOMNESS)


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Ids are hexadecimal, as a record has them. `trace_flags`: with our own decision, not the caller's.

    `received`: the caller's own header, where we only pass it on; None where we add spans of ours to the trace.
    """

    trace_id: str
    span_id: str
    trace_flags: str
    parent_span_id: str | None = None
    tracestate: str = ""
    received: str | None = None

    @property
    def traceparent(self) -> str:
        """What the client is told, in `server-timing: traceparent;desc="…"`."""
        return _traceparent(self.trace_id, self.span_id, self.trace_flags)

    def upstream_headers(self, number: int) -> dict[str, str]:
        """For the request of the attempt that has this place, from 0, in `record.attempts`.

        Where we export nothing, a span of ours would be a hole in the trace, so the caller's own stays the parent.
        """
        own = _traceparent(self.trace_id, attempt_span_id(self.span_id, number), self.trace_flags)
        headers = {"traceparent": own if self.received is None else self.received}
        return {**headers, "tracestate": self.tracestate} if self.tracestate else headers


def begin_trace(
    values: Callable[[str], Sequence[str]], random: bytes, sampler: Sampler | None = None
) -> TraceContext | None:
    """The trace that the caller sent, or a new one.

    `values`: all header values of a name; `random`: `RANDOM_BYTES` bytes; `sampler`: None where nothing is exported,
    and there a caller that sent no trace has none.
    """
    span_id = _nonzero(random[16:24])
    parent = _parent(values("traceparent"))
    if parent is None:
        return None if sampler is None else _new(_nonzero(random[:16]), span_id, sampler)
    header, trace_id, parent_id, flags = parent
    if sampler is not None:
        sampled = bool(flags & SAMPLED) if sampler.parent_based else sampler.takes(trace_id)
        flags = (flags & RANDOM) | (SAMPLED if sampled else 0)
    received = header if sampler is None else None
    return TraceContext(
        trace_id, span_id, f"{flags:02x}", parent_id, _tracestate(values("tracestate")), received=received
    )


def attempt_span_id(span_id: str, number: int) -> str:
    """The span of the request's attempt at this place, from 0: the same when it is sent as when it is exported."""
    return _nonzero(sha256(f"{span_id}/{number}".encode()).digest()[:8])


def _new(trace_id: str, span_id: str, sampler: Sampler) -> TraceContext:
    flags = RANDOM | (SAMPLED if sampler.takes(trace_id) else 0)
    return TraceContext(trace_id, span_id, f"{flags:02x}")


def _parent(headers: Sequence[str]) -> tuple[str, str, str, int] | None:
    """The header, trace, span and flags of the caller's; None where there is none, or one that must be ignored."""
    if len(headers) != 1 or len(headers[0]) > _LONGEST_TRACEPARENT:
        return None
    header = headers[0].strip(_OWS)
    found = _TRACEPARENT.fullmatch(header)
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more is not None) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    # Of a later version only the sampled bit is known to mean what it means here.
    known = SAMPLED | RANDOM if version == "00" else SAMPLED
    return header, trace_id, span_id, int(flags, 16) & known


def _tracestate(headers: Sequence[str]) -> str:
    """All of it or nothing: one that breaks the grammar is no list whose members can be told apart."""
    members = [member for header in headers for each in header.split(",") if (member := each.strip(_OWS))]
    if len(members) > _MOST_MEMBERS or not all(_MEMBER.fullmatch(member) for member in members):
        return ""
    return ",".join(_shortened(members))


def _shortened(members: list[str]) -> list[str]:
    """Whole members go: first the long ones, then from the end (§ tracestate Limits)."""
    if _length(members) > _LONGEST_TRACESTATE:
        members = [member for member in members if len(member) <= _LONG_MEMBER]
    while _length(members) > _LONGEST_TRACESTATE:
        members = members[:-1]
    return members


def _length(members: list[str]) -> int:
    return sum(len(member) + 1 for member in members) - 1


def _traceparent(trace_id: str, span_id: str, flags: str) -> str:
    return f"00-{trace_id}-{span_id}-{flags}"


def _nonzero(random: bytes) -> str:
    """All zeros are no id. Nobody will see it happen."""
    return random.hex() if any(random) else f"{1:0{2 * len(random)}x}"
