"""When a provider says to come back. RFC 9110 §10.2.3: a number of seconds, or a date in one of three spellings."""

from __future__ import annotations

import re
from typing import Final

# Some providers write fractions; nine digits of seconds are thirty years.
_SECONDS: Final = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)

_MONTH: Final = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_TIME: Final = r"(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)"
_DAY: Final = r"(?:0[1-9]|[12]\d|3[01])"
# RFC 9110 §5.6.7. The parser below was made for mail, and takes a 99th of November for a date.
_DATE: Final = re.compile(
    rf"""
      [A-Z][a-z]{{2}},\ {_DAY}\ {_MONTH}\ [12]\d{{3}}\ {_TIME}\ GMT
    | [A-Z][a-z]{{5,8}},\ {_DAY}-{_MONTH}-\d\d\ {_TIME}\ GMT
    | [A-Z][a-z]{{2}}\ {_MONTH}\ (?:{_DAY}|\ [1-9])\ {_TIME}\ [12]\d{{3}}
    """,
    re.ASCII | re.VERBOSE,
)


def seconds(said: str | None, now: float) -> float | None:
    """How long to wait from `now` (epoch seconds), never negative; None where the header is absent or unreadable."""
    text = (said or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    return max(0.0, _moment(text) - now) if _DATE.fullmatch(text) else None


def _moment(date: str) -> float:
    """Epoch seconds. All HTTP dates are in UTC; the oldest spelling does not say so, and is taken for it."""
    from email.utils import mktime_tz, parsedate_tz

    parsed = parsedate_tz(date)
    return 0.0 if parsed is None else float(mktime_tz(parsed))
