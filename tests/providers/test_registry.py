from __future__ import annotations

import subprocess
import sys

import pytest

from providers.registry import AVAILABLE, UnknownProvider, find, names


def test_the_names_are_those_of_modules_and_rows() -> None:
    assert {"openai", "perplexity", "groq", "mistral", "ollama"} <= set(names())
    assert list(names()) == sorted(set(names()))
    assert not {"sse", "base", "dialects", "registry", "compatible"} & set(names())


@pytest.mark.parametrize("name", names())
def test_a_provider_is_found_by_its_own_name(name: str) -> None:
    provider = find(name)
    assert provider.name == name
    assert find(name) is provider
    assert not provider.base_url.endswith("/")


@pytest.mark.parametrize(
    "name", ["", "nobody", "sse", "dialects", "Openai", "openai.host", "../openai", "open ai", "_x", "os"]
)
def test_any_other_name_is_unknown(name: str) -> None:
    with pytest.raises(UnknownProvider):
        find(name)


@pytest.mark.parametrize(
    ("name", "stays_out"),
    [("openai", "providers.compatible"), ("perplexity", "providers.dialects"), ("nobody", "providers.openai.usage.x")],
)
def test_finding_one_provider_loads_no_other(name: str, stays_out: str) -> None:
    code = (
        "import sys\n"
        "from providers.registry import UnknownProvider, find\n"
        "try:\n    find(sys.argv[1])\nexcept UnknownProvider:\n    pass\n"
        "print('\\n'.join(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert stays_out not in loaded
    assert "providers.anthropic" not in loaded


def test_what_is_available_is_what_can_be_found() -> None:
    assert sorted(AVAILABLE) == list(names())
    assert len(AVAILABLE) == len(names())
    assert all(name in AVAILABLE for name in names())
    assert not any(name in AVAILABLE for name in ("nobody", "jsonwalk", "", "Open AI", 7))
