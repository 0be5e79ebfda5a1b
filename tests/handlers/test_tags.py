from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest

from handlers.asked import Asked
from handlers.tags import MOST_TAGS, client_of, tag
from infra.requests.record import RequestRecord
from infra.requests.timing import Timing
from providers.dialects import openai

KEY = "a-key-without-a-mark-of-its-own"


def tagged(
    header: str | None = None, model: str = "gpt-4", user: str | None = None, metadata: Any = None
) -> RequestRecord:
    headers = {"authorization": f"Bearer {KEY}"} | ({} if header is None else {"x-sabir-tags": header})
    record = RequestRecord("id", "openai-chat")
    asked = Asked(headers, b"", "chat/completions", openai.DIALECT, record, {}, AsyncExitStack(), Timing(lambda: 0.0))
    tag(asked, model, user=user, metadata=metadata)
    return record


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("team=search", {"team": "search"}),
        ("team = search , env=prod;propertyKey=x", {"team": "search", "env": "prod"}),
        ("a=b%2Cc%20d,%C3%A4=%E4%BD%A0", {"a": "b,c d", "ä": "你"}),
        ("a=b=c", {"a": "b=c"}),
        ("empty=", {"empty": ""}),
        ("alone, =nameless, , a=1", {"a": "1"}),
        ("", {}),
    ],
)
def test_tags_come_from_the_header_in_the_form_of_w3c_baggage(header: str, tags: dict[str, str]) -> None:
    assert tagged(header).tags == tags


def test_tags_come_from_openais_metadata_too_which_goes_before_the_header() -> None:
    record = tagged("team=search,env=prod", metadata={"team": "core", "number": 7, "list": ["x"]})
    assert record.tags == {"team": "core", "env": "prod"}


def test_the_user_is_kept_by_itself() -> None:
    assert tagged(user="u-17").user == "u-17"
    assert tagged(user="").user is None


def test_what_is_too_much_is_left_out_and_refuses_no_request() -> None:
    record = tagged(",".join(f"t{number}=x" for number in range(99)), user="u" * 9999, metadata={"n" * 99: "v" * 9999})
    assert len(record.tags) == MOST_TAGS
    assert len(record.user or "") == 512
    assert tagged(metadata={"n" * 99: "v" * 9999}).tags == {"n" * 64: "v" * 512}


@pytest.mark.parametrize(
    "secret",
    [
        KEY,
        f"Bearer {KEY}",
        f"x{KEY}x",
        "sk-ant-api03-abc",
        "key=sk-proj-abc",
        '{"key":"gsk_abc"}',
        "sbr_acme_f5aaahja2c_x",
        "https://x.example/?k=AIzaSyA-abc",
    ],
)
def test_a_secret_is_struck_out_wherever_it_stands(secret: str) -> None:
    record = tagged(user=secret, metadata={"note": secret, secret: "value"})
    assert record.user == "***"
    assert record.tags == {"note": "***", "***": "value"}
    assert client_of({"user-agent": secret, "authorization": f"Bearer {KEY}"}) == "***"


def test_a_sentence_is_no_name_of_a_model() -> None:
    assert tagged(model="Tell me about proxies").request_model == "***"
    assert tagged(model="sk-ant-api03-abc").request_model == "***"
    assert tagged(model="m" * 9999).request_model == "m" * 512
    assert tagged(model="openrouter/openai/gpt-4:free").request_model == "openrouter/openai/gpt-4:free"


def test_the_client_is_the_start_of_its_user_agent() -> None:
    assert client_of({"user-agent": "AsyncOpenAI/Python 3.1.0"}) == "AsyncOpenAI/Python 3.1.0"
    assert client_of({"user-agent": "x" * 200}) == "x" * 64
    assert client_of({}) is None


@pytest.mark.parametrize("key", [KEY, "sk-ant-api03-of-somebody-else-0123456789"])
@pytest.mark.parametrize("part", [1, 8, 20])
def test_a_key_at_the_end_of_what_is_kept_is_struck_out_however_little_of_it_fits(key: str, part: int) -> None:
    def before(length: int) -> str:
        return "u" * (length - part - 1) + " " + key

    record = tagged(user=before(512), metadata={before(64): before(512)})
    assert (record.user, record.tags) == ("***", {"***": "***"})
    assert tagged(model=before(512).replace(" ", "/")).request_model == "***"
    assert client_of({"user-agent": before(64), "authorization": f"Bearer {KEY}"}) == "***"
