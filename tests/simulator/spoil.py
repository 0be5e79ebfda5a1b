"""Applying faults to an answer: pure, from what the provider would have sent to what it will send."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

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
)
from tests.simulator.reply import Ending, Piece, Reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a stream as the provider would send it."""

    data: bytes
    tokens: int = 0
    end: bool = False
    """The provider's own end mark: a stream without it is truncated."""

    def piece(self) -> Piece:
        return Piece(self.data, self.tokens)


def spoil_frames(frames: Iterable[Frame], faults: Sequence[Fault], *, broken: bytes) -> list[Frame]:
    """The events of a stream after the faults that change them. `broken`: one of its events, with half its JSON."""
    result = list(frames)
    for fault in faults:
        match fault:
            case MalformedFrame(after):
                result.insert(after, Frame(broken))
            case Garbage(after):
                result.insert(after, Frame(b"\xff\xfe\x00\x81 not an event \xc3\n\n<html>\n\n"))
            case NoEndMark():
                result = [frame for frame in result if not frame.end]
            case OddSse():
                result = [replace(frame, data=_odd(frame.data, index)) for index, frame in enumerate(result)]
            case _:
                pass
    return result


def _odd(data: bytes, index: int) -> bytes:
    """The same event in another spelling of the same grammar (HTML Standard, Server-sent events, §9.2.5)."""
    fields = [line.split(b": ", 1) for line in data.split(b"\n") if line.strip()]
    lines = [name + b":" + value.rstrip(b"\r") for name, value in fields]
    lines.insert(0, b": a comment\nid: %d\nretry: 3000\nx-unknown: field\nlonely" % index)
    ends = (b"\n", b"\r\n", b"\r")[index % 3]
    event = ends.join(b"\n".join(lines).split(b"\n")) + ends * 2
    silent = b"event: nothing" + ends * 2  # no data: dispatches nothing
    return (b"\xef\xbb\xbf" if index == 0 else b"") + silent + _over_lines(event, ends)


def _over_lines(event: bytes, ends: bytes) -> bytes:
    """JSON over two `data:` lines, split behind its first brace: the line end that joins them is white space there."""
    head, mark, data = event.partition(b"data:{")
    if not mark:
        return event
    return head + b"data:{" + ends + b"data:" + data


def replaced(fault: Fault) -> Reply | None:
    """The whole answer that a fault puts in the place of the provider's, unless it needs the provider's own words."""
    match fault:
        case HtmlPage(status):
            title = f"{status} {HTTPStatus(status).phrase}"
            page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body><h1>{title}</h1></body>\r\n</html>\r\n"
            return Reply(status, (("content-type", "text/html"),), (Piece(page.encode()),), streamed=False)
        case NotJson(content_type, body):
            return Reply(200, (("content-type", content_type),), (Piece(body.encode()),), streamed=False)
        case _:
            return None


def spoil_reply(reply: Reply, faults: Sequence[Fault]) -> Reply:
    """The reply after the faults that concern its headers, its end and its bytes."""
    for stage in (_headers, _end_after_events, _bytes, _end_after_bytes):
        for fault in faults:
            reply = stage(reply, fault)
    return reply


def _headers(reply: Reply, fault: Fault) -> Reply:
    return replace(reply, headers=(*reply.headers, *LEAKED)) if isinstance(fault, Leaky) else reply


def _end_after_events(reply: Reply, fault: Fault) -> Reply:
    match fault:
        case Hang(None):
            return replace(reply, head=False, pieces=(), ending=Ending.HANG)
        case Hang(int(after)):
            return _ended(reply, reply.pieces[:after], Ending.HANG)
        case Cut(None, None):
            return replace(reply, head=False, pieces=(), ending=Ending.CUT)
        case Reset(None, None):
            return replace(reply, head=False, pieces=(), ending=Ending.RESET)
        case Cut(int(after)):
            return _ended(reply, reply.pieces[:after], Ending.CUT)
        case Reset(int(after)):
            return _ended(reply, reply.pieces[:after], Ending.RESET)
        case _:
            return reply


def _end_after_bytes(reply: Reply, fault: Fault) -> Reply:
    match fault:
        case Cut(_, int(count)):
            return _ended(reply, _first_bytes(reply.pieces, count), Ending.CUT)
        case Reset(_, int(count)):
            return _ended(reply, _first_bytes(reply.pieces, count), Ending.RESET)
        case _:
            return reply


def _ended(reply: Reply, pieces: tuple[Piece, ...], ending: Ending) -> Reply:
    promised = sum(len(piece.data) for piece in reply.pieces)
    return replace(reply, pieces=pieces, ending=ending, promised=promised)


def _first_bytes(pieces: Iterable[Piece], count: int) -> tuple[Piece, ...]:
    kept: list[Piece] = []
    for piece in pieces:
        if count <= 0:
            break
        kept.append(replace(piece, data=piece.data[:count]))
        count -= len(piece.data)
    return tuple(kept)


def _bytes(reply: Reply, fault: Fault) -> Reply:
    match fault:
        case Gzip():
            encoded = (*reply.headers, ("content-encoding", "gzip"))
            return replace(reply, headers=encoded, pieces=tuple(_gzipped(reply.pieces)))
        case Chunks(size):
            return replace(reply, streamed=True, pieces=rechunked(reply.pieces, size))
        case _:
            return reply


def _gzipped(pieces: Iterable[Piece]) -> Iterable[Piece]:
    encoder = zlib.compressobj(wbits=31)
    for piece in pieces:
        yield replace(piece, data=encoder.compress(piece.data) + encoder.flush(zlib.Z_SYNC_FLUSH))
    yield Piece(encoder.flush())


def rechunked(pieces: Iterable[Piece], size: int) -> tuple[Piece, ...]:
    """The same bytes in pieces of `size`; 0 is all in one. The model's time is spent before the first."""
    pieces = tuple(pieces)
    body = b"".join(piece.data for piece in pieces)
    tokens = sum(piece.tokens for piece in pieces)
    size = size or max(1, len(body))
    cuts = [body[start : start + size] for start in range(0, len(body), size)]
    return tuple(Piece(cut, tokens if index == 0 else 0) for index, cut in enumerate(cuts))


def sse(payload: object, *, event: str | None = None, newline: str = "\n", spaced: bool = False) -> bytes:
    """One SSE event. `spaced`: with JSON's default separators, as a Python service writes them."""
    separators = (", ", ": ") if spaced else (",", ":")
    data = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False, separators=separators)
    prefix = f"event: {event}{newline}" if event else ""
    return f"{prefix}data: {data}{newline}{newline}".encode()
