"""Folders are layers: who may import whom, and what the pure ones may not even know of."""

from __future__ import annotations

import ast

import pytest

from providers import registry
from tests.architecture.source import LAYERS, Source, imports, sources, within

MAY_IMPORT = {
    "handlers": {"handlers", "infra", "cache", "providers"},
    "infra": {"infra", "providers"},
    "cache": {"cache"},
    "providers": {"providers"},
}
# Of providers/, infra/ knows the types it sends and raises, and nothing that translates.
TYPES_OF_PROVIDERS = {
    "providers.base",
    "providers.errors",
    "providers.secret",
    "providers.usage",
    "providers.routing.endpoint",
    "providers.routing.virtual",
    "providers.routing.health",
}

# A clock, chance, ids, the environment, the network, threads and a log: all of them are arguments, or not there.
IMPURE = ["time", "datetime", "calendar", "uuid", "random", "secrets", "os", "socket", "ssl", "select", "selectors",
          "asyncio", "threading", "multiprocessing", "concurrent", "subprocess", "signal", "logging", "http",
          "urllib.request", "aiohttp", "httpx", "requests", "boto3", "botocore", "sqlite3", "tempfile"]  # fmt: skip
# The cache waits for its stores, with a deadline; its stores are where bytes go to disk.
WAITING = {
    "cache.content": {"asyncio"},
    "cache.sealed_cache": {"asyncio"},
    "cache.sidecar": {"asyncio"},
    "cache.stores.sqlite": {"asyncio", "threading", "concurrent", "sqlite3"},
}
CALLS_OF_THE_WORLD = {"open", "input", "print", "exec", "eval", "compile", "__import__"}


def ours(module: str) -> bool:
    return module.partition(".")[0] in LAYERS


def test_every_layer_is_looked_at() -> None:
    assert {source.layer for source in sources(*LAYERS)} == set(MAY_IMPORT) == set(LAYERS)


def test_a_layer_imports_the_layers_below_it_and_no_other() -> None:
    assert [
        f"{source.path}:{line} imports {module}"
        for source in sources(*LAYERS)
        for module, line in imports(source)
        if ours(module) and module.partition(".")[0] not in MAY_IMPORT[source.layer]
    ] == []


def test_of_the_providers_infra_knows_the_types_alone() -> None:
    assert [
        f"{source.path}:{line} imports {module}"
        for source in sources("infra")
        for module, line in imports(source)
        if within(module, "providers") and not any(within(module, known) for known in TYPES_OF_PROVIDERS)
    ] == []


def test_nothing_of_ours_imports_the_tests_or_benchmarks() -> None:
    assert [
        f"{source.path}:{line}"
        for source in sources(*LAYERS)
        for module, line in imports(source)
        if module.partition(".")[0] in ("tests", "benchmarks")
    ] == []


@pytest.mark.parametrize("framework", ["starlette", "uvicorn", "click", "rich"])
def test_only_handlers_know_the_web_framework_and_the_terminal(framework: str) -> None:
    users = {source.layer for source in sources(*LAYERS) for module, _ in imports(source) if within(module, framework)}
    assert users == {"handlers"}


def impurities(source: Source, banned: list[str]) -> list[str]:
    allowed = WAITING.get(source.name, set())
    found = [
        f"{source.path}:{line} imports {module}"
        for module, line in imports(source)
        if any(within(module, impure) for impure in banned) and module.partition(".")[0] not in allowed
    ]
    calls = [node for node in ast.walk(source.tree) if isinstance(node, ast.Call)]
    names = [(call.func.id, call.lineno) for call in calls if isinstance(call.func, ast.Name)]
    return found + [f"{source.path}:{line} calls {name}" for name, line in names if name in CALLS_OF_THE_WORLD]


@pytest.mark.parametrize("layer", ["providers", "cache"])
def test_the_pure_layers_know_no_clock_no_chance_no_network_and_no_log(layer: str) -> None:
    assert [found for source in sources(layer) for found in impurities(source, IMPURE)] == []


def test_the_exceptions_are_still_in_use() -> None:
    used = {source.name: {module.partition(".")[0] for module, _ in imports(source)} for source in sources("cache")}
    assert {name: needed - used[name] for name, needed in WAITING.items() if needed - used[name]} == {}


def test_cryptography_stays_where_it_can_be_read_at_one_sitting() -> None:
    users = {
        source.name for source in sources(*LAYERS) for module, _ in imports(source) if within(module, "cryptography")
    }
    assert users == {"cache.sealed", "cache.wrapped", "infra.secrets.sealing"}


def test_boto3_is_on_nobodys_way() -> None:
    """Both functions sign their own calls; boto3 is for the tests and the command line, which has to find a stack."""
    assert [
        source.path
        for source in sources(*LAYERS)
        for module, _ in imports(source)
        if within(module, "boto3") and not within(source.name, "handlers.commands")
    ] == []


# --- names of vendors -------------------------------------------------------------------------------------------------

# Rows of data in shared code, each looked up by the id of its provider.
DATA = {"providers.compatible", "providers.keys", "handlers.headers", "infra.telemetry.provider_names"}


def in_a_providers_folder(source: Source, ids: set[str]) -> bool:
    """There, other names than its own are the makers of the models that it hosts."""
    return any(within(source.name, f"providers.{provider}") for provider in ids)


def test_shared_code_knows_no_provider_by_name() -> None:
    ids = set(registry.names())
    assert {"openai", "anthropic", "perplexity"} <= ids
    assert [
        f"{source.path}:{node.lineno} says {node.value!r}"
        for source in sources(*LAYERS)
        if source.name not in DATA and not in_a_providers_folder(source, ids)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and node.value in ids
    ] == []


def test_a_translator_is_found_by_name_and_imported_by_no_one() -> None:
    """But for hosts of OpenAI's wires: the rows of `providers.compatible`, and Azure, whose addresses are no row."""
    packages = {source.name for source in sources("providers") if source.path.endswith("/provider.py")}
    folders = {name.rpartition(".")[0] for name in packages}
    assert {"providers.openai", "providers.anthropic"} <= folders
    assert [
        f"{source.path}:{line} imports {module}"
        for source in sources(*LAYERS)
        for module, line in imports(source)
        for folder in folders
        if within(module, folder) and not within(source.name, folder)
        if (source.name, folder)
        not in {
            ("providers.compatible", "providers.openai"),
            ("providers.registry", "providers.openai"),
            ("providers.azure.provider", "providers.openai"),
            ("providers.azure.embeddings", "providers.openai"),
            ("providers.azure.responses", "providers.openai"),
            ("providers.azure.responses", "providers.openai.responses"),
            ("providers.openai.provider", "providers.openai.responses"),
        }
    ] == []


def test_every_provider_bears_the_name_that_it_is_found_by() -> None:
    assert {name: registry.find(name).name for name in registry.names()} == {name: name for name in registry.names()}
