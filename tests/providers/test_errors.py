from __future__ import annotations

from providers.errors import UpstreamRejected
from providers.secret import Secret


def test_a_key_that_the_provider_quotes_is_taken_out() -> None:
    error = UpstreamRejected("no such key: sk-abc; check sk-abc", provider="openai")
    error.redact(Secret("sk-abc"))
    assert error.message == str(error) == "no such key: ***; check ***"
