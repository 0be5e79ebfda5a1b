"""`make record` against the simulator, end to end: what is asked, what is written, and what never is."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from providers.completion import fold
from providers.registry import find
from tests.simulator import LEAKED, Cut, Leaky, Say, Simulator, Status
from tests.simulator.replay import Recording, ReplayServer
from tests.wire.recordings import own_row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
KEY = "sk-proj-Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MAzz9Q"
OTHER = "hunter2-hunter2-hunter2"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as running:
        yield running


class Desk:
    def __init__(self, simulator: Simulator, folder: Path) -> None:
        self.simulator = simulator
        self.folder = folder
        self.addresses = simulator.environment()

    async def record(self, *arguments: str) -> tuple[int, str]:
        """The exit status, and what was said on the way."""
        environment = {**os.environ, **self.addresses, "OTHER_PASSWORD": OTHER}
        environment |= {"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.recorder", *arguments, "--folder", str(self.folder)),
            cwd=ROOT,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, said = await process.communicate()
        assert KEY.encode() not in out + said
        return process.returncode or 0, (out + said).decode()

    def path(self, provider: str, case: str) -> Path:
        return self.folder / provider / f"{case}.json"

    def case(self, provider: str, case: str) -> dict[str, Any]:
        text = self.path(provider, case).read_text()
        assert KEY not in text
        assert OTHER not in text
        held: dict[str, Any] = json.loads(text)
        return held


@pytest.fixture
def desk(simulator: Simulator, tmp_path: Path) -> Desk:
    return Desk(simulator, tmp_path)


async def test_a_stream_is_kept_with_its_chunks_and_can_be_replayed(desk: Desk) -> None:
    desk.simulator.next(Say(text="Għodwa t-tajba ☀"))
    status, said = await desk.record("openai", "text-stream", "--model", "gpt-4o-mini")
    assert (status, "status 200" in said, "chunk 1:" in said, "wrote" in said) == (0, True, True, True)
    case = desk.case("openai", "text-stream")
    assert (case["wire"], case["model"], case["stream"], case["framing"]) == ("openai-chat", "gpt-4o-mini", True, "sse")
    assert case["request"]["url"] == "https://api.openai.com/v1/chat/completions"
    assert case["request"]["body"]["stream"] is True
    assert sum(case["response"]["chunks"]) == len(case["response"]["body"].encode())
    row = own_row(desk.path("openai", "text-stream"))
    assert (row["status"], row["provider"], row["fidelity"], row["tags"]) == (200, "openai", "verbatim", [])

    played = Recording.load(desk.path("openai", "text-stream"))
    stream, at, events = find("openai").stream(), 0, []
    for size in case["response"]["chunks"]:
        events += stream.feed(played.body[at : (at := at + size)])
    events += stream.close()
    assert fold(events).choices[0].parts[0].text == "Għodwa t-tajba ☀"  # type: ignore[union-attr]


async def test_a_recorded_case_is_asked_again_as_it_was(desk: Desk) -> None:
    ask = desk.folder / "ask.json"
    ask.write_text(json.dumps({"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "odd"}]}))
    assert (await desk.record("anthropic", "odd", "--ask", str(ask)))[0] == 0
    first = desk.case("anthropic", "odd")
    assert first["framing"] == "json"
    desk.simulator.next(Say(text="another answer"))
    assert (await desk.record("anthropic", "odd"))[0] == 0
    again = desk.case("anthropic", "odd")
    assert (again["asked"], again["request"]) == (first["asked"], first["request"])
    assert "another answer" in again["response"]["body"]
    assert [seen.headers["x-api-key"] for seen in desk.simulator.requests] == [KEY, KEY]


async def test_an_error_is_a_case_and_a_key_that_is_quoted_in_it_is_gone(desk: Desk) -> None:
    quoted = f"Incorrect API key provided: {KEY}, or {KEY[:8]}******{KEY[-4:]}, of org-AbCdEfGh12345678; {OTHER}."
    desk.simulator.next(Status(401, message=quoted))
    status, _ = await desk.record("openai", "error", "--model", "gpt-4o-mini")
    case = desk.case("openai", "error")
    body = case["response"]["body"]
    assert (status, case["response"]["status"], case["tags"], case["fidelity"]) == (0, 401, ["error"], "scrubbed")
    assert "x" * len(KEY) in body
    assert "org-0000000000000000" in body
    assert KEY[:8] not in body
    assert KEY[-4:] not in body
    assert [len(body.encode())] == case["response"]["chunks"]
    assert find("openai").error(401, {}, body.encode()).code == "invalid_api_key"


async def test_cookies_and_the_headers_of_an_account_are_left_out(desk: Desk) -> None:
    desk.simulator.next(Leaky())
    assert (await desk.record("openai", "text", "--model", "gpt-4o-mini"))[0] == 0
    case = desk.case("openai", "text")
    assert "leaked" not in json.dumps(case)
    assert {name for name, _ in LEAKED}.isdisjoint(case["response"]["headers"])
    assert set(case["response"]["headers"].get("x-request-id", "0")) == {"0"}
    assert "authorization" not in case["request"]["headers"]


async def test_where_a_secret_cannot_be_taken_out_there_is_no_file(desk: Desk) -> None:
    """A binary stream has checksums: nothing can be put in, so nothing is kept."""
    leak = Recording(200, (("content-type", "application/vnd.amazon.eventstream"),), b"\0\xff" + KEY.encode())
    async with ReplayServer(leak) as server:
        desk.addresses = {"OPENAI_BASE_URL": server.url}
        status, said = await desk.record("openai", "text", "--model", "gpt-4o-mini")
    assert status == 1
    assert "nothing is written" in said
    assert not desk.path("openai", "text").exists()


async def test_a_provider_that_breaks_off_leaves_the_case_as_it_was(desk: Desk) -> None:
    assert (await desk.record("openai", "text-stream", "--model", "gpt-4o-mini"))[0] == 0
    before = desk.path("openai", "text-stream").read_bytes()
    desk.simulator.next(Cut(after=1))
    status, said = await desk.record("openai", "text-stream")
    assert (status, "could not be asked" in said) == (1, True)
    assert desk.path("openai", "text-stream").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nobody", "text"), "There is no provider 'nobody'"),
        (("groq", "text"), "set GROQ_API_KEY"),
        (("openai", "text"), "needs a model"),
        (("openai", "odd"), "Nobody has said what 'odd' asks"),
        (("openai", "../odd"), "named in lower-case"),
        (("openai", "odd", "--ask", "/dev/null"), "holds no JSON object"),
    ],
)
async def test_what_is_unclear_is_said_and_nothing_is_sent(desk: Desk, arguments: tuple[str, ...], told: str) -> None:
    status, said = await desk.record(*arguments)
    assert (status, desk.simulator.calls()) == (1, 0)
    assert told in said


async def test_the_help_teaches(desk: Desk) -> None:
    status, said = await desk.record("--help")
    assert status == 0
    for word in (
        "PROVIDER_API_KEY",
        "tests/wire/cases",
        "secret",
        "make record PROVIDER=groq CASE=text",
        "tools-stream",
    ):
        assert word in said
