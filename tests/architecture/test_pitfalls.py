"""Each known bug of the proxies before this one has a test that bears its number."""

from __future__ import annotations

import re

from tests.architecture.source import functions, sources


def test_every_pitfall_of_translation_and_streaming_has_a_test_of_its_number() -> None:
    found = {
        int(number)
        for source in sources("tests")
        for function in functions(source)
        for number in re.findall(r"pitfall_(\d+)", function.name)
    }
    assert set(range(1, 26)) - found == set()
