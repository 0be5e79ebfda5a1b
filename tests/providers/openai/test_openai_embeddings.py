from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import embedders, vectors
from providers.base import Profile, Target
from providers.compatible import HOSTS
from providers.errors import InvalidRequest, Unsupported, UpstreamError, UpstreamProtocolError, UpstreamThrottled
from providers.openai.embeddings import HostEmbeddings
from providers.openai.host import EmbeddingsHost
from tests.providers.embedding_requests import KEY, asking, sent, translated

OPENAI = embedders.find("openai")
SERVING = ["openai", *(name for name, host in HOSTS.items() if host.embeddings is not None)]


def answer_of(items: Any, **more: Any) -> bytes:
    return json.dumps({"object": "list", "data": items, **more}).encode()


def item(embedding: Any, index: int | None = 0) -> dict[str, Any]:
    return {"object": "embedding", "embedding": embedding} | ({} if index is None else {"index": index})


# -- the request ------------------------------------------------------------------------------------------------------


def test_openai_is_sent_what_the_client_wrote() -> None:
    asked = asking([[1, 2]], dimensions=5, encoding_format="base64", user="u", x_new={"a": 1})
    request = translated("openai", asked, headers={"OpenAI-Beta": "x"}).request
    assert request.body == asked.source.body
    assert (request.method, request.url, request.streaming) == ("POST", "https://api.openai.com/v1/embeddings", False)
    assert request.headers == {
        "openai-beta": "x", "content-type": "application/json", "accept": "application/json",
    }  # fmt: skip
    assert (request.auth.header, request.auth.secret) == ("authorization", KEY.secret)


@given(st.sampled_from(SERVING), st.dictionaries(st.text().map("x_".__add__), st.integers()), st.text(min_size=1))
def test_members_unknown_to_this_release_reach_every_host(name: str, extra: dict[str, int], model: str) -> None:
    received = sent(name, asking("x", **extra), model)
    assert received == {"model": model, "input": "x", **extra}


@pytest.mark.parametrize("name", ["mistral", "voyage"])
def test_dimensions_have_another_name_at_some(name: str) -> None:
    assert sent(name, asking("x", dimensions=64)) == {"model": "m", "input": "x", "output_dimension": 64}
    both = asking("x", dimensions=64, output_dimension=32)
    assert sent(name, both)["output_dimension"] == 64
    assert sent(name, asking("x", dimensions=None)) == {"model": "m", "input": "x"}


@pytest.mark.parametrize("name", ["together", "mistral", "voyage"])
def test_what_a_host_refuses_and_does_no_harm_is_dropped_and_named(name: str) -> None:
    done = translated(name, asking("x", user="u"))
    assert (json.loads(done.request.body), done.dropped) == ({"model": "m", "input": "x"}, ("user",))
    assert translated(name, asking("x", user=None)).dropped == ()


def test_what_a_host_cannot_do_is_refused() -> None:
    with pytest.raises(Unsupported) as refused:
        translated("together", asking("x", dimensions=8))
    assert refused.value.param == "dimensions"
    with pytest.raises(Unsupported) as refused:
        translated("mistral", asking([[1, 2]]))
    assert refused.value.param == "input"
    assert sent("openrouter", asking([[1, 2]]))["input"] == [[1, 2]]


@pytest.mark.parametrize(
    ("name", "format_", "kept"),
    [
        ("openai", "base64", True),
        ("openai", "float", True),
        ("openrouter", "base64", False),
        ("openrouter", "float", True),
        ("voyage", "base64", True),
        ("voyage", "float", False),
        ("perplexity", "base64", False),
        ("perplexity", "float", False),
        ("perplexity", "base64_int8", True),
    ],
)
def test_a_format_that_a_host_does_not_have_is_not_asked_of_it(name: str, format_: str, kept: bool) -> None:
    assert ("encoding_format" in sent(name, asking("x", encoding_format=format_))) is kept


