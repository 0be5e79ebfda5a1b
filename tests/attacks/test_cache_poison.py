"""Answers that must not be kept, or not be given: to another request, another place, another time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.attacks.hostile import DONE, asked, bearer, chunk, completion, saying, streaming

if TYPE_CHECKING:
    import aiohttp

    from infra.requests.record import RequestRecord
    from tests.attacks.hostile import Answer
    from tests.contract.rig import Sabir

Before = Any
DAY: Final = 86_400


async def ask(sabir: Sabir, http: aiohttp.ClientSession, **members: Any) -> tuple[str, RequestRecord]:
    """The verdict of the cache and the record, when all is over."""
    done = len(sabir.log.records)
    async with http.post(sabir.completions, json=asked(**members), headers=bearer()) as answer:
        await answer.read()
        return answer.headers.get("x-bt-cached", "none"), await sabir.log.last(done + 1)


async def test_an_answer_from_one_place_is_not_given_for_another(before: Before, http: aiohttp.ClientSession) -> None:
    """The operator points a provider elsewhere: the answers of the old place, kept in the same file, are not its own."""
    first, _ = await before(saying(completion("from the old place")))
    assert (await ask(first, http))[1].stored == "stored"
    second, heard = await before(saying(completion("from the new place")))
    assert (await ask(second, http))[0] == "MISS"
    assert len(heard) == 1
    assert (await ask(second, http))[0] == "HIT"


def two(finish: str | None) -> dict[str, Any]:
    """A whole answer of two choices, the second with that end."""
    answer = completion()
    answer["choices"].append({"index": 1, "message": {"role": "assistant", "content": "It"}, "finish_reason": finish})
    return answer


def of_anthropic(reason: str | None) -> dict[str, Any]:
    content = [{"type": "text", "text": "It"}]
    return {"type": "message", "id": "m", "content": content, "stop_reason": reason, "usage": {}}


@pytest.mark.parametrize(
    ("answer", "members"),
    [
        (saying(two(None)), {}),
        (saying(two("length")), {}),
        (
            streaming(chunk({"content": "a"}), chunk({"content": "b"}, index=1), chunk({}, "stop"), DONE),
            {"stream": True},
        ),
        (saying(completion(finish="prohibited_content")), {}),
        (saying(completion(finish="recitation")), {}),
        (streaming(chunk({"content": "a"}), chunk({}, "weary"), DONE), {"stream": True}),
        (saying(of_anthropic("invented_yesterday")), {"model": "claude-sonnet-4-5"}),
        (saying(of_anthropic(None)), {"model": "claude-sonnet-4-5"}),
        (
            streaming(chunk({"content": "a"}), chunk({}, "stop"), b'data: {"error": {"message": "x"}}\n\n', DONE),
            {"stream": True},
        ),
    ],
    ids=[
        "no-end",
        "cut",
        "no-end-streamed",
        "prohibited",
        "recitation",
        "word-streamed",
        "claudes-word",
        "claudes-none",
        "error",
    ],
)
async def test_what_has_not_proved_to_be_whole_is_not_kept(
    before: Before, http: aiohttp.ClientSession, answer: Answer, members: dict[str, Any]
) -> None:
    sabir, heard = await before(answer)
    for calls in (1, 2):
        verdict, record = await ask(sabir, http, **members)
        assert (verdict, len(heard)) == ("MISS", calls)
        assert record.stored in ("finish", "incomplete")


@pytest.mark.parametrize("status", ["202 Accepted", "203 Other", "206 Partial Content", "207 Multi-Status"])
async def test_half_a_success_is_no_answer(before: Before, http: aiohttp.ClientSession, status: str) -> None:
    sabir, heard = await before(saying(completion(), status=status))
    for calls in (1, 2):
        _, record = await ask(sabir, http)
        assert (record.status, record.stored, len(heard)) == (502, None, calls)


async def test_a_clock_that_was_wrong_keeps_nothing_beyond_its_time(
    before: Before, http: aiohttp.ClientSession
) -> None:
    sabir, _ = await before(saying(completion()))
    sabir.clock.now += 3650 * DAY
    assert (await ask(sabir, http))[1].stored == "stored"
    sabir.clock.now -= 3650 * DAY
    assert (await ask(sabir, http))[0] == "MISS"
    # The new answer has taken the place of the old one.
    assert (await ask(sabir, http))[0] == "HIT"


async def test_the_same_key_at_two_providers_is_two_entries(before: Before, http: aiohttp.ClientSession) -> None:
    sabir, heard = await before(saying(completion()))
    for model in ("openai/m", "perplexity/m"):
        assert (await ask(sabir, http, model=model))[0] == "MISS"
    assert [request.json["model"] for request in heard] == ["m", "m"]


# Pairs that a careless identity would take for one: each is asked after the other under one key.
NEAR: Final[list[tuple[str, str]]] = [
    ('"user": "a"', '"user": "A"'),
    ('"user": "\\ud83d\\ude00"', '"user": "\\ud83d"'),
    ('"user": "e\\u0301"', '"user": "\\u00e9"'),
    ('"user": "a\\u0000"', '"user": "a"'),
    ('"metadata": {"a": "1"}', '"metadata": {"a": 1}'),
    ('"metadata": {"a": true}', '"metadata": {"a": 1}'),
    ('"metadata": {"a": null}', '"metadata": {}'),
    ('"metadata": {"a": 9007199254740993}', '"metadata": {"a": 9007199254740992}'),
    ('"metadata": {"a": 9007199254740993}', '"metadata": {"a": 9007199254740992.0}'),
    ('"metadata": {"a": [1, [2]]}', '"metadata": {"a": [[1], 2]}'),
    ('"stop": "a"', '"stop": ["a"]'),
    ('"\\ud800": 1', '"\\udfff": 1'),
    ('"provider": "x"', '"headers": "x"'),
]


@pytest.mark.parametrize(("one", "other"), NEAR)
async def test_two_requests_that_differ_do_not_share_an_answer(
    before: Before, http: aiohttp.ClientSession, one: str, other: str
) -> None:
    sabir, heard = await before(saying(completion()))
    for member in (one, other):
        text = json.dumps(asked())[:-1] + f", {member}}}"
        async with http.post(sabir.completions, data=text.encode(), headers=bearer()) as answer:
            assert answer.status == 200
            await answer.read()
        await sabir.log.records_of(len(heard))
    assert len(heard) == 2


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "gpt-4o", "model": "gpt-4", "messages": [{"role": "user", "content": "x"}], "seed": 1}',
        b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "x", "content": "y"}], "seed": 1}',
        b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "metadata": {"a": 1, "\\u0061": 2}}',
        b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "temperature": NaN}',
        b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "temperature": 1e999}',
        b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "seed": 1' + b"0" * 5000 + b"}",
        b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "metadata": '
        + b"[" * 200
        + b"]" * 200
        + b"}",
        b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "metadata": ' + b"[" * 10**6,
        '{"model": "gpt-4o", "messages": []}'.encode("utf-16"),
        b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "\xff"}]}',
        b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "a\x00b"}]}',
    ],
    ids=[
        "model-twice",
        "content-twice",
        "escaped-twice",
        "nan",
        "infinite",
        "digits",
        "deep",
        "bomb",
        "utf-16",
        "bytes",
        "nul",
    ],
)
async def test_what_two_parsers_might_read_in_two_ways_is_refused(
    before: Before, http: aiohttp.ClientSession, body: bytes
) -> None:
    sabir, heard = await before(saying(completion()))
    async with http.post(sabir.completions, data=body, headers=bearer()) as answer:
        assert answer.status == 400
    assert heard == []
    assert [record.bug for record in await sabir.log.records_of(1)] == [()]
