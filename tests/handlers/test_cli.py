"""`sabir serve`: what it prints, what it refuses, and that it serves."""

from __future__ import annotations

import json
import socket
import stat
from contextlib import closing
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from click.testing import CliRunner

from handlers.cli import main
from handlers.local import _is_loopback
from tests.contract.rig import KEYS, serve_process
from tests.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

ASKED: dict[str, Any] = {"model": "gpt-4", "messages": [{"role": "user", "content": "Say it"}], "temperature": 0}


def sabir(*args: str, **env: str) -> Result:
    return CliRunner().invoke(main, args, env=env)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_help_names_the_command() -> None:
    for flag in ("--help", "-h"):
        result = sabir(flag)
        assert result.exit_code == 0
        assert "serve" in result.output


def test_the_help_of_serve_teaches() -> None:
    output = sabir("serve", "--help").output
    for word in (
        "base URL",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "--port",
        "8787",
        "127.0.0.1",
        "--cache",
        "sabir serve",
    ):
        assert word in output


def test_the_version_is_the_packages() -> None:
    assert "0.1.0" in sabir("--version").output


def test_a_port_that_is_taken_is_said_in_plain_words(taken_port: int, tmp_path: Path) -> None:
    result = sabir("serve", "--port", str(taken_port), "--cache", str(tmp_path / "cache.db"))
    assert result.exit_code == 1
    assert result.output == f"Error: cannot listen on 127.0.0.1 port {taken_port}: Address already in use.\n"


def test_a_host_that_is_not_this_machines_is_said_in_plain_words() -> None:
    result = sabir("serve", "--host", "192.0.2.1", "--port", "0", "--cache", "memory")
    assert result.exit_code == 1
    assert result.output.startswith("Error: cannot listen on 192.0.2.1 port 0: ")


@pytest.mark.parametrize("port", ["99999", "-1", "http"])
def test_a_port_that_is_none_is_a_mistake_of_usage(port: str) -> None:
    result = sabir("serve", "--port", port)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_proxy_that_would_call_itself_is_refused(host: str) -> None:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    result = sabir("serve", "--port", str(port), "--cache", "memory", OPENAI_BASE_URL=f"http://{host}:{port}/v1")
    assert result.exit_code == 1
    assert result.output == (
        "Error: OPENAI_BASE_URL points at this very proxy; unset it for the command that starts Sabir.\n"
    )


def test_a_setting_that_is_wrong_is_named_and_not_quoted() -> None:
    result = sabir("serve", "--port", "0", "--cache", "memory", ANTHROPIC_BASE_URL="ftp://user:hunter2@host")
    assert result.exit_code == 1
    assert "ANTHROPIC_BASE_URL" in result.output
    assert "hunter2" not in result.output


def test_a_cache_that_can_have_no_folder_is_said_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = sabir("serve", "--port", "0", "--cache", str(tmp_path / "file" / "cache.db"))
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: cannot make the folder of the cache, {tmp_path / 'file'}: ")


@pytest.mark.slow
async def test_it_serves_with_the_callers_key_or_the_environments(tmp_path: Path) -> None:
    async with Simulator() as simulator, aiohttp.ClientSession() as http:
        env = {**simulator.environment(), "OPENAI_API_KEY": "sk-of-the-environment", "XDG_CACHE_HOME": str(tmp_path)}
        env["SABIR_CACHE_TABLE"] = "a-table-that-is-not-for-this-machine"
        async with serve_process(env={**env, "COLUMNS": "200"}) as (url, process):
            for key in ("env", KEYS["openai"]):
                headers = {"authorization": f"Bearer {key}"}
                async with http.post(f"{url}/chat/completions", json=ASKED, headers=headers) as answer:
                    assert answer.status == 200
            rebound = {"authorization": "Bearer env", "host": "evil.example"}
            async with http.post(f"{url}/chat/completions", json=ASKED, headers=rebound) as answer:
                assert answer.status == 401
                assert "loopback" in json.loads(await answer.read())["error"]["message"]
            assert process.stdout is not None
            lines = [(await process.stdout.readline()).decode() for _ in range(10)]
        sent = [seen.headers["authorization"] for seen in simulator.requests]
        assert sent == ["Bearer sk-of-the-environment", f"Bearer {KEYS['openai']}"]
    said = "".join(lines)
    assert "openai (for clients that present the key" in said
    assert sum("200  openai/gpt-4  " in line and "  stored  " in line for line in lines) == 2
    assert "sk-" not in said
    file = tmp_path / "sabir" / "cache.db"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.slow
async def test_without_keys_in_the_environment_the_callers_own_is_the_only_way() -> None:
    bare = {"OPENAI_API_KEY": "", "ANTHROPIC_API_KEY": "", "PERPLEXITY_API_KEY": ""}
    headers = {"authorization": "Bearer env"}
    async with Simulator() as simulator, aiohttp.ClientSession() as http:
        serving = serve_process("--cache", "memory", "--quiet", env={**simulator.environment(), **bare})
        async with serving as (url, _), http.post(f"{url}/chat/completions", json=ASKED, headers=headers) as answer:
            await answer.read()
        # Not a word with a meaning here: a key like any other, and the provider's to judge.
        assert [seen.headers["authorization"] for seen in simulator.requests] == ["Bearer env"]


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - only asked about
        ("::", False),
        ("192.168.0.7", False),
        ("myhost.example", False),
    ],
)
def test_the_environments_keys_are_taken_only_where_nobody_else_can_come(host: str, alone: bool) -> None:
    """Others on a network can write any host header; so the keys are not even read then."""
    assert _is_loopback(host) is alone
