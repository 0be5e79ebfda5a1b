"""The request that goes out for a client of the same wire: its own bytes, patched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Credential, Profile, Target, Translated
from providers.chat import ChatRequest, Source
from providers.compatible import HOSTS
from providers.dialects.openai import DIALECT
from providers.errors import InvalidRequest
from providers.openai import PROVIDER
from providers.openai.host import Host
from providers.openai.provider import ChatProvider
from providers.secret import Secret

KEY = Credential(Secret("sk-test"))


def ask(
    body: str | dict[str, Any], host: str | Host = "openai", model: str | None = None, **headers: str
) -> Translated:
    """`body` as the client sends it, to a host, under the client's model name unless another is given."""
    raw = (body if isinstance(body, str) else json.dumps(body)).encode()
    chat = DIALECT.parse(raw)
    provider = PROVIDER if host == "openai" else ChatProvider(host if isinstance(host, Host) else HOSTS[host])
    profile = Profile(provider.base_url, headers)
    return provider.request(chat, Target(provider.name, model or chat.model, KEY, profile))


def sent(translated: Translated) -> Any:
    return json.loads(translated.request.body)


USER = {"role": "user", "content": "hi"}
ODD = '{ "model" : "gpt-4" ,"temperature":0.10, "seed":1e0,"x_new":{"a":[1,2.50]}, "messages":[{"role":"user","content":"\\u00e9"}] }'


def test_a_request_that_needs_no_change_is_the_clients_bytes() -> None:
    translated = ask(ODD)
    assert translated.request.body == ODD.encode()
    assert translated.dropped == ()


def test_only_the_models_name_changes_where_only_it_differs() -> None:
    assert ask(ODD, model="gpt-4.1").request.body == ODD.replace('"gpt-4"', '"gpt-4.1"').encode()


def test_a_stream_asks_for_usage_and_keeps_the_other_stream_options() -> None:
    body = '{"model":"m","stream":true,"stream_options":{"include_obfuscation":false},"messages":[{"role":"user","content":"x"}]}'
    translated = ask(body)
    expected = body.replace('"include_obfuscation":false', '"include_obfuscation":false,"include_usage":true')
    assert translated.request.body == expected.encode()
    assert translated.request.streaming


def test_a_client_that_declined_usage_is_asked_for_it_all_the_same() -> None:
    body = {"model": "m", "messages": [USER], "stream": True, "stream_options": {"include_usage": False}}
    assert sent(ask(body))["stream_options"] == {"include_usage": True}


def test_a_whole_answer_has_no_stream_options() -> None:
    assert "stream_options" not in sent(ask({"model": "m", "messages": [USER], "stream": False}))


def test_stream_options_are_kept_from_hosts_that_refuse_them_pitfall_25() -> None:
    body = {"model": "m", "messages": [USER], "stream": True, "stream_options": {"include_usage": True}}
    translated = ask(body, "mistral")
    assert "stream_options" not in sent(translated)
    assert translated.dropped == ("stream_options",)
    assert ask({**body, "stream_options": None}, "mistral").dropped == ()


def test_a_host_that_reports_usage_anyway_gets_the_stream_options_as_written() -> None:
    body = {"model": "m", "messages": [USER], "stream": True}
    assert "stream_options" not in sent(ask(body, "perplexity"))
    assert sent(ask({**body, "stream_options": {}}, "perplexity"))["stream_options"] == {}


@pytest.mark.parametrize("host", ["deepseek", "mistral", "ollama", "perplexity", "zai"])
def test_the_output_limit_goes_by_the_name_the_host_knows_pitfall_23(host: str) -> None:
    body = '{"model":"m","max_completion_tokens": 1e2,"messages":[{"role":"user","content":"x"}]}'
    translated = ask(body, host)
    assert translated.request.body == body.replace('"max_completion_tokens": ', '"max_tokens":').encode()
    assert translated.dropped == ()


def test_of_two_output_limits_the_newer_name_counts() -> None:
    body = {"model": "m", "messages": [USER], "max_tokens": 5, "max_completion_tokens": 7}
    assert sent(ask(body, "deepseek")) == {"model": "m", "messages": [USER], "max_tokens": 7}
    nothing = {"model": "m", "messages": [USER], "max_tokens": 5, "max_completion_tokens": None}
    assert sent(ask(nothing, "deepseek")) == {"model": "m", "messages": [USER], "max_tokens": 5}


