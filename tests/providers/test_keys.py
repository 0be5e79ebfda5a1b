from __future__ import annotations

import pytest

from providers import keys
from providers.secret import Secret


@pytest.mark.parametrize(
    ("key", "owner"),
    [("sk-ant-api03-x", "anthropic"), ("sk-proj-x", "openai"), ("sk-or-v1-x", "openrouter"), ("pplx-x", "perplexity"),
     ("sk-x", None), ("anything", None)],
)  # fmt: skip
def test_a_key_bears_its_owners_mark(key: str, owner: str | None) -> None:
    assert keys.owner(Secret(key)) == owner


def test_sabir_keys_are_told_apart() -> None:
    assert keys.is_sabir_key(Secret("sbr_x"))
    assert not keys.is_sabir_key(Secret("sk-x"))
