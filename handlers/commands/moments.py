"""When, as it is written on the command line: `2h` ago, `yesterday`, a date. All in UTC, as what is printed."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from handlers.commands.values import UNITS

if TYPE_CHECKING:
    from click import Context, Parameter

_DAY: Final = 86_400


class _Moment(click.ParamType):
    """To epoch seconds."""

    name = "2h|30d|yesterday|DATE"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> float:
        now = time.time()
        if isinstance(value, float):
            return value
        if value in ("today", "yesterday"):
            return now // _DAY * _DAY - (_DAY if value == "yesterday" else 0)
        span = re.fullmatch(r"(\d{1,5})([mhdw])", value, re.ASCII)
        if span is not None:
            return max(0.0, now - int(span[1]) * UNITS[span[2]])
        if re.fullmatch(r"\d{9,11}(\.\d{1,9})?", value, re.ASCII):
            return float(value)
        try:
            moment = datetime.fromisoformat(value)
            return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            self._refuse(param, ctx)

    def _refuse(self, param: Parameter | None, ctx: Context | None) -> NoReturn:
        self.fail("give a span such as 2h, today, yesterday, or a time such as 2027-01-31T12:00 (UTC)", param, ctx)


MOMENT: Final = _Moment()
