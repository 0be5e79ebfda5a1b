"""A member of an org asks for a model that OpenAI serves by its Responses API alone: the org's endpoint is enough."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.contract.org_rig import an_org, endpoint, org_env

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

Start = Any
ANSWER = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-5-pro-2025-10-06",
    "status": "completed",
    "output": [
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Bonjour", "annotations": []}],
        }
    ],
    "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
}

OF_BOTH = {"gpt-5"}
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-5-2025-08-07",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Salut"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
}


@asynccontextmanager
async def openai(seen: list[tuple[str, Any]]) -> AsyncIterator[str]:
    """Answers each wire at its own path, and says which models it serves on neither."""

    async def respond(request: web.Request) -> web.Response:
        body = await request.json()
        seen.append((request.path, body))
        return web.json_response(ANSWER)

    async def chat(request: web.Request) -> web.Response:
        body = await request.json()
        seen.append((request.path, body))
        if body["model"] in OF_BOTH:
            return web.json_response(COMPLETION)
        message = "This model is only supported in v1/responses and not in v1/chat/completions."
        return web.json_response({"error": {"message": message, "type": "invalid_request_error"}}, status=404)

    app = web.Application()
    app.router.add_post("/v1/responses", respond)
    app.router.add_post("/v1/chat/completions", chat)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}/v1"


async def test_an_orgs_own_endpoint_serves_it_and_a_wish_for_the_wire_is_heard(start: Start, tmp_path: Path) -> None:
    seen: list[tuple[str, Any]] = []
    async with openai(seen) as url:
        sabir = await start({**org_env(tmp_path), "OPENAI_BASE_URL": url})
        acme = await an_org(sabir, [endpoint("openai")])
        client = sabir.openai(await acme.key())
        for model in ("gpt-5-pro", "openai/responses/gpt-5"):
            answer = await client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": f"Hello {model}"}]
            )
            assert answer.choices[0].message.content == "Bonjour"
            assert (answer.usage and answer.usage.prompt_tokens, answer.choices[0].finish_reason) == (10, "stop")
    assert [(path, body["model"]) for path, body in seen] == [
        ("/v1/responses", "gpt-5-pro"),
        ("/v1/responses", "gpt-5"),
    ]
    records = await sabir.log.records_of(2)
    assert [(record.provider, record.model) for record in records] == [("openai", "gpt-5-pro"), ("openai", "gpt-5")]
    assert "Hello" in json.dumps(seen[0][1]["input"])


async def test_what_one_wire_answered_is_no_hit_for_the_other(start: Start, tmp_path: Path) -> None:
    """They do not say the same: of thinking, one shows nothing, and the other summaries and what goes back."""
    seen: list[tuple[str, Any]] = []
    said = []
    async with openai(seen) as url:
        sabir = await start({**org_env(tmp_path), "OPENAI_BASE_URL": url})
        client = sabir.openai(await (await an_org(sabir, [endpoint("openai")])).key())
        for number, model in enumerate(("gpt-5", "openai/responses/gpt-5", "openai/gpt-5", "openai/responses/gpt-5")):
            answer = await client.chat.completions.with_raw_response.create(
                model=model,
                messages=[{"role": "user", "content": "Hello"}],
                extra_headers={"x-bt-use-cache": "always"},
            )
            said.append((answer.headers["x-bt-cached"], answer.parse().choices[0].message.content))
            await sabir.log.records_of(number + 1)
    assert said == [("MISS", "Salut"), ("MISS", "Bonjour"), ("HIT", "Salut"), ("HIT", "Bonjour")]
    assert [path for path, _ in seen] == ["/v1/chat/completions", "/v1/responses"]
