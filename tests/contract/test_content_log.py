"""The content log through a running Sabir: what is kept of each kind of request, and of which requests."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from infra.requests.ids import new_request_id
from tests.contract.content_rig import CHAT, COMPLETION, PROMPT, kept, read, said
from tests.contract.org_rig import an_org, endpoint, org_env
from tests.simulator import Cut, Hang, Say, Simulator, Status, StreamError

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from handlers.services import Services
    from tests.contract.rig import Sabir

Start = Any


@pytest.fixture
async def sabir(start: Start, tmp_path: Path) -> Sabir:
    started: Sabir = await start(org_env(tmp_path))
    return started


async def logging_org(sabir: Sabir, **settings: Any) -> Any:
    return await an_org(sabir, [endpoint("openai"), endpoint("anthropic")], **{"content_log_percent": 100, **settings})


async def test_it_is_off_unless_the_org_wants_it(sabir: Sabir, http: aiohttp.ClientSession) -> None:
    acme = await an_org(sabir, [endpoint("openai")])
    key = await acme.key()
    _, _, record = await said(sabir, http, key)
    assert record.content is None
    assert "content" not in record.document()
    assert (await read(sabir, http, key, record.request_id))[0] == 404


async def test_a_request_is_kept_as_it_was_sent_and_answered(
    sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    acme = await logging_org(sabir)
    key = await acme.key()
    simulator.next(Say(COMPLETION))
    _, answer, record = await said(sabir, http, key)
    assert record.content == record.document()["content"] == "kept"
    content = await kept(sabir, http, key, record.request_id)
    assert content == {
        "object": "request.content",
        "request_id": record.request_id,
        "key": acme.records[key].key_id,
        "at": sabir.clock.now,
        "operation": "chat",
        "dialect": "openai-chat",
        "model": "gpt-4",
        "stream": False,
        "status": 200,
        "error": None,
        "left_out": {},
        "expires_at": sabir.clock.now + 7 * 86_400,
        "request": CHAT,
        "response": json.loads(answer),
    }
    assert content["response"]["choices"][0]["message"]["content"] == COMPLETION


async def test_every_byte_of_a_body_comes_back(sabir: Sabir, http: aiohttp.ClientSession) -> None:
    """White space, escapes, a number that no double holds: to read the JSON and write it anew would lose them."""
    key = await (await logging_org(sabir)).key()
    body = b'{ "model": "gpt-4", "seed" :7, "messages":[{"role":"user","content":"\\u00e4"}],'
    body += b'"temperature":1.00000000000000000001, "user":"a" }'
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    async with http.post(sabir.completions, data=body, headers=headers) as answer:
        whole = await answer.read()
        assert answer.status == 200, whole
    record = await sabir.log.last(1)
    url = f"{sabir.url()}/requests/{record.request_id}/content"
    async with http.get(url, headers=headers) as answer:
        shown = await answer.read()
        assert answer.status == 200, (shown, record)
        assert answer.headers["cache-control"] == "no-store"
    assert b'"request":' + body + b',"response":' + whole + b"}" in shown


@pytest.mark.parametrize("model", ["gpt-4", "claude-sonnet-4-5"])
async def test_a_stream_is_kept_as_one_whole_answer(
    sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator, model: str
) -> None:
    key = await (await logging_org(sabir)).key()
    simulator.next(Say(COMPLETION))
    _, body, record = await said(sabir, http, key, model=model, stream=True, stream_options={"include_usage": True})
    assert body.endswith(b"data: [DONE]\n\n")
    content = await kept(sabir, http, key, record.request_id)
    chunks = [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: {")]
    response = content["response"]
    assert (record.content, content["stream"]) == ("kept", True)
    assert (response["object"], response["id"]) == ("chat.completion", chunks[0]["id"])
    assert response["usage"] == chunks[-1]["usage"]
    (choice,) = response["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == (COMPLETION, "stop")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_hit_is_kept_too(sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator, stream: bool) -> None:
    key = await (await logging_org(sabir)).key()
    simulator.next(Say(COMPLETION))
    for expected in ("miss", "hit"):
        _, _, record = await said(sabir, http, key, seed=1, stream=stream)
        assert (record.cache, record.content) == (expected, "kept")
        content = await kept(sabir, http, key, record.request_id)
        assert content["response"]["choices"][0]["message"]["content"] == COMPLETION
        assert content["request"] == {**CHAT, "seed": 1, "stream": stream}
    assert simulator.calls() == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_of_a_failover_the_answer_that_was_heard_is_kept(
    sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator, stream: bool
) -> None:
    acme = await an_org(sabir, [endpoint("openai", name) for name in ("one", "two")], content_log_percent=100)
    key = await acme.key()
    simulator.next(Cut(after=1) if stream else Status(500))
    simulator.next(Say(COMPLETION))
    _, _, record = await said(sabir, http, key, stream=stream)
    assert len(record.attempts) == 2
    content = await kept(sabir, http, key, record.request_id)
    assert content["response"]["choices"][0]["message"]["content"] == COMPLETION
    assert (content["status"], content["error"]) == (200, None)


@pytest.mark.parametrize("fault", [StreamError(after=3), Cut(after=4)], ids=repr)
async def test_a_stream_that_broke_is_kept_as_far_as_it_came(
    sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator, fault: Any
) -> None:
    key = await (await logging_org(sabir)).key()
    simulator.next(fault)
    _, body, record = await said(sabir, http, key, stream=True)
    assert b"[DONE]" not in body
    content = await kept(sabir, http, key, record.request_id)
    assert record.error is not None
    assert (record.content, content["error"]) == ("kept", record.error)
    chunks = [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: {")]
    heard = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk.get("choices"))
    (choice,) = content["response"]["choices"]
    assert heard
    assert (choice["message"]["content"], choice["finish_reason"]) == (heard, None)


async def test_a_client_that_left_leaves_what_it_heard(
    sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    key = await (await logging_org(sabir)).key()
    simulator.next(Hang(after=3))
    headers = {"authorization": f"Bearer {key}"}
    async with http.post(sabir.completions, json={**CHAT, "stream": True}, headers=headers) as answer:
        await answer.content.readany()
    record = await sabir.log.last(1)
    assert (record.error, record.content) == ("client_gone", "kept")
    content = await kept(sabir, http, key, record.request_id)
    assert (content["error"], content["request"]) == ("client_gone", {**CHAT, "stream": True})


@pytest.mark.parametrize("stream", [False, True])
async def test_of_a_failure_the_error_is_kept_as_it_was_told(
    sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator, stream: bool
) -> None:
    key = await (await logging_org(sabir)).key()
    simulator.next(Status(400, message=f"I do not like {PROMPT}"))
    status, body, record = await said(sabir, http, key, stream=stream)
    content = await kept(sabir, http, key, record.request_id)
    assert (status, content["status"], content["error"]) == (400, 400, record.error)
    assert content["response"] == json.loads(body)
    assert PROMPT in content["response"]["error"]["message"]
    assert PROMPT not in sabir.log.text


async def test_an_error_in_anthropics_words_is_kept_to_the_byte(
    sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    """It names the request, unlike OpenAI's."""
    key = await (await logging_org(sabir)).key()
    simulator.next(Status(400))
    async with http.post(
        sabir.url() + "/messages", json={**CHAT, "max_tokens": 9}, headers={"authorization": f"Bearer {key}"}
    ) as answer:
        told = await answer.json()
    record = await sabir.log.last(1)
    assert told["request_id"] == record.request_id
    assert (await kept(sabir, http, key, record.request_id))["response"] == told


