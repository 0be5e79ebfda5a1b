"""What a cold start may import, seen in an interpreter of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.architecture.source import ROOT
from tests.simulator import Simulator

if TYPE_CHECKING:
    from pathlib import Path

# What is heavy, or not in the bundle at all. asyncio's own need of ssl cannot be helped.
HEAVY = ["aiohttp", "boto3", "botocore", "pydantic", "uvicorn", "rich", "click", "genai_prices", "cryptography", "mangum",
         "sqlite3", "httpx", "openai", "anthropic", "difflib", "importlib.metadata", "importlib.resources"]  # fmt: skip

# Needed by the first call to AWS, and to orgs.
UNUSED = ["infra.aws.json_client", "infra.aws.sigv4", "infra.secrets.reader", "jwt"]

# What nobody has asked for, and of what was asked for, what is needed after the last byte only.
TELEMETRY = ["infra.telemetry.settings", "infra.telemetry.context", "infra.telemetry.exporter"]
MESSAGES = ["google", "opentelemetry", "infra.telemetry.otlp", "infra.telemetry.spans", "infra.telemetry.metrics"]

IMPORT = """
import json, sys
import handlers.proxy
print(json.dumps(sorted(sys.modules)))
"""

# One request, in the way in which the runtime loop makes it: no server, no client, one loop. What is imported after the
# last byte (the price list, to say what a hit has saved) nobody waits for.
SERVE = """
import asyncio, json, sys
import handlers.proxy

async def ask(body):
    sent, asked = [], iter([{"type": "http.request", "body": body, "more_body": False}])
    async def receive():
        message = next(asked, None)
        return message if message else await asyncio.Event().wait()
    async def send(message):
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            needed.update(sys.modules)
    headers = [(b"authorization", b"Bearer sk-test")]
    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "raw_path": b"", "query_string": b"",
             "headers": headers, "http_version": "1.1", "scheme": "http", "server": ("x", 1), "client": None, "root_path": ""}
    await handlers.proxy.app(scope, receive, send)
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}

needed = {}
headers = asyncio.run(ask(sys.argv[1].encode()))
print(json.dumps([headers.get("x-bt-cached"), sorted(needed)]))
"""


def run(script: str, *args: str, **env: str) -> Any:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "COV_", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *args],
        env={**kept, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def loaded(modules: list[str], names: list[str]) -> list[str]:
    return [name for name in names if any(module == name or module.startswith(f"{name}.") for module in modules)]


@pytest.mark.parametrize(
    "env", [{}, {"SABIR_CACHE_TABLE": "table"}, {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}], ids=["", "table", "url"]
)
def test_a_cold_start_imports_nothing_that_the_first_request_may_not_need(env: dict[str, str]) -> None:
    modules = run(IMPORT, **env)
    assert loaded(modules, [*HEAVY, *TELEMETRY, *MESSAGES]) == []
    # A base URL is checked against the providers there are, and may ask for the one it names.
    assert loaded(modules, ["providers.anthropic", "providers.compatible", "providers.prices", *UNUSED]) == []
    if "OPENAI_BASE_URL" not in env:
        assert loaded(modules, ["providers.openai"]) == []


def test_the_request_log_is_imported_by_its_first_record_alone() -> None:
    modules = run(IMPORT, SABIR_CONTROL_TABLE="control")
    assert "infra.control.dynamodb" in modules
    assert loaded(modules, [*HEAVY, "infra.requests.dynamodb", "infra.requests.sqlite", "handlers.request_log"]) == []


def test_a_hit_needs_no_http_client_and_no_other_provider(tmp_path: Path) -> None:
    body = json.dumps({"model": "gpt-4", "messages": [{"role": "user", "content": "Say it"}], "temperature": 0})
    env = {"SABIR_CACHE_PATH": str(tmp_path / "cache.db"), "SABIR_CACHE_READ_MS": "10000"}

    async def fill() -> Any:
        async with Simulator() as simulator:
            env["OPENAI_BASE_URL"] = simulator.url("openai")
            return await asyncio.to_thread(run, SERVE, body, **env)

    verdict, modules = asyncio.run(fill())
    assert verdict == "MISS"
    assert loaded(modules, ["aiohttp"]) == ["aiohttp"]
    # The provider is gone by now, and nobody misses it.
    verdict, modules = run(SERVE, body, **env)
    assert verdict == "HIT"
    needed = {"sqlite3", "cryptography"}
    assert loaded(modules, [name for name in HEAVY if name not in needed]) == []
    assert loaded(modules, [*TELEMETRY, *MESSAGES]) == []
    assert loaded(modules, ["providers.anthropic", "providers.prices"]) == []


EXPORTER = """
import json, os, sys
from infra.telemetry import is_wanted
assert is_wanted(os.environ)
from infra.telemetry.exporter import Exporter
from infra.telemetry.settings import read_telemetry
Exporter(read_telemetry(os.environ), lambda: 1 / 0)
print(json.dumps(sorted(sys.modules)))
"""


def test_an_exporter_that_has_sent_nothing_has_imported_no_messages_and_no_http_client() -> None:
    modules = run(EXPORTER, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert loaded(modules, TELEMETRY) == TELEMETRY
    assert loaded(modules, [*HEAVY, *MESSAGES]) == []
