"""What can go wrong inside the cache.

    CacheFault        a store or an entry could not be used; the pipeline sees a counted miss, a caller sees nothing
    └─ Unopenable     an entry failed authentication or its format; one message, whatever the cause

A caller's malformed input is no fault of the cache: see `directives.DirectiveError` and `identity.IdentityError`.
"""


class CacheFault(Exception):
    """The only exception a store may raise. Its text never holds a key, a prompt or a completion."""


class Unopenable(CacheFault):
    """An entry that does not open. It says no more than that, so that it can serve nobody as an oracle."""

    def __init__(self) -> None:
        super().__init__("the stored entry could not be opened")
