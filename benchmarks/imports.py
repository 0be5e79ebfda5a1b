"""Reading what `python -X importtime` says, as costs of whole packages."""

from __future__ import annotations

import re
from collections import defaultdict

# "import time:       self [us] | cumulative | imported package", with two spaces of indentation for each level.
_LINE = re.compile(r"^import time:\s+(\d+) \|\s+\d+ \| \s*(\S+)$", re.MULTILINE)


def by_package(report: str) -> dict[str, float]:
    """Milliseconds by top-level package, dearest first. Each module counts its own time, without what it imports."""
    spent: defaultdict[str, float] = defaultdict(float)
    for microseconds, module in _LINE.findall(report):
        spent[module.partition(".")[0]] += int(microseconds) / 1000
    return dict(sorted(spent.items(), key=lambda item: -item[1]))