async def test_embeddings_are_kept(sabir: Sabir, http: aiohttp.ClientSession) -> None:
    key = await (await logging_org(sabir)).key()
    wanted = {"model": "text-embedding-3-small", "input": PROMPT}
    headers = {"authorization": f"Bearer {key}"}
    async with http.post(sabir.url() + "/embeddings", json=wanted, headers=headers) as answer:
        body = json.loads(await answer.read())
        assert answer.status == 200
    record = await sabir.log.last(1)
    content = await kept(sabir, http, key, record.request_id)
    assert (content["operation"], content["request"], content["response"]) == ("embeddings", wanted, body)


async def test_a_long_request_is_kept_whole(sabir: Sabir, http: aiohttp.ClientSession) -> None:
    key = await (await logging_org(sabir)).key()
    messages = [{"role": "user", "content": f"{number:08}" * 10} for number in range(5000)]
    _, answer, record = await said(sabir, http, key, messages=messages)
    assert record.request_bytes > 400_000
    content = await kept(sabir, http, key, record.request_id)
    assert (record.content, content["left_out"]) == ("kept", {})
    assert (content["request"]["messages"], content["response"]) == (messages, json.loads(answer))


async def test_what_is_too_large_is_left_out_and_named(
    sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    key = await (await logging_org(sabir)).key()
    body = json.dumps({**CHAT, "model": "claude-sonnet-4-5"}).encode() + b" " * 1024 * 1024
    simulator.next(Say(COMPLETION))
    headers = {"authorization": f"Bearer {key}"}
    async with http.post(sabir.completions, data=io.BytesIO(body), headers=headers) as reply:
        answer = await reply.read()
    record = await sabir.log.last(1)
    content = await kept(sabir, http, key, record.request_id)
    assert (record.content, content["request"]) == ("partial", None)
    assert content["left_out"] == {"request": len(body)}
    assert content["response"] == json.loads(answer)


async def test_an_answer_that_was_too_long_to_hold_is_left_out_and_named(
    start: Start, tmp_path: Path, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    def small(services: Services) -> Services:
        return replace(services, settings=replace(services.settings, max_recorded=40))

    sabir = await start(org_env(tmp_path), change=small)
    key = await (await logging_org(sabir)).key()
    simulator.next(Say(COMPLETION))
    _, body, record = await said(sabir, http, key, stream=True)
    content = await kept(sabir, http, key, record.request_id)
    assert (record.content, content["response"]) == ("partial", None)
    assert content["left_out"] == {"response": len(body)}
    assert content["request"] == {**CHAT, "stream": True}


@pytest.mark.parametrize(
    ("headers", "verdict"),
    [
        ({"x-sabir-content": "never"}, "opted_out"),
        ({"x-sabir-content": " Never "}, "opted_out"),
        ({"cache-control": "no-cache, no-store"}, "opted_out"),
        ({"cache-control": "no-cache"}, "kept"),
        ({"x-bt-use-cache": "never"}, "kept"),
    ],
    ids=repr,
)
async def test_a_caller_can_have_less_kept(
    sabir: Sabir, http: aiohttp.ClientSession, headers: dict[str, str], verdict: str
) -> None:
    key = await (await logging_org(sabir)).key()
    status, _, record = await said(sabir, http, key, headers=headers)
    assert (status, record.content) == (200, verdict)
    assert (await read(sabir, http, key, record.request_id))[0] == (200 if verdict == "kept" else 404)


@pytest.mark.parametrize("wish", ["always", "yes", "", "never, always"])
async def test_no_caller_can_have_more_kept(
    sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator, wish: str
) -> None:
    key = await (await logging_org(sabir, content_log_percent=0)).key()
    status, body, record = await said(sabir, http, key, headers={"x-sabir-content": wish})
    assert (status, json.loads(body)["error"]["code"], record.content) == (400, "invalid_header", None)
    assert simulator.calls() == 0


@pytest.mark.parametrize("percent", [1, 30, 50, 99])
async def test_the_sample_is_exactly_what_the_ids_say(
    start: Start, tmp_path: Path, http: aiohttp.ClientSession, percent: int
) -> None:
    # The first eight bytes of SHA-256("sabir/content/sample/v1" ‖ id) in hundredths of 2**64, of the first ten ids here.
    shares = (72.5, 46.1, 41.3, 6.6, 99.2, 41.9, 1.7, 25.8, 37.6, 27.6)
    numbers = itertools.count()

    def numbered(services: Services) -> Services:
        return replace(services, new_id=lambda now: new_request_id(now, next(numbers).to_bytes(10)))

    sabir = await start(org_env(tmp_path), change=numbered)
    key = await (await logging_org(sabir, content_log_percent=percent)).key()
    for _ in shares:
        await said(sabir, http, key)
    verdicts = [record.content for record in sabir.log.records]
    assert verdicts == ["kept" if share < percent else "sampled_out" for share in shares]


async def test_it_is_there_for_as_long_as_the_org_said_when_it_was_kept(
    sabir: Sabir, http: aiohttp.ClientSession
) -> None:
    acme = await logging_org(sabir, content_log_seconds=60)
    key = await acme.key()
    _, _, record = await said(sabir, http, key)
    await acme.change(content_log_percent=0, content_log_seconds=86_400)
    sabir.clock.now += 59
    assert (await kept(sabir, http, key, record.request_id))["expires_at"] == record.at + 60
    sabir.clock.now += 1
    assert (await read(sabir, http, key, record.request_id))[0] == 404


async def test_many_at_once_are_all_kept(sabir: Sabir, http: aiohttp.ClientSession) -> None:
    key = await (await logging_org(sabir)).key()
    headers = {"authorization": f"Bearer {key}"}

    async def one(number: int) -> None:
        body = {**CHAT, "user": str(number)}
        async with http.post(sabir.completions, json=body, headers=headers) as answer:
            await answer.read()

    await asyncio.gather(*map(one, range(20)))
    records = list(await sabir.log.records_of(20))
    users = [(await kept(sabir, http, key, record.request_id))["request"]["user"] for record in records]
    assert users == [record.user for record in records]
    assert len(set(users)) == 20
