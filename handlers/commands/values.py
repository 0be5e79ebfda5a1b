"""How limits, times and candidates are written on the command line."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from click import Context, Parameter

C = TypeVar("C", bound="Callable[..., Any]")

UNITS: Final = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True)
class Given:
    """A value that was given, to tell `none` from nothing."""

    value: int | str | None


class _Count(click.ParamType):
    """A whole number, or `none`."""

    name = "N|none"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> Given:
        if value == "none":
            return Given(None)
        if not re.fullmatch(r"\d{1,12}", value, re.ASCII):
            self.fail("give a whole number, or none to take the limit away", param, ctx)
        return Given(int(value))


class _Money(click.ParamType):
    """US dollars, or `none`; the API reads them, as decimals."""

    name = "USD|none"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> Given:
        if value == "none":
            return Given(None)
        amount = value.removeprefix("$")
        if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", amount, re.ASCII):
            self.fail("give US dollars, such as 12.50, or none to take the limit away", param, ctx)
        return Given(amount)


class _Expiry(click.ParamType):
    """`30d`, a date, or `never`, to epoch seconds."""

    name = "30d|DATE|never"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> Given:
        if value == "never":
            return Given(None)
        span = re.fullmatch(r"(\d{1,5})([mhdw])", value, re.ASCII)
        if span is not None:
            return Given(int(time.time()) + int(span[1]) * UNITS[span[2]])
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self._refuse(param, ctx)
        return Given(int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))

    def _refuse(self, param: Parameter | None, ctx: Context | None) -> NoReturn:
        self.fail("give a span such as 12h or 30d, a date such as 2027-01-31 (UTC), or never", param, ctx)


class _Percent(click.ParamType):
    """`10%`, or `off`, to a whole number."""

    name = "PERCENT|off"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> int:
        number = "0" if value == "off" else value.removesuffix("%")
        if not re.fullmatch(r"\d{1,3}", number, re.ASCII) or int(number) > 100:
            self.fail("give a whole number from 0% to 100%, or off", param, ctx)
        return int(number)


EXPIRY: Final = _Expiry()
PERCENT: Final = _Percent()

_LIMITS: Final = (
    ("--requests-per-minute", "requests_per_minute", _Count(), "Requests in a minute."),
    ("--tokens-per-minute", "tokens_per_minute", _Count(), "Tokens in a minute, input and output."),
    ("--parallel", "parallel_requests", _Count(), "Requests at the same time."),
    ("--usd-per-day", "usd_per_day", _Money(), "US dollars a day (UTC)."),
    ("--usd-per-month", "usd_per_month", _Money(), "US dollars a month (UTC)."),
)


def limit_options(command: C) -> C:
    """The five limits, as options; `limits_of` takes them out of the command's arguments again."""
    return reduce(
        lambda made, row: click.option(row[0], row[1], type=row[2], help=row[3])(made), reversed(_LIMITS), command
    )


def limits_of(options: dict[str, Any]) -> dict[str, Any]:
    """`{"limits": …}` with those that were given, or nothing."""
    given = {name: options.pop(name) for _, name, _, _ in _LIMITS}
    limits = {name: value.value for name, value in given.items() if value is not None}
    return {"limits": limits} if limits else {}


def pairs_of(written: tuple[str, ...], option: str) -> dict[str, str]:
    """`NAME=VALUE`, any number of times. Raises `click.UsageError` without quoting what was written."""
    pairs = [each.partition("=") for each in written]
    if not all(name and sign and value for name, sign, value in pairs):
        raise click.UsageError(f"{option} wants NAME=VALUE")
    return {name: value for name, _, value in pairs}


def candidate_of(written: str) -> dict[str, Any]:
    """`MODEL[,endpoint=NAME][,weight=N]`."""
    model, *rest = written.split(",")
    options = pairs_of(tuple(rest), "what follows a candidate's comma")
    unknown = options.keys() - {"endpoint", "weight"}
    weight = options.get("weight", "1")
    if not model or unknown or not re.fullmatch(r"\d{1,4}", weight, re.ASCII):
        raise click.UsageError(f"--candidate wants MODEL[,endpoint=NAME][,weight=N], not {written!r}")
    return {"model": model, "endpoint": options.get("endpoint"), "weight": int(weight)}


def moment_shown(seconds: float | None) -> str:
    """UTC, to the second; a dash for none."""
    return "-" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def limits_shown(limits: dict[str, Any]) -> str:
    """All limits that there are, in one line."""
    words = {
        "requests_per_minute": "{} requests/min",
        "tokens_per_minute": "{} tokens/min",
        "parallel_requests": "{} at once",
        "usd_per_day": "${}/day",
        "usd_per_month": "${}/month",
    }
    return ", ".join(words[name].format(limits[name]) for name in words if limits.get(name) is not None) or "none"