@pytest.mark.parametrize(
    ("name", "format_", "relayed"),
    [
        ("openai", "base64", True),
        ("openai", "float", True),
        ("openrouter", "base64", False),
        ("openrouter", "float", True),
        ("voyage", "float", True),
        ("perplexity", "float", False),
        ("perplexity", "base64", False),
        ("perplexity", "base64_int8", True),
    ],
)
def test_an_answer_is_relayed_where_it_is_what_was_asked_for(name: str, format_: str, relayed: bool) -> None:
    assert embedders.find(name).relays(asking("x", encoding_format=format_)) is relayed
    assert embedders.find(name).most("m") is None


def test_a_request_that_no_parser_can_agree_on_is_refused() -> None:
    from dataclasses import replace

    asked = asking("x")
    broken = replace(asked, source=replace(asked.source, body=b"{"))
    with pytest.raises(InvalidRequest):
        translated("openai", broken, "other")


def test_the_defaults_of_a_row_promise_no_more_than_most_hosts_keep() -> None:
    row = EmbeddingsHost()
    assert (row.tokens, row.base64, row.dimensions, row.int8) == (False, False, True, False)


# -- the answer -------------------------------------------------------------------------------------------------------


def test_vectors_stand_by_their_index() -> None:
    body = answer_of([item([2.0], 1), item([1.0], 0)], model="said", usage={"prompt_tokens": 4, "total_tokens": 4})
    found = OPENAI.answer(body, {}, asking(["a", "b"]))
    assert found.vectors == (vectors.from_numbers([1.0]), vectors.from_numbers([2.0]))
    assert found.model == "said"
    assert found.usage is not None
    assert (found.usage.prompt, found.usage.completion) == (4, 0)


def test_without_an_index_they_stand_as_they_come() -> None:
    found = OPENAI.answer(answer_of([item([1.0], None), item([2.0], None)], id="7"), {}, asking(["a", "b"]))
    assert found.vectors == (vectors.from_numbers([1.0]), vectors.from_numbers([2.0]))
    assert (found.model, found.usage, found.fields) == (None, None, {"id": "7"})


def test_base64_that_was_not_asked_for_is_read_all_the_same() -> None:
    assert OPENAI.answer(answer_of([item("AACAPw==")]), {}, asking()).vectors == (vectors.from_numbers([1.0]),)


def test_a_total_without_its_part_is_the_input() -> None:
    found = OPENAI.answer(answer_of([item([1.0])], usage={"total_tokens": 9}), {}, asking())
    assert found.usage is not None
    assert (found.usage.prompt, found.usage.extra) == (9, {})


def test_of_a_hosts_own_format_only_the_rest_is_read() -> None:
    body = answer_of([item("whatever")], usage={"prompt_tokens": 1, "total_tokens": 1})
    found = OPENAI.answer(body, {}, asking(encoding_format="base64_binary"))
    assert found.vectors == ()
    assert found.usage is not None


@pytest.mark.parametrize(
    "items",
    [
        [],
        None,
        [item([1.0]), item([1.0], 1)],
        [item([1.0], 5)],
        [item([])],
        [item(None)],
        [item("?")],
        [item(["x"])],
        [{}],
        ["x"],
    ],
)
def test_an_answer_without_the_vectors_is_none(items: Any) -> None:
    with pytest.raises(UpstreamProtocolError) as failed:
        OPENAI.answer(answer_of(items), {}, asking())
    assert failed.value.provider == "openai"


@given(st.binary())
def test_any_bytes_are_an_answer_or_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        OPENAI.answer(body, {}, asking())


def test_an_error_in_a_200_is_an_error() -> None:
    body = json.dumps({"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}}).encode()
    with pytest.raises(UpstreamThrottled):
        OPENAI.answer(body, {}, asking())


def test_another_address_is_used_as_it_is() -> None:
    target = Target("openai", "m", KEY, Profile("http://localhost:1/v9"))
    assert isinstance(OPENAI, HostEmbeddings)
    assert OPENAI.request(asking(), target).request.url == "http://localhost:1/v9/embeddings"
