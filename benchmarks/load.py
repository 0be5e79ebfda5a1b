"""Asking a server the same thing many times, one after the other, and writing down how long it took."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.cpu import CpuClock


class WrongAnswer(Exception):
    """A server did not answer what the measurement is about, so its time would mean nothing."""


@dataclass(slots=True)
class Sample:
    """What was measured of one kind of exchange at one server. Times in seconds."""

    total: list[float] = field(default_factory=list)
    first_byte: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """CPU time of the server per request, one number for each round."""
    chunks: int = 0
    """Events in an answer."""


class Caller:
    """One kept connection to one URL. Blocking on purpose: the least code between the clock and the socket."""

    def __init__(self, url: str, headers: dict[str, str], body: Callable[[int], dict[str, object]]) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        self._path, self._headers, self._body = parts.path, headers, body
        self._number = 0

    def close(self) -> None:
        self._connection.close()

    def fetch(self) -> bytes:
        """The body of one answer."""
        self._connection.request("POST", self._path, json.dumps(self._body(0)).encode(), self._headers)
        response = self._connection.getresponse()
        body = response.read()
        self._check(response, body, None)
        return body

    def call(self, sample: Sample | None = None, *, cached: str | None = None) -> None:
        """One exchange. `cached`: the `x-bt-cached` that the answer must have. Raises `WrongAnswer`."""
        self._number += 1
        body = json.dumps(self._body(self._number)).encode()
        started = time.perf_counter()
        self._connection.request("POST", self._path, body, self._headers)
        response = self._connection.getresponse()
        first = response.read(1)
        arrived = time.perf_counter()
        received = first + response.read()
        ended = time.perf_counter()
        self._check(response, received, cached)
        if sample is not None:
            sample.total.append(ended - started)
            sample.first_byte.append(arrived - started)
            sample.chunks = received.count(b"data: ")

    def _check(self, response: http.client.HTTPResponse, received: bytes, cached: str | None) -> None:
        if response.status != 200:
            raise WrongAnswer(f"{self._path} answered {response.status}: {received[:300].decode(errors='replace')}")
        verdict = response.getheader("x-bt-cached")
        if cached is not None and verdict != cached:
            raise WrongAnswer(f"expected x-bt-cached: {cached}, got {verdict}")


def measure(caller: Caller, sample: Sample, count: int, *, cpu: CpuClock | None, cached: str | None) -> None:
    """`count` exchanges, and the server's CPU time over all of them."""
    before = cpu.read() if cpu else 0.0
    for _ in range(count):
        caller.call(sample, cached=cached)
    if cpu:
        sample.cpu.append((cpu.read() - before) / count)
