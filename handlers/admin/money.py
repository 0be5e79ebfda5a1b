"""Money as people write it, `"12.50"` US dollars, and as it is kept: whole nano-dollars."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from handlers.admin.body import wrong

if TYPE_CHECKING:
    from providers.jsonwalk import Json

NANO: Final = 10**9

# Nine decimals are all that a nano-dollar has; nine digits before them are more than anyone spends on models.
_USD: Final = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)


def nano_usd(value: Json, where: str) -> int:
    """A reader of `handlers.admin.body`: a JSON number would have been a float on its way here, so it is a string."""
    if not isinstance(value, str) or _USD.fullmatch(value) is None:
        raise wrong(where, 'must be US dollars as a string, such as "12.50"')
    return int(Decimal(value) * NANO)


def usd(nano: int) -> str:
    """At least two decimals, and as many more as it takes."""
    dollars, rest = divmod(nano, NANO)
    return f"{dollars}.{f'{rest:09d}'.rstrip('0').ljust(2, '0')}"
