"""Same wire, same bytes: an OpenAI request to an OpenAI-compatible provider is relayed, not rebuilt."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.rig import KEYS, STORY
from tests.simulator import Chunks, OddSse, Tomorrow

if TYPE_CHECKING:
    import aiohttp

    from tests.contract.rig import Sabir
    from tests.simulator import Simulator

BEARER = {"authorization": f"Bearer {KEYS['openai']}", "content-type": "application/json"}
# Everything that a rebuilt request would lose: spellings, escapes, order, white space.
ODD_BODY = (
    b'{ "top_p" : 1.0e0,\r\n\t"model":"gpt-4o" , "temperature":0.70, "messages": [ {"content":"\\u0057hat is \\/ a'
    b' proxy? \xe6\xb5\xb7", "role" :"user"}],"seed":12345678901234567890 , "n":1 }'
)


async def sent(http: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str] = BEARER) -> bytes:
    async with http.post(url, data=body, headers=headers) as answer:
        data = await answer.read()
        assert answer.status == 200, data
        return data


async def test_the_body_of_a_whole_request_reaches_the_provider_byte_for_byte(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    await sent(http, sabir.completions, ODD_BODY)
    assert simulator.requests[0].body == ODD_BODY


async def test_only_the_model_is_patched_where_its_name_says_the_provider(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    await sent(http, sabir.completions, ODD_BODY.replace(b'"gpt-4o"', b'"openai/gpt-4o"'))
    assert simulator.requests[0].body == ODD_BODY


async def test_a_stream_is_asked_for_its_usage_and_nothing_else_changes(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    written = ODD_BODY.replace(b'"n":1 }', b'"stream":true }')
    await sent(http, sabir.completions, written)
    patch = b'"stream_options":{"include_usage":true}'
    body = simulator.requests[0].body
    assert patch in body
    head, tail = body.split(patch)
    assert written.startswith(head.rstrip(b", \r\n\t"))
    assert (head.rstrip(b", \r\n\t") + tail).replace(b" ", b"") == written.replace(b" ", b"")


async def test_a_stream_that_asks_for_usage_itself_is_not_patched_at_all(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    options = b'"stream":true, "stream_options" : {"include_usage" :true,"include_obfuscation":false}}'
    written = ODD_BODY.replace(b'"n":1 }', options)
    await sent(http, sabir.completions, written)
    assert simulator.requests[0].body == written


async def test_a_whole_answer_reaches_the_client_byte_for_byte(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    simulator.next(Tomorrow(), times=2)
    through = await sent(http, sabir.completions, ODD_BODY)
    direct = await sent(http, simulator.url("openai") + "/chat/completions", ODD_BODY)
    assert through.startswith(b"{\n")
    assert _without_identity(through) == _without_identity(direct)


@pytest.mark.parametrize("odd", [(), (OddSse(),), (Chunks(1),), (Chunks(0),), (Tomorrow(), Chunks(7))], ids=repr)
async def test_the_frames_of_a_stream_reach_the_client_byte_for_byte(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, odd: Any
) -> None:
    simulator.next(*odd, times=2)
    body = json.dumps(
        {
            "model": "gpt-4o",
            "stream": True,
            "stream_options": {"include_usage": True},
            "messages": [{"role": "user", "content": "Write 12 words"}],
        }
    ).encode()
    through = await sent(http, sabir.completions, body)
    direct = await sent(http, simulator.url("openai") + "/chat/completions", body)
    if OddSse() in odd:
        # The end mark is ours to send, in its plain spelling; the byte order mark belongs to a stream's start.
        cut = direct.rindex(b": a comment")
        assert through.endswith(b"data: [DONE]\n\n")
        through, direct = through[: through.rindex(b"data: [DONE]")], direct[:cut]
        through, direct = through.removeprefix(b"\xef\xbb\xbf"), direct.removeprefix(b"\xef\xbb\xbf")
    assert _without_identity(through) == _without_identity(direct)


async def test_the_usage_chunk_that_only_we_asked_for_is_kept_from_the_client_and_nothing_else(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    asked = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "Write 12 words"}]}
    through = await sent(http, sabir.completions, json.dumps(asked).encode())
    options = {"stream_options": {"include_usage": True}}
    direct = await sent(http, simulator.url("openai") + "/chat/completions", json.dumps(asked | options).encode())
    frames = _without_identity(direct).split(b"\n\n")
    hidden = [frame for frame in frames if b'"choices":[],"usage":{' in frame]
    assert len(hidden) == 1
    assert _without_identity(through).split(b"\n\n") == [frame for frame in frames if frame not in hidden]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("provider", "members"),
    [("openai", ["x_mood", "x_provenance"]), ("perplexity", ["provenance"])],
)
async def test_members_of_tomorrow_reach_the_client_of_a_relay(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, provider: str, members: list[str], stream: bool
) -> None:
    simulator.next(Tomorrow())
    headers = {**BEARER, "authorization": f"Bearer {KEYS[provider]}"}
    asked = {"model": STORY[provider], "stream": stream, "messages": [{"role": "user", "content": "Hello"}]}
    answer = await sent(http, sabir.completions, json.dumps(asked).encode(), headers)
    expected = members[:1] if stream else members
    assert [member for member in expected if member.encode() not in answer] == []


@pytest.mark.parametrize("stream", [False, True])
async def test_pitfall_09_blocks_and_events_of_tomorrow_do_not_break_a_translation(
    sabir: Sabir, simulator: Simulator, stream: bool
) -> None:
    simulator.next(Tomorrow())
    create = sabir.client_of("anthropic").chat.completions.create
    asked: dict[str, Any] = {
        "model": "claude-haiku-4-5",
        "messages": [{"role": "user", "content": "Repeat: still here"}],
    }
    if stream:
        text = ""
        async for chunk in await create(stream=True, **asked):
            text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    else:
        text = (await create(**asked)).choices[0].message.content or ""
    assert text == "still here"


def _without_identity(answer: bytes) -> bytes:
    """Without what differs between two requests however alike: id and time."""
    answer = re.sub(rb'("id": ?")chatcmpl-[A-Za-z0-9]+', rb"\1same", answer)
    return re.sub(rb'("created": ?)\d+', rb"\g<1>0", answer)
