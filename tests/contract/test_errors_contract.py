"""Every way in which a provider fails, as the SDK of the client understands it, and with nothing given away.

Keys, prompt, completion and the provider's own headers carry marks that are looked for everywhere afterwards.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import openai
import pytest

from tests.contract.rig import PROVIDERS, STORY
from tests.simulator import (
    Chunks,
    Cut,
    Garbage,
    Gzip,
    HtmlPage,
    Leaky,
    MalformedFrame,
    NoEndMark,
    NotJson,
    Reset,
    Say,
    Status,
    StreamError,
)

if TYPE_CHECKING:
    import aiohttp

    from tests.contract.rig import Sabir
    from tests.simulator import Fault, Simulator

MARKED: Final = {
    "openai": "sk-proj-KEYMARK7f3a9c51",
    "anthropic": "sk-ant-api03-KEYMARK7f3a9c51",
    "perplexity": "pplx-KEYMARK7f3a9c51",
}
PROMPT: Final = "PROMPTMARK what is a proxy?"
COMPLETION: Final = "COMPLETIONMARK one two three four five six seven eight nine ten"

# Status, and the SDK's class for it.
CLASSES: Final[dict[int, type[openai.APIStatusError]]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    402: openai.APIStatusError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    409: openai.ConflictError,
    413: openai.APIStatusError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
}
AT_ONCE: Final[dict[str, tuple[Fault, int]]] = {
    **{f"status-{status}": (Status(status), status) for status in (*CLASSES, 500, 502, 503, 504, 529)},
    "accepted-and-no-answer": (Status(202), 502),
    "a-part": (Status(206), 502),
    "redirect": (Status(307, headers=(("location", "https://elsewhere.invalid/steal"),)), 502),
    "page-of-a-balancer": (HtmlPage(502), 502),
    "page-with-200": (HtmlPage(200), 502),
    "text-that-says-json": (NotJson(), 502),
    "a-list": (NotJson("application/json", "[]"), 502),
    "an-empty-object": (NotJson("application/json", "{}"), 502),
    "nothing": (NotJson("application/json", ""), 502),
    "cut-before-the-head": (Cut(), 502),
    "reset-before-the-head": (Reset(), 502),
    "cut-in-the-first-bytes": (Cut(after_bytes=20), 502),
    "reset-in-the-first-bytes": (Reset(after_bytes=20), 502),
}
AT_ONCE_IN_A_STREAM: Final[dict[str, tuple[StreamError | MalformedFrame | Garbage, int]]] = {
    "error-as-the-first-event": (StreamError(after=0), 500),
    "error-before-the-first-token": (StreamError(after=1), 500),
    "broken-json-at-first": (MalformedFrame(after=0), 502),
    "bytes-of-something-else": (Garbage(after=0), 502),
}
# Late enough that some tokens have been read when a reset throws away what has not.
IN_THE_MIDST: Final[dict[str, Fault]] = {
    "error": StreamError(after=10),
    "overloaded": StreamError(after=10, overloaded=True),
    "broken-json": MalformedFrame(after=10),
    "no-end-mark": NoEndMark(),
    "cut": Cut(after=10),
    "reset": Reset(after=10),
}


@pytest.fixture(autouse=True)
def marked(simulator: Simulator) -> None:
    simulator.next(Say(COMPLETION))


async def asked(sabir: Sabir, provider: str, *, stream: bool) -> str:
    """The text that came, whole or streamed; raises what the SDK raises."""
    create = sabir.openai(MARKED[provider]).chat.completions.create
    body: dict[str, Any] = {"model": STORY[provider], "messages": [{"role": "user", "content": PROMPT}]}
    if not stream:
        return (await create(**body)).choices[0].message.content or ""
    text = ""
    async for chunk in await create(stream=True, **body):
        text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    return text


def order(simulator: Simulator, *faults: Fault) -> None:
    simulator.forget()
    simulator.next(*faults, Say(COMPLETION), Leaky())


def assert_nothing_given_away(sabir: Sabir, caplog: pytest.LogCaptureFixture, answer: str) -> None:
    # The clients run in this process too, and what they write of their own requests is their business.
    ours = [record for record in caplog.records if not record.name.startswith(("openai", "httpx", "httpcore"))]
    logged = "\n".join([*map(caplog.handler.format, ours), sabir.log.text, repr(sabir.log.records)])
    assert [mark for mark in ("KEYMARK", "PROMPTMARK", "COMPLETIONMARK", "leaked", "__cf_bm") if mark in logged] == []
    assert [mark for mark in ("KEYMARK", "9c51", "PROMPTMARK", "leaked", "__cf_bm", "_cfuvid") if mark in answer] == []


def assert_error_object(error: dict[str, Any]) -> None:
    assert set(error) == {"message", "type", "param", "code"}
    assert isinstance(error["message"], str)
    assert error["message"]
    assert isinstance(error["type"], str)
    assert error["code"] is None or isinstance(error["code"], str)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", AT_ONCE)
async def test_pitfall_35_a_failure_before_the_first_token_is_an_honest_status(
    sabir: Sabir, simulator: Simulator, caplog: pytest.LogCaptureFixture, provider: str, stream: bool, fault: str
) -> None:
    caplog.set_level(0)
    ordered, status = AT_ONCE[fault]
    await assert_honest(sabir, simulator, caplog, provider, stream, ordered, status)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", AT_ONCE_IN_A_STREAM)
async def test_pitfall_25_a_stream_that_fails_at_its_start_is_an_honest_status_too(
    sabir: Sabir, simulator: Simulator, caplog: pytest.LogCaptureFixture, provider: str, fault: str
) -> None:
    caplog.set_level(0)
    ordered, status = AT_ONCE_IN_A_STREAM[fault]
    if provider == "perplexity":
        ordered = replace(ordered, after=0)  # its first event is a token
    await assert_honest(sabir, simulator, caplog, provider, True, ordered, status)


async def assert_honest(
    sabir: Sabir,
    simulator: Simulator,
    caplog: pytest.LogCaptureFixture,
    provider: str,
    stream: bool,
    fault: Fault,
    status: int,
) -> None:
    order(simulator, fault)
    with pytest.raises(openai.APIStatusError) as raised:
        await asked(sabir, provider, stream=stream)
    failed = raised.value
    assert type(failed) is (openai.InternalServerError if status >= 500 else CLASSES[status])
    assert failed.response.status_code == status
    assert failed.response.headers["content-type"] == "application/json"
    error = json.loads(failed.response.text)
    assert set(error) == {"error"}
    assert_error_object(error["error"])
    assert (failed.type, failed.code) == (error["error"]["type"], error["error"]["code"])
    record = await sabir.log.last(1)
    assert (record.status, record.provider, record.stored) == (status, provider, None)
    assert record.error
    assert record.bug == ()
    assert simulator.calls() == 1
    assert_nothing_given_away(sabir, caplog, f"{dict(failed.response.headers)} {failed.response.text}")


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", IN_THE_MIDST)
async def test_pitfall_19_a_failure_in_the_midst_is_an_error_and_no_end(
    sabir: Sabir,
    simulator: Simulator,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    provider: str,
    fault: str,
) -> None:
    caplog.set_level(0)
    order(simulator, IN_THE_MIDST[fault])
    with pytest.raises(openai.APIError) as raised:
        await asked(sabir, provider, stream=True)
    assert not isinstance(raised.value, openai.APIStatusError | openai.APIConnectionError)

    order(simulator, IN_THE_MIDST[fault])
    body = {"model": STORY[provider], "stream": True, "messages": [{"role": "user", "content": PROMPT}]}
    headers = {"authorization": f"Bearer {MARKED[provider]}"}
    async with http.post(sabir.completions, json=body, headers=headers) as answer:
        data = (await answer.read()).decode()
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/event-stream"
    frames = [frame.strip() for frame in data.replace("\r\n", "\n").split("\n\n") if frame.strip()]
    error = json.loads(frames[-1].removeprefix("data: "))
    assert set(error) == {"error"}
    assert_error_object(error["error"])
    assert "".join(_piece(frame) for frame in frames[:-1]).startswith(COMPLETION[:6])
    assert "[DONE]" not in data
    assert not [frame for frame in frames if '"finish_reason":"' in frame.replace(" ", "")] or fault == "no-end-mark"
    records = await sabir.log.records_of(2)
    assert [(record.status, bool(record.error), record.bug) for record in records] == [(200, True, ())] * 2
    assert simulator.calls() == 1
    assert_nothing_given_away(sabir, caplog, f"{answer.headers} {frames[-1]}")


def _piece(frame: str) -> str:
    choices = json.loads(frame.removeprefix("data: "))["choices"]
    return choices[0]["delta"].get("content") or "" if choices else ""


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_bytes_of_something_else_in_the_midst_lose_no_text_unnoticed(
    sabir: Sabir, simulator: Simulator, provider: str
) -> None:
    """Foreign lines are comments to an SSE parser, or an error to a strict one; a silent loss they are to neither."""
    order(simulator, Garbage(after=6))
    try:
        text = await asked(sabir, provider, stream=True)
    except openai.APIError:
        assert (await sabir.log.last(1)).error == "upstream_protocol_error"
    else:
        assert text == COMPLETION


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("retry_after", ["7", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_retry_after_is_kept(
    sabir: Sabir, simulator: Simulator, provider: str, stream: bool, retry_after: str
) -> None:
    for status in (429, 503):
        order(simulator, Status(status, retry_after=retry_after))
        with pytest.raises(openai.APIStatusError) as raised:
            await asked(sabir, provider, stream=stream)
        assert raised.value.status_code == status
        assert raised.value.response.headers["retry-after"] == retry_after


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_refused_key_is_not_quoted_not_even_in_part(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, provider: str
) -> None:
    """OpenAI quotes it masked, with its last four characters; those too are nobody's business."""
    simulator.forget()
    body = {"model": STORY[provider], "messages": [{"role": "user", "content": PROMPT}]}
    key = {"openai": "sk-invalid-key-KEYMARK9c51", "anthropic": "sk-ant-invalid9c51", "perplexity": "pplx-invalid9c51"}
    async with http.post(sabir.completions, json=body, headers={"authorization": f"Bearer {key[provider]}"}) as answer:
        text = await answer.text()
    assert (answer.status, json.loads(text)["error"]["code"] in ("invalid_api_key", None)) == (401, True)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "9c51" not in text + sabir.log.text


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("size", [0, 1, 7])
async def test_pitfall_18_the_bytes_may_be_cut_anywhere(
    sabir: Sabir, simulator: Simulator, provider: str, stream: bool, size: int
) -> None:
    order(simulator, Chunks(size))
    assert await asked(sabir, provider, stream=stream) == COMPLETION


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_pitfall_20_a_compressed_answer_is_read_and_its_headers_are_dropped(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, provider: str, stream: bool
) -> None:
    order(simulator, Gzip())
    assert await asked(sabir, provider, stream=stream) == COMPLETION
    order(simulator, Gzip())
    body = {"model": STORY[provider], "stream": stream, "messages": [{"role": "user", "content": PROMPT}]}
    headers = {"authorization": f"Bearer {MARKED[provider]}", "accept-encoding": "gzip"}
    async with http.post(sabir.completions, json=body, headers=headers) as answer:
        data = await answer.read()
    assert "content-encoding" not in answer.headers
    assert data.startswith(b"data: " if stream else b"{")
    if stream:
        assert simulator.requests[-1].headers["accept-encoding"] == "identity"
