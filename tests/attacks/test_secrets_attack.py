"""Keys, prompts and completions where they must not be: in the log, in reprs, in what others are told."""

from __future__ import annotations

import asyncio
import io
import json
import traceback
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

import pytest
from rich.console import Console

from handlers.answer import Streamed
from handlers.asked import Asked
from handlers.local import Terminal
from handlers.record import word_of
from handlers.services import build_services
from infra.requests.record import RequestRecord
from infra.requests.timing import Timing
from infra.runtime.framing import Headers
from infra.runtime.invocation import Invocation
from infra.settings import Misconfigured, Timeouts, read_settings
from providers import registry
from providers.base import Credential, Profile, Stamp, Target
from providers.dialects import openai
from providers.errors import UpstreamRejected
from providers.secret import Secret
from tests.attacks.hostile import KEY, PROMPT, asked, bearer, chunk, completion, provider, saying, streaming
from tests.contract.rig import serve_process

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    import aiohttp

    from handlers.answer import Piece

Before = Any

# No provider's mark, so no pattern finds it.
PLAIN_KEY: Final = "topsecret.of.mine"


@pytest.mark.parametrize("said", [PLAIN_KEY, PROMPT, f"Bearer {PLAIN_KEY}", "\x1b[2J", "word\nword"])
@pytest.mark.parametrize("member", ["code", "type", "param", "message"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["gpt-4o", "claude-sonnet-4-5"])
async def test_a_provider_that_quotes_key_or_prompt_does_not_write_them_into_the_log(
    before: Before, http: aiohttp.ClientSession, said: str, member: str, stream: bool, model: str
) -> None:
    error = {"message": "no", "type": "bad", "code": "bad", "details": {"error_code": said}, member: said}
    begun = [chunk({"content": "It"})] if model == "gpt-4o" else []
    in_band = streaming(
        *begun, b"event: error\ndata: " + json.dumps({"type": "error", "error": error}).encode() + b"\n\n"
    )
    sabir, _ = await before(in_band if stream else saying({"error": error}, status="400 Bad Request"))
    async with http.post(
        sabir.completions, json=asked(stream=stream, model=model), headers=bearer(PLAIN_KEY)
    ) as answer:
        told = await answer.read()
    await sabir.log.records_of(1)
    assert PLAIN_KEY not in sabir.log.text
    assert PROMPT not in sabir.log.text
    assert PLAIN_KEY.encode() not in told
    terminal = io.StringIO()
    Terminal(Console(file=terminal, width=500, highlight=False)).write(sabir.log.records[0])
    assert "\x1b" not in terminal.getvalue()
    assert terminal.getvalue().count("\n") == 1


def test_an_error_without_a_word_of_its_own_still_has_one() -> None:
    assert word_of(UpstreamRejected("x", type="two words", code="not a word")) == "error"


@pytest.mark.parametrize(
    ("code", "told"),
    [("otter", "bad_type"), ("model_not_found", "model_not_found"), ("rate_limit", "rate_limit"), ("other", "other")],
)
def test_a_word_that_the_request_has_is_not_the_logs_to_repeat_unless_it_is_one_of_the_trade(
    code: str, told: str
) -> None:
    said = b'{"content": "What does an otter make of model_not_found, of a rate_limit?"}'
    assert word_of(UpstreamRejected("x", type="bad_type", code=code), said) == told


def test_no_part_of_a_request_shows_its_key_or_prompt() -> None:
    body = json.dumps(asked()).encode()
    chat = openai.DIALECT.parse(body)
    record = RequestRecord("id", "openai-chat")
    target = Target("openai", "gpt-4o", Credential(Secret(KEY)), Profile("https://x.example"))
    sent = registry.find("openai").request(chat, target)
    event = Headers([("lambda-runtime-aws-request-id", "1"), ("lambda-runtime-deadline-ms", "1")])
    parts = [
        Asked(
            {**bearer(), "cookie": KEY},
            body,
            "chat/completions",
            openai.DIALECT,
            record,
            {},
            AsyncExitStack(),
            Timing(lambda: 0.0),
        ),
        target,
        sent,
        chat.source,
        Invocation.from_next(event, json.dumps({"headers": bearer(), "body": PROMPT}).encode()),
        build_services({"OPENAI_API_KEY": KEY}, with_keys=True),
        build_services({"OPENAI_API_KEY": KEY}, with_keys=True).settings,
    ]
    for part in parts:
        for shown in (repr(part), str(part), f"{part}"):
            assert KEY not in shown, type(part).__name__
            assert PROMPT not in shown, type(part).__name__


@pytest.mark.parametrize("key", ["sk-\nowner", "sk-öwner", "sk owner", "sk-\x00", "   "])
def test_a_key_in_the_environment_that_cannot_be_sent_is_found_at_the_start_and_not_quoted(key: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        read_settings({"OPENAI_API_KEY": key}, ["openai"], with_keys=True)
    assert "OPENAI_API_KEY" in str(refused.value)
    assert "wner" not in "".join(traceback.format_exception(refused.value))


async def test_a_key_with_its_file_s_last_line_end_is_that_key(before: Before, http: aiohttp.ClientSession) -> None:
    sabir, heard = await before(saying(completion()), {"OPENAI_API_KEY": "sk-owner\n"}, with_keys=True)
    async with http.post(sabir.completions, json=asked(), headers=bearer("env")) as answer:
        assert answer.status == 200
    assert b"authorization: Bearer sk-owner\r\n" in heard[0].head


EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - what is tested is that this is no way in


@pytest.mark.parametrize(("host", "key"), [(EVERYWHERE, b"env"), ("127.0.0.1", b"sk-of-the-owner")])
async def test_a_network_cannot_spend_the_owners_keys_by_saying_localhost(
    host: str, key: bytes, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """Where others can reach it, "env" is a key like any other: of no use at a provider."""
    async with provider(saying(completion())) as (url, heard):
        env = {"OPENAI_API_KEY": "sk-of-the-owner", "OPENAI_BASE_URL": url}
        async with serve_process("--host", host, "--cache", str(tmp_path / "c.db"), env=env) as (base, _):
            there = base.replace(EVERYWHERE, "127.0.0.1") + "/chat/completions"
            async with http.post(there, json=asked(), headers={**bearer("env"), "host": "localhost"}) as answer:
                assert answer.status == 200
    assert [b"authorization: Bearer " + key + b"\r\n" in request.head for request in heard] == [True]


async def test_a_page_in_a_browser_cannot_spend_the_owners_keys(before: Before, http: aiohttp.ClientSession) -> None:
    """Any page may call, with a key of its own. A browser says that it is one, and cannot be made not to."""
    sabir, heard = await before(saying(completion()), {"OPENAI_API_KEY": "sk-owner"}, with_keys=True)
    page = {"origin": "https://evil.example"}
    async with http.post(sabir.completions, json=asked(), headers={**page, **bearer("env")}) as spent:
        assert spent.status == 401
    simple = {**page, "content-type": "text/plain"}
    async with http.post(sabir.completions, data=json.dumps(asked()), headers=simple) as without_a_key:
        assert without_a_key.status == 401
    assert heard == []


async def test_a_line_that_breaks_under_a_comment_leaves_no_traceback_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """asyncio prints the exception of a task that nobody asks, text and all."""
    unheard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
    broken = asyncio.Event()

    async def send(message: Any) -> None:
        broken.set()
        raise OSError(f"the platform broke off: {PROMPT}")

    async def pieces() -> AsyncGenerator[Piece, None]:
        await broken.wait()
        await asyncio.sleep(0)
        for _ in ():
            yield _

    encoder = openai.DIALECT.encoder(Stamp("id", 0, "m"), include_usage=False)
    answer = Streamed({}, pieces(), encoder.content_type, encoder.feed, Timeouts(first_event=0.0, ping=0.0))
    with pytest.raises(OSError, match="broke off"):
        await answer.send(send, "id")
    del answer
    await asyncio.sleep(0)
    assert unheard == []
    assert PROMPT not in caplog.text
