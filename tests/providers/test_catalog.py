"""The catalogue: which provider a name goes to, and whether the committed data is what its source gives."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import unicodedata
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.catalog import MAX_NAME, MAX_QUOTED, Route, find, listed, route
from providers.errors import InvalidRequest, SabirError, UnknownModel

if TYPE_CHECKING:
    from collections.abc import Collection

ROOT = Path(__file__).parents[2]
GENERATOR = ROOT / "tests" / "catalog" / "generate.py"
DATA: dict[str, Any] = json.loads((ROOT / "providers" / "models.json").read_bytes())
ALL = [row["id"] for row in DATA["providers"]]
FIRST_THREE = ("openai", "anthropic", "perplexity")

# Provider to names, separated by spaces.
NAMES_2023 = {
    "openai": "gpt-3.5-turbo gpt-3.5-turbo-16k gpt-3.5-turbo-0301 gpt-4 gpt-4-0314 gpt-4-0613 gpt-4-32k "
    "gpt-4-1106-preview text-davinci-003 ft:gpt-3.5-turbo-0613:org::id",
    "anthropic": "claude-1 claude-2 claude-2.0 claude-2.1 claude-instant-1 claude-instant-1.2",
    "perplexity": "mistral-7b-instruct llama-2-70b-chat llama-2-13b-chat codellama-34b-instruct "
    "codellama-70b-instruct mixtral-8x7b-instruct pplx-7b-chat pplx-70b-chat pplx-7b-online pplx-70b-online "
    "pplx-7b-chat-alpha sonar-small-chat sonar-medium-online",
}
NAMES_LATER = {
    "openai": "gpt-4o gpt-4o-2024-08-06 gpt-4o-mini chatgpt-4o-latest o1 o3-mini o4-mini gpt-5 "
    "text-embedding-3-small omni-moderation-latest computer-use-preview whisper-1 "
    "ft:gpt-4.1-mini-2025-04-14:org::id",
    "anthropic": "claude-3-5-sonnet-latest claude-3-5-sonnet-20241022 claude-3-opus-20240229 claude-sonnet-4-5 "
    "claude-opus-4-1-20250805",
    "google": "models/gemini-2.0-flash-lite gemini-2.5-pro gemini-2.5-flash-lite gemini-pro gemma-3-27b-it",
    "mistral": "mistral-large-latest codestral-latest mixtral-8x22b-instruct open-mistral-7b magistral-medium-2509 "
    "mistral-moderation-latest ft:open-mistral-7b:org:1",
    "cohere": "command-r command-r-plus-08-2024 command-a-03-2025 c4ai-aya-expanse-32b rerank-v3.5",
    "perplexity": "sonar sonar-pro sonar-reasoning-pro sonar-deep-research r1-1776 llama-3-70b-instruct "
    "llama-3.1-sonar-small-128k-online llama-3.1-sonar-huge-128k-online",
    "xai": "grok-4 grok-3-mini grok-code-fast-1",
    "deepseek": "deepseek-chat deepseek-reasoner",
    "moonshot": "kimi-k2-thinking moonshot-v1-8k",
    "zai": "glm-4.6 GLM-4.5-Air glm-4-plus",
    "alibaba": "qwen-plus qwen3-max qwq-plus",
    "groq": "llama-3.3-70b-versatile llama3-70b-8192 mixtral-8x7b-32768 deepseek-r1-distill-llama-70b",
    "cerebras": "llama3.1-8b llama-3.3-70b",
    "together": "meta-llama/Llama-3-70b-chat-hf Qwen/Qwen1.5-72B togethercomputer/alpaca-7b",
    "fireworks": "accounts/fireworks/models/deepseek-v3-0324 accounts/acme/models/our-own",
    "baseten": "zai-org/GLM-4.7",
    "huggingface": "meta-llama/Llama-3.3-70B-Instruct:together deepseek-ai/DeepSeek-V3 Qwen/Qwen3-14B",
    "openrouter": "meta-llama/llama-3-8b-instruct ~openai/gpt-mini-latest qwen/qwen3-14b",
    "bedrock": "us.anthropic.claude-haiku-4-5-20251001-v1:0 anthropic.claude-opus-5 amazon.nova-pro-v1:0 "
    "mistral.devstral-2-123b anthropic.claude-v2:1 arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
}
NAMES_TO_COME = {
    "openai": "gpt-9-mini gpt-4o-2031-01-01 o3-2031-01-01 chatgpt-next ft:gpt-9:org::id",
    "anthropic": "claude-next-1 claude-opus-9-20310101",
    "google": "gemini-9-pro",
    "mistral": "mistral-huge-9 devstral-9",
    "cohere": "command-z",
    "perplexity": "sonar-9 pplx-9",
    "xai": "grok-9",
    "deepseek": "deepseek-v9",
    "moonshot": "kimi-k9",
    "zai": "glm-9",
    "alibaba": "qwen9-max",
    "writer": "palmyra-x9",
    "xiaomi": "mimo-v9",
    "bedrock": "eu.anthropic.claude-next-1-v1:0",
}


def table(*tables: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, provider) for each in tables for provider, names in each.items() for name in names.split()]


def outcome(name: str, available: Collection[str]) -> Route | SabirError:
    try:
        return route(name, available)
    except SabirError as error:
        return error


def place(name: str, available: Collection[str]) -> tuple[str, str]:
    """Where it goes and under which name; on which wire is another question."""
    found = route(name, available)
    return found.provider, found.model


@pytest.mark.parametrize(("name", "provider"), table(NAMES_2023, NAMES_LATER, NAMES_TO_COME))
def test_a_name_goes_to_its_provider_in_the_callers_spelling(name: str, provider: str) -> None:
    assert place(name, ALL) == (provider, name)
    if "/" not in name:
        assert place(name.upper(), ALL) == (provider, name.upper())


@pytest.mark.parametrize(("name", "provider"), table(NAMES_2023))
def test_the_names_of_2023_need_no_more_than_the_first_three_providers(name: str, provider: str) -> None:
    assert route(name, FIRST_THREE) == Route(provider, name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai/gpt-4", Route("openai", "gpt-4")),
        ("OpenAI/GPT-4", Route("openai", "GPT-4")),
        ("openai/ft:gpt-4o-2024-08-06:org::id", Route("openai", "ft:gpt-4o-2024-08-06:org::id")),
        ("anthropic/no-such-model", Route("anthropic", "no-such-model")),
        ("groq/openai/gpt-oss-120b", Route("groq", "openai/gpt-oss-120b")),
        ("together_ai/meta-llama/Llama-3-70b", Route("together", "meta-llama/Llama-3-70b")),
        ("x-ai/grok-4.3", Route("xai", "grok-4.3")),
        ("google-gla/gemini-9", Route("google", "gemini-9")),
        ("fireworks/accounts/a/models/b", Route("fireworks", "accounts/a/models/b")),
        ("azure/our deployment", Route("azure", "our deployment")),
        ("ollama/llama3:8b", Route("ollama", "llama3:8b")),
        ("vllm//models/here", Route("vllm", "/models/here")),
        # Listed by that very provider under the whole name:
        ("openrouter/auto", Route("openrouter", "auto")),
        ("together/Tev1-4B-experimental", Route("together", "together/Tev1-4B-experimental")),
        ("perplexity/kimi-k3", Route("perplexity", "perplexity/kimi-k3")),
        ("perplexity/sonar", Route("perplexity", "sonar")),
    ],
)
def test_an_explicit_provider_wins_and_the_rest_goes_upstream_unchanged(name: str, expected: Route) -> None:
    assert route(name, ALL) == expected


def test_a_provider_that_the_data_has_never_heard_of_can_be_named() -> None:
    assert route("acme/some/model", [*ALL, "acme"]) == Route("acme", "some/model")


def test_a_named_provider_that_is_not_available_is_not_replaced_by_a_host() -> None:
    with pytest.raises(
        UnknownModel, match=r"provider google.*not available.*Hosts that list it.*: openrouter\."
    ) as caught:
        route("google/gemini-2.5-pro", ["openai", "openrouter"])
    assert (caught.value.status, caught.value.code, caught.value.param) == (404, "model_not_found", "model")
    with pytest.raises(UnknownModel, match=r"not available here\.$"):
        route("gemini/gemini-2.5-pro", FIRST_THREE)


@pytest.mark.parametrize("name", ["openai/", "openai/  "])
def test_a_provider_without_a_model_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match="names a provider but no model") as caught:
        route(name, ALL)
    assert caught.value.param == "model"


@pytest.mark.parametrize(
    ("name", "available", "provider"),
    [
        ("gpt-oss-120b", ALL, "cerebras"),
        ("gpt-oss-120b", ["cerebras", "groq"], "cerebras"),
        ("mixtral-8x7b-instruct", ALL, "perplexity"),
        ("mixtral-8x7b-instruct", ["openai", "mistral"], "mistral"),
        ("zai-org/GLM-5.2", ALL, "together"),
        ("zai-org/GLM-5.2", ["openrouter", "huggingface", "baseten"], "baseten"),
    ],
)
def test_the_first_available_provider_in_the_order_of_the_data_serves(
    name: str, available: list[str], provider: str
) -> None:
    assert route(name, available) == Route(provider, name)
    assert route(name, frozenset(available)) == route(name, available[::-1]) == Route(provider, name)


@pytest.mark.parametrize(
    ("name", "available"),
    [
        ("claude-3-opus-20240229", ["bedrock", "google", "azure", "openrouter"]),  # their names for it are other ones
        ("gpt-4o", ["azure", "openrouter", "bedrock"]),
        (
            "gpt-oss-120b",
            ["openai", "groq"],
        ),  # open weights, which OpenAI does not serve and Groq lists by another name
        ("gpt-5.6-luna", ["bedrock"]),
        ("deepseek-r1:14b", ALL),  # an Ollama tag, which must not leave for the maker
        ("cerebras:gpt-oss-120b", ALL),
        ("gpt-4o:extended", ALL),
        ("mistral-nemo:free", ALL),
        ("deepseek-ai/DeepSeek-V99", ["deepseek"]),  # an organisation, not the provider; and no bare family name
        ("someone/claude-3-opus", ALL),
        ("regional.anthropic.claude-opus-5", ALL),  # invented by the price list
        ("ft:gpt-3.5-turbo-", ALL),
        ("ft:", ALL),
        ("/", ALL),
        ("gpt-4", ["acme"]),
        ("gpt-4", []),
    ],
)
def test_a_name_that_nobody_available_takes_is_unknown(name: str, available: list[str]) -> None:
    with pytest.raises(UnknownModel):
        route(name, available)


def near(name: str, available: Collection[str]) -> list[str]:
    found = re.search(r"Near names: (.+?)\. A model", str(outcome(name, available)))
    return found[1].split(", ") if found else []


def test_an_unknown_name_is_answered_with_a_few_near_ones_in_order() -> None:
    assert near("clade-3-opus", FIRST_THREE) == ["claude-3-opus-latest", "claude-opus-5", "claude-opus-5-5"]
    assert "meta-llama/Llama-3-70b-chat-hf" in near("META-LLAMA/Llama-3-70b", ["together"])
    assert near("zzzz", ALL) == []
    assert near("clade-3-opus", ["openai"]) == []


@pytest.mark.parametrize("provider", [provider for provider in ALL if listed(provider)])
def test_every_near_name_can_be_asked_for(provider: str) -> None:
    suggestions = [found for name in listed(provider)[::4] for found in near(f"zz{name}", [provider])]
    assert suggestions
    for suggestion in suggestions:
        assert route(suggestion, ALL).model == suggestion


@pytest.mark.parametrize("name", ["", " ", "\t\n", "\u2003"])
def test_an_empty_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match="model is empty"):
        route(name, ALL)


@pytest.mark.parametrize("name", ["gpt-4\n", "gpt-4\x00", "openai/gpt\x1b[31m", "gpt\u202e4", "gpt-4\ud800"])
def test_a_name_with_control_characters_is_refused_without_quoting_it(name: str) -> None:
    with pytest.raises(InvalidRequest, match="cannot be printed") as caught:
        route(name, ALL)
    assert caught.value.message.isprintable()
    assert caught.value.param == "model"


def test_a_name_beyond_the_longest_of_any_provider_is_refused_without_quoting_it() -> None:
    assert route("openai/" + "x" * (MAX_NAME - 7), ALL).provider == "openai"
    with pytest.raises(InvalidRequest, match="10000 characters; no name has over 2048") as caught:
        route("x" * 10_000, ALL)
    assert len(caught.value.message) < 100


def test_a_message_quotes_at_most_64_characters() -> None:
    with pytest.raises(UnknownModel) as caught:
        route("x" * MAX_NAME, ALL)
    assert f"'{'x' * (MAX_QUOTED - 1)}…'" in caught.value.message
    with pytest.raises(UnknownModel) as caught:
        route("x" * MAX_QUOTED, ALL)
    assert f"'{'x' * MAX_QUOTED}'" in caught.value.message


WORDS = st.sampled_from(["gpt-4", "claude", "/", "openai", "ft:", ":", "o1", "arn:aws", "accounts/", " ", "anthropic."])


NAMES = st.text(max_size=80) | st.lists(WORDS | st.text(max_size=4)).map("".join)


@given(NAMES, st.sets(st.sampled_from(ALL)))
def test_any_text_gives_a_route_to_an_available_provider_or_an_error_of_ours(name: str, available: set[str]) -> None:
    found = outcome(name, available)
    if isinstance(found, Route):
        assert found.provider in available
        assert found.model
        assert name.endswith(found.model)
        assert found == route(name, sorted(available))
    else:
        assert isinstance(found, InvalidRequest | UnknownModel)
        assert found.param == "model"
        assert len(found.message) < 600
        assert not any(unicodedata.category(char).startswith("C") for char in found.message)


@pytest.mark.parametrize("provider", ALL)
def test_what_is_listed_is_served_by_that_provider_under_that_name(provider: str) -> None:
    ids = listed(provider)
    assert ids == sorted(set(ids))
    for name in ids:
        assert route(f"{provider}/{name}", ALL).model in (name, f"{provider}/{name}")
        if "/" not in name:
            assert place(name, [provider]) == (provider, name)


def test_lists_hold_what_the_providers_api_takes() -> None:
    assert {"gpt-4", "gpt-3.5-turbo", "o1"} < set(listed("openai"))
    assert not [name for name in listed("openai") if name.startswith("ft:") or name.endswith("-")]
    assert not [name for name in listed("google") if "claude" in name]
    assert "accounts/fireworks/models/glm-5p3" in listed("fireworks")
    assert "glm-5p3" not in listed("fireworks")
    assert "llama-2-70b-chat" not in listed("perplexity")
    assert all("/" in name for name in listed("openrouter"))
    assert listed("azure") == listed("ollama") == listed("acme") == []


def test_no_alias_is_an_id_or_belongs_to_two() -> None:
    words = [word for row in DATA["providers"] for word in (row["id"], *row["aliases"])]
    assert len(words) == len(set(words))
    assert all(word == word.lower() and "/" not in word for word in words)


def test_the_data_is_of_the_newest_locked_version_of_its_source() -> None:
    lock = (ROOT / "requirements-dev.lock").read_text()
    locked = re.findall(r"^genai-prices==([\d.]+)", lock, re.MULTILINE)
    newest = max(locked, key=lambda version: [int(part) for part in version.split(".")])
    assert DATA["source"] == f"genai-prices {newest}", "run: python tests/catalog/generate.py"


def generator(*arguments: str, seed: str = "0") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, GENERATOR, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )


@pytest.mark.skipif(
    DATA["source"] != f"genai-prices {metadata.version('genai-prices')}",
    reason="the lock gives this Python another genai-prices than the one that the data was made with",
)
def test_the_committed_data_is_what_the_generator_gives(tmp_path: Path) -> None:
    check = generator("--check")
    assert check.returncode == 0, check.stdout + check.stderr
    assert generator("--into", str(tmp_path), seed="1").returncode == 0
    for name in ("models.json", "prices.json"):
        assert (tmp_path / name).read_bytes() == (ROOT / "providers" / name).read_bytes()
    prices = tmp_path / "prices.json"
    prices.write_text(prices.read_text().replace('"input_mtok": "30"', '"input_mtok": "31"', 1))
    stale = generator("--check", "--into", str(tmp_path))
    assert stale.returncode == 1
    assert '-"openai/' in stale.stdout


class Asked(set[str]):
    """Provider ids that remember which of them were looked up."""

    def __init__(self, ids: list[str]) -> None:
        super().__init__(ids)
        self.questions: list[object] = []

    def __contains__(self, provider: object) -> bool:
        self.questions.append(provider)
        return super().__contains__(provider)


@pytest.mark.parametrize(
    ("name", "provider"),
    [("gpt-4", "openai"), ("sonar-9", "perplexity"), ("groq/x", "groq"), ("moderation-9", "openai")],
)
def test_only_the_providers_that_may_serve_a_name_are_asked_for(name: str, provider: str) -> None:
    available = Asked(ALL)
    assert route(name, available).provider == provider
    assert set(available.questions) == {provider}


def test_a_route_does_not_load_what_only_prices_and_errors_need() -> None:
    script = (
        "import sys; before = set(sys.modules); from providers import catalog; catalog.route('gpt-4', ['openai']);"
        "late = {'decimal', 'difflib', 'importlib.resources', 'providers.prices'};"
        "print(*sorted(late & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []


def test_a_model_that_is_not_priced_is_not_found() -> None:
    assert find("openai", "no-such-model") is None
    assert find("acme", "gpt-4") is None
    assert find("perplexity", "llama-2-70b-chat") is None  # retired
    assert find("openai", "ft:gpt-9:org::id") is None
    assert find("huggingface", "meta-llama/Llama-3.3-70B-Instruct") is None  # the price is that of the host behind it
