from __future__ import annotations

from importlib.util import find_spec
from urllib.parse import urlsplit

import pytest

from providers.compatible import HOSTS
from providers.openai.encode import EXTENSIONS
from providers.openai.host import Host

ASKED_FOR = {
    "perplexity", "groq", "together", "fireworks", "xai", "deepseek", "cerebras", "openrouter", "mistral",
    "huggingface", "moonshot", "alibaba", "zai", "nvidia", "nebius", "baseten", "ollama", "vllm", "llamacpp",
}  # fmt: skip


def test_every_host_that_is_asked_for_has_a_row() -> None:
    assert set(HOSTS) >= ASKED_FOR


def test_perplexity_is_where_its_own_sdk_says() -> None:
    host = HOSTS["perplexity"]
    assert (host.base_url, host.path) == ("https://api.perplexity.ai", "/chat/completions")


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_a_row_is_sound(host: Host) -> None:
    url = urlsplit(host.base_url)
    local = url.hostname == "localhost"
    assert url.scheme == ("http" if local else "https")
    assert not host.base_url.endswith("/")
    assert not url.query
    assert host.path is None or host.path.startswith("/")
    assert host.path is not None or host.embeddings is not None
    assert host.embeddings is None or host.embeddings.path.startswith("/")
    assert host.knows <= EXTENSIONS
    assert not {ours for ours, _ in host.renames} & {theirs for _, theirs in host.renames}


@pytest.mark.parametrize("name", HOSTS)
def test_a_row_shares_its_name_with_no_module(name: str) -> None:
    assert find_spec(f"providers.{name}") is None


def test_the_defaults_are_openai_itself() -> None:
    host = Host(name="x", base_url="https://x")
    assert (host.end, host.stream_options, host.renames, host.refuses) == ("done", "ask", (), frozenset())
