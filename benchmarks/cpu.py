"""The CPU time of another process, while it runs."""

from __future__ import annotations

import platform
import subprocess
import time


class CpuClock:
    """User and system time of a process and all its threads, in seconds, as `getrusage` would tell it from inside.

    Linux has a clock for each process (clock_getcpuclockid(3)) with nanoseconds; elsewhere `ps` has hundredths of a
    second, which the number of requests per reading has to make up for.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        # MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED) of linux/posix-timers.h; Python has no call for it.
        self._clock = (~pid << 3) | 2

    def read(self) -> float:
        if platform.system() == "Linux":
            return time.clock_gettime(self._clock)
        return _ps_seconds(self._pid)


def _ps_seconds(pid: int) -> float:
    text = subprocess.check_output(["ps", "-o", "time=", "-p", str(pid)], text=True).strip()
    seconds = 0.0
    for part in text.replace("-", ":").split(":"):
        seconds = seconds * 60 + float(part)
    return seconds