def test_falsy_values_go_out_as_written_pitfall_23() -> None:
    falsy = {"temperature": 0, "top_p": 0, "seed": 0, "stop": [], "n": 1, "parallel_tool_calls": False, "max_tokens": 0}
    assert sent(ask({"model": "m", "messages": [USER], **falsy})) == {"model": "m", "messages": [USER], **falsy}
    assert sent(ask({"model": "m", "messages": [USER], "seed": 0}, "mistral"))["random_seed"] == 0


def test_harmless_members_that_a_host_refuses_are_left_out_and_named_pitfall_25() -> None:
    translated = ask({"model": "m", "messages": [USER], "user": "u", "store": None, "top_p": 1}, "mistral")
    assert sent(translated) == {"model": "m", "messages": [USER], "top_p": 1}
    assert translated.dropped == ("user",)


def test_members_of_messages_that_a_host_refuses_are_left_out_and_named_once() -> None:
    messages = [{**USER, "name": "a"}, {**USER, "name": "b"}, {**USER, "name": None}, USER]
    translated = ask({"model": "m", "messages": messages}, "groq")
    assert sent(translated)["messages"] == [USER] * 4
    assert translated.dropped == ("messages[].name",)


def test_developer_messages_are_system_messages_where_the_host_has_no_such_role() -> None:
    messages = [{"role": "developer", "content": "be brief"}, USER]
    translated = ask({"model": "m", "messages": messages}, "deepseek")
    assert sent(translated)["messages"] == [{"role": "system", "content": "be brief"}, USER]
    assert translated.dropped == ()
    assert sent(ask({"model": "m", "messages": messages}))["messages"] == messages


@pytest.mark.parametrize("messages", [None, "x", ["x", 3]])
def test_messages_of_a_wrong_type_are_the_dialects_concern(messages: Any) -> None:
    body = json.dumps({"model": "m", "messages": messages}).encode()
    chat = ChatRequest("m", (), Source("openai-chat", body))
    provider = ChatProvider(HOSTS["deepseek"])
    target = Target("deepseek", "m", KEY, Profile("https://x"))
    assert provider.request(chat, target).request.body == body


def test_it_speaks_the_wire_of_the_dialect_so_that_bytes_are_relayed() -> None:
    assert PROVIDER.wire == DIALECT.wire == "openai-chat"
    assert PROVIDER.base_url == "https://api.openai.com/v1"


def test_url_and_headers() -> None:
    translated = ask({"model": "m", "messages": [USER]}, **{"OpenAI-Organization": "org", "accept": "x/y"})
    request = translated.request
    assert (request.method, request.url) == ("POST", "https://api.openai.com/v1/chat/completions")
    assert request.headers == {
        "openai-organization": "org",
        "accept": "application/json",
        "content-type": "application/json",
    }
    assert not request.streaming


def test_a_stream_is_asked_for_uncompressed_pitfall_20() -> None:
    headers = ask({"model": "m", "messages": [USER], "stream": True}).request.headers
    assert headers["accept-encoding"] == "identity"
    assert headers["accept"] == "text/event-stream"


def test_the_key_is_in_the_credential_and_nowhere_else() -> None:
    request = ask({"model": "m", "messages": [USER]}).request
    assert request.auth is KEY
    assert "sk-test" not in repr(request)


def test_a_row_may_want_the_key_in_another_header() -> None:
    host = Host(name="x", base_url="https://x.test", auth=("api-key", ""))
    auth = ask({"model": "m", "messages": [USER]}, host).request.auth
    assert (auth.header, auth.prefix, auth.secret.reveal()) == ("api-key", "", "sk-test")


@pytest.mark.parametrize("body", [b'{"model":"a","model":"b","messages":[]}', b"{", b"\xff"])
def test_a_body_that_could_be_read_in_two_ways_is_the_callers_error(body: bytes) -> None:
    chat = ChatRequest("b", (), Source("openai-chat", body))
    with pytest.raises(InvalidRequest):
        PROVIDER.request(chat, Target("openai", "b", KEY, Profile("https://x")))


CHAT_HOSTS = [name for name, host in HOSTS.items() if host.path is not None]

extras = st.dictionaries(
    st.text(min_size=1, max_size=8).map("x_".__add__),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)),
    max_size=4,
)


@given(st.sampled_from(["openai", *CHAT_HOSTS]), extras, st.booleans(), st.text(min_size=1))
def test_members_unknown_to_this_release_reach_every_host(name: str, extra: Any, stream: bool, model: str) -> None:
    body = {"model": "m", **extra, "messages": [USER], "stream": stream}
    received = sent(ask(body, name, model=model))
    assert {key: received[key] for key in extra} == extra
    assert received["model"] == model
    assert received["messages"] == [USER]
