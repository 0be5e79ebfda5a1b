"""Where the page says that a provider's own form is passed on, it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers import registry
from providers.dialects.openai import DIALECT
from tests.support import asking, going
from tests.support.claims import claims_of
from tests.wire.hearing import hear

THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "Both."}]}
THOUGHT_OF = [
    *asking.PLAIN,
    {"role": "assistant", "content": [THINKING, {"type": "text", "text": "Sunny."}]},
    *asking.PLAIN,
]
PDF = {"type": "document_url", "document_url": f"data:application/pdf;base64,{asking.PDF}"}
FILE = {"type": "file_url", "file_url": {"url": asking.PDF}}


def sent(provider: str, members: dict[str, Any]) -> dict[str, Any]:
    claims = claims_of(provider)
    chat = DIALECT.parse(asking.body("whole", claims.model("whole"), **members))
    translated = registry.find(provider).request(chat, going.target(claims, "whole"))
    assert translated.dropped == ()
    body: dict[str, Any] = json.loads(translated.request.body)
    return body


@pytest.mark.parametrize(
    ("provider", "members"),
    [
        ("mistral", {"messages": asking.user(PDF)}),
        ("mistral", {"messages": asking.user({"type": "input_audio", "input_audio": asking.WAV})}),
        ("mistral", {"messages": THOUGHT_OF}),
        ("perplexity", {"messages": asking.user(FILE)}),
        ("together", {"logprobs": 1}),
    ],
    ids=["mistral-pdf", "mistral-audio", "mistral-thinking", "perplexity-pdf", "together-logprobs"],
)
def test_a_hosts_own_form_arrives_as_the_client_wrote_it(provider: str, members: dict[str, Any]) -> None:
    body = sent(provider, members)
    assert {name: body[name] for name in members} == members


def test_a_cache_made_beforehand_goes_to_google_by_its_name() -> None:
    for provider in ("google", "vertex"):
        assert sent(provider, {"cached_content": "cachedContents/1"})["cachedContent"] == "cachedContents/1"


def test_documents_go_to_cohere_as_they_are() -> None:
    assert sent("cohere", {"documents": [{"id": "1", "data": {"text": "Rome"}}]})["documents"] == [
        {"id": "1", "data": {"text": "Rome"}}
    ]


def test_mistrals_thinking_is_relayed_as_it_is_and_comes_out_of_the_cache_as_reasoning_content() -> None:
    message = {"role": "assistant", "content": [THINKING, {"type": "text", "text": "Sunny."}]}
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
    body["choices"] = [{"index": 0, "message": message, "finish_reason": "stop"}]
    replayed, relayed = going.whole_seen(registry.find("mistral"), json.dumps(body).encode())
    assert relayed["choices"][0]["message"]["content"][0] == THINKING
    assert replayed["choices"][0]["message"]["reasoning_content"] == "Both."
    assert hear([replayed], "message") == hear([relayed], "message")


STRICT = pytest.mark.parametrize("host", ["groq", "cerebras", "fireworks", "mistral"])


@STRICT
def test_thoughts_of_another_maker_are_left_out_by_name_where_the_host_would_refuse_them(host: str) -> None:
    """As after a failover: the conversation began with a host that says its thinking otherwise."""
    detail = {
        "type": "reasoning.text",
        "text": "Both.",
        "signature": "c2ln",
        "format": "anthropic-claude-v1",
        "index": 0,
    }
    message, dropped = sent_back(host, {"role": "assistant", "content": "Sunny.", "reasoning_details": [detail]})
    assert dropped == ("messages[].reasoning_details",)
    assert message == {"role": "assistant", "content": "Sunny."}


@STRICT
def test_an_answer_out_of_the_cache_can_be_sent_back_to_a_host_of_closed_messages(host: str) -> None:
    """There a null would be refused, too; and nothing is lost with it."""
    (seen, *_) = going.whole_seen(registry.find("openai"), going.answers_of(claims_of("openai")).whole.several or b"")
    message = seen["choices"][0]["message"]
    assert message["refusal"] is None
    assert sent_back(host, message) == ({"role": "assistant", "content": message["content"]}, ())


def sent_back(host: str, message: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What becomes of an answer in the next turn, and what is named as dropped."""
    chat = DIALECT.parse(asking.body("whole", "model", messages=[*asking.PLAIN, message, *asking.PLAIN]))
    translated = registry.find(host).request(chat, going.target(claims_of(host), "whole"))
    written: dict[str, Any] = json.loads(translated.request.body)["messages"][1]
    return written, translated.dropped


@pytest.mark.parametrize(
    "host",
    ["fireworks", "moonshot", "zai", "deepseek", "cerebras", "mistral", "alibaba", "together", "huggingface", "nvidia",
     "nebius", "baseten", "crusoe", "ollama", "vllm", "llamacpp"],
)  # fmt: skip
def test_a_developer_speaks_as_system_where_the_host_knows_no_other_word(host: str) -> None:
    told = {"role": "developer", "content": asking.GUIDE}
    body = sent(host, {"messages": [told, *asking.PLAIN]})
    assert body["messages"][0] == {"role": "system", "content": asking.GUIDE}
