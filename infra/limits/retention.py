"""How long counters are remembered, in every store alike."""

from typing import Final

FORGET_AFTER: Final = 120
"""Seconds after its end in which a window is still kept, for requests that began in it and for clocks that differ."""
REMEMBER_RETURNED: Final = 3600
"""Seconds after its expiry for which a lease that was given back is known, so that a late holder may still book what it
spent. Lambda ends every request within 900."""
