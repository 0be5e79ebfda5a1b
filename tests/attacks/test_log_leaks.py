"""Every way to fail, with marked words and secrets: they are in no log, record, metric, trace or store, and in no report.

What a client is told is its own: a provider's words may quote its prompt. A secret of the org's it must not see either.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import pytest

from infra.control.records import Limits
from providers.routing.virtual import Candidate, VirtualModel
from tests.contract.org_rig import an_org, endpoint, org_env
from tests.contract.rig import sabir_over
from tests.contract.test_attackers_dump import codings
from tests.infra.telemetry.receiver import receiving
from tests.simulator import (
    Cut,
    Garbage,
    Hang,
    HtmlPage,
    Leaky,
    MalformedFrame,
    NotJson,
    Reset,
    Say,
    Simulator,
    Status,
    StreamError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.contract.org_rig import TestOrg
    from tests.contract.rig import Sabir
    from tests.infra.telemetry.receiver import Receiver
    from tests.simulator.fault import Fault

PROMPT: Final = "velvet-otter-prompt"
SYSTEM: Final = "velvet-otter-system"
TOOL: Final = "velvet-otter-tool-result"
COMPLETION: Final = "amber-lynx-completion"
QUOTED: Final = f"Incorrect API key provided: ***; you said {PROMPT}"
SECRETS: Final = {"openai": "quartz-heron-secret-one", "perplexity": "quartz-heron-secret-two"}
OWN_KEY: Final = "quartz-heron-own-key"
HEADER: Final = "quartz-heron-header-value"
ANOTHERS: Final = "sk-ant-quartz-heron-anothers"

SAID: Final = (PROMPT, SYSTEM, TOOL, COMPLETION)
HIDDEN: Final = (*SECRETS.values(), OWN_KEY, HEADER, ANOTHERS)

CHAT: Final[dict[str, Any]] = {
    "model": "gpt-4",
    "messages": [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": [{"type": "text", "text": PROMPT}]},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": json.dumps({"at": TOOL})}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": TOOL},
    ],
    "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}],
}  # fmt: skip


MESSAGE: Final[dict[str, Any]] = {
    "system": SYSTEM,
    "messages": [{"role": "user", "content": PROMPT}],
    "metadata": {"user_id": "u-17"},
    "tools": [],
}


@dataclass(frozen=True, slots=True)
class Way:
    """`faults`: of every provider; `more`: members of the body over those of `CHAT`; `raw`: instead of it."""

    faults: tuple[Fault, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    path: str = "/chat/completions"


WAYS: Final[dict[str, Way]] = {
    "well": Way((Say(COMPLETION),)),
    "kept": Way((Say(COMPLETION),), {"seed": 1}),
    "a hit": Way((), {"seed": 1}),
    **{f"{status}": Way((Status(status, message=QUOTED, code=PROMPT),)) for status in (400, 401, 403, 404, 413, 422)},
    **{f"{status}": Way((Status(status, message=QUOTED, retry_after="0"),)) for status in (429, 500, 503, 529)},
    "html": Way((HtmlPage(502),)),
    "not JSON": Way((NotJson(body=f"{PROMPT} {SECRETS['openai']}"),)),
    "reset": Way((Reset(),)),
    "cut": Way((Say(COMPLETION), Cut(after=4))),
    "cut early": Way((Cut(after_bytes=20),)),
    "hangs": Way((Hang(after=0),)),
    "error in the stream": Way((Say(COMPLETION), StreamError(after=3))),
    "broken frame": Way((MalformedFrame(after=0),)),
    "garbage": Way((Garbage(after=0),)),
    "leaky": Way((Leaky(), Say(COMPLETION))),
    "wrong type": Way((), {"temperature": PROMPT}),
    "unknown role": Way((), {"messages": [{"role": PROMPT, "content": PROMPT}]}),
    "unknown model": Way((), {"model": f"{PROMPT} what is it?"}),
    "no JSON": Way(raw=f'{{"messages": "{PROMPT}"'.encode()),
    "not compressed": Way(raw=PROMPT.encode(), headers={"content-encoding": "gzip"}),
    "bad directive": Way(headers={"x-bt-use-cache": PROMPT}),
    "only if cached": Way((), {"seed": 7}, headers={"cache-control": "only-if-cached"}),
    "unknown endpoint": Way(headers={"x-bt-endpoint-name": PROMPT}),
    "secrets for tags": Way((Say(COMPLETION),), {"user": ANOTHERS}, headers={"x-sabir-tags": f"a={ANOTHERS}"}),
    "embeddings": Way((), {"model": "text-embedding-3-small", "input": PROMPT}, path="/embeddings"),
    "embeddings refused": Way((Status(500),), {"model": "text-embedding-3-small", "input": PROMPT}, path="/embeddings"),
    "messages": Way((Say(COMPLETION),), {**MESSAGE, "max_tokens": 50}, path="/messages"),
    "messages refused": Way(
        (Status(400, message=QUOTED, code=PROMPT),), {**MESSAGE, "max_tokens": 50}, path="/messages"
    ),
    "no message": Way((), MESSAGE, path="/messages"),
    "tokens": Way((), path="/chat/completions/input_tokens"),
    "credentials": Way((), {"model": PROMPT, "ttl_seconds": PROMPT}, path="/credentials"),
}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as running:
        yield running


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
async def sabir(tmp_path: Path, simulator: Simulator, receiver: Receiver) -> AsyncIterator[Sabir]:
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        **org_env(tmp_path),
        "SABIR_CACHE_PATH": str(tmp_path / "cache.db"),
        "SABIR_CACHE_READ_MS": "10000",
        "SABIR_TIMEOUT_IDLE_SECONDS": "0.2",
    }

    async def at_once(_: float) -> None:
        return None

    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(
            sabir_over(simulator, env, change=lambda services: replace(services, pause=at_once))
        )


async def the_org(sabir: Sabir) -> TestOrg:
    """It logs what is said, too: sealed."""
    endpoints = [
        endpoint("openai", secret=SECRETS["openai"], headers={"x-team": HEADER}),
        endpoint("perplexity", secret=SECRETS["perplexity"]),
    ]
    fallback = VirtualModel("gpt-4", (Candidate("gpt-4", "openai"), Candidate("sonar", "perplexity")))
    return await an_org(sabir, endpoints, models=(fallback,), content_log_percent=100)


async def ask(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, key: str, way: Way, *, stream: bool
) -> bytes:
    """The answer, head and all, when all that follows it has happened."""
    done = len(sabir.log.records)
    simulator.forget()
    if way.faults:
        simulator.next(*way.faults, times=8)
    body = {**CHAT, "stream": stream, **way.more}
    data = way.raw if way.raw is not None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json", **way.headers}
    async with http.post(sabir.url() + way.path, data=data, headers=headers) as answer:
        heard = await answer.read()
    await sabir.log.records_of(done + 1)
    return repr(answer.headers).encode() + heard


def found(dump: bytes, marks: tuple[str, ...]) -> set[str]:
    return {mark for mark in marks if any(coding in dump for coding in codings(mark))}


def on_disk(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


async def leave(sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, key: str, *, stream: bool) -> None:
    done = len(sabir.log.records)
    simulator.forget()
    simulator.hold()
    headers = {"authorization": f"Bearer {key}"}
    asking = asyncio.create_task(http.post(sabir.completions, json={**CHAT, "stream": stream}, headers=headers))
    await simulator.seen(1)
    asking.cancel()
    await sabir.log.records_of(done + 1)
    simulator.release()


async def reports(sabir: Sabir, http: aiohttp.ClientSession, key: str) -> bytes:
    """All that the bearer of a key is told of its requests, and of what they came to."""
    told = []
    for path in ("/requests?limit=100", "/requests?outcome=error", "/usage?by=key,model,provider"):
        async with http.get(sabir.url() + path, headers={"authorization": f"Bearer {key}"}) as answer:
            assert answer.status == 200
            told.append(await answer.read())
    return b"".join(told)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_no_way_to_fail_writes_a_prompt_or_a_secret_anywhere(
    sabir: Sabir,
    simulator: Simulator,
    http: aiohttp.ClientSession,
    receiver: Receiver,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    stream: bool,
) -> None:
    caplog.set_level(0)
    acme = await the_org(sabir)
    member, poor = await acme.key(), await acme.key(limits=Limits(requests_per_minute=1))
    heard = {}
    for name, way in WAYS.items():
        for key in (member, OWN_KEY):
            heard[name, key] = await ask(sabir, simulator, http, key, way, stream=stream)
        sabir.clock.now += 3600  # no endpoint cools down for so long
    for name in ("within the limit", "over the limit"):
        heard[name, poor] = await ask(sabir, simulator, http, poor, Way(), stream=stream)
    await leave(sabir, simulator, http, member, stream=stream)

    records = sabir.log.records
    assert len(records) == 2 * len(WAYS) + 3
    assert {record.cause for record in records} == {None, "caller", "limit", "provider", "client_gone"}
    assert any(b"amber" in answer for answer in heard.values())
    said = "".join(entry.getMessage() for entry in caplog.records) + "".join(capfd.readouterr())
    written = "\n".join([sabir.log.text, said, *(repr(record) for record in records)]).encode()
    exported = b"".join(got.message.SerializeToString() for got in receiver.got)
    told = await reports(sabir, http, member)
    assert [record.content for record in records].count("kept") > len(WAYS) / 2
    assert len(receiver.spans) > len(records)
    assert found(written + exported + told + on_disk(tmp_path), (*SAID, *HIDDEN, member, poor)) == set()
    assert found(b"".join(heard.values()), (*SECRETS.values(), HEADER)) == set()


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"x" + PROMPT.encode().hex().encode())
    assert found(on_disk(tmp_path), SAID) == {PROMPT}
