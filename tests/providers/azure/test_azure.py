"""Azure OpenAI: OpenAI's wire, relayed to where a deployment is, by a key, a token or an application."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from providers import registry
from providers.azure import PROVIDER
from providers.base import Credential, EntraClient, Profile, Stamp, Target, UpstreamRequest
from providers.chat import ChatRequest, Source
from providers.completion import ToolCallPart, fold
from providers.dialects.openai import DIALECT
from providers.errors import InvalidRequest, UpstreamRejected
from providers.secret import Secret
from tests.wire.recordings import case, cases

if TYPE_CHECKING:
    from tests.wire.recordings import Recording

RESOURCE = "https://acme.openai.azure.com"
KEY = "0123456789abcdef0123456789abcdef"
BODY = b'{ "model":"gpt-4o", "messages":[{"role":"user","content":"hi"}],"tomorrow":{"a":1.0} }'


def sent(
    base_url: str = RESOURCE,
    *,
    model: str = "gpt-4o",
    secret: str = KEY,
    body: bytes = BODY,
    headers: dict[str, str] | None = None,
) -> UpstreamRequest:
    target = Target("azure", model, Credential(Secret(secret)), Profile(base_url, headers or {}))
    return PROVIDER.request(DIALECT.parse(body), target).request


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        (RESOURCE, f"{RESOURCE}/openai/deployments/dep/chat/completions?api-version=2024-10-21"),
        (f"{RESOURCE}/openai", f"{RESOURCE}/openai/deployments/dep/chat/completions?api-version=2024-10-21"),
        (
            f"{RESOURCE}/openai/deployments/other",
            f"{RESOURCE}/openai/deployments/other/chat/completions?api-version=2024-10-21",
        ),
        (f"{RESOURCE}/openai/v1", f"{RESOURCE}/openai/v1/chat/completions"),
        (
            "https://acme.services.ai.azure.com/models",
            "https://acme.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview",
        ),
        (
            "https://acme.services.ai.azure.com/openai/v1",
            "https://acme.services.ai.azure.com/openai/v1/chat/completions",
        ),
        (
            "https://gateway.example/azure",
            "https://gateway.example/azure/openai/deployments/dep/chat/completions?api-version=2024-10-21",
        ),
    ],
)
def test_the_form_of_the_base_url_says_which_of_azures_places_it_is(base_url: str, url: str) -> None:
    request = sent(base_url, model="dep")
    assert request.url == url
    assert json.loads(request.body)["model"] == "dep"


@pytest.mark.parametrize("base_url", [RESOURCE, f"{RESOURCE}/openai/v1", "https://x.services.ai.azure.com/models"])
def test_an_api_version_of_the_endpoint_goes_where_azure_reads_it(base_url: str) -> None:
    request = sent(base_url, headers={"api-version": "2025-04-01-preview", "x-team": "red"})
    assert request.url.endswith("/chat/completions?api-version=2025-04-01-preview")
    assert "api-version" not in request.headers
    assert request.headers["x-team"] == "red"
    assert sent(headers={"api-version": "a&b=c#"}).url.endswith("?api-version=a%26b%3Dc%23")


@pytest.mark.parametrize("model", ["our deployment", "../../evil", "a?b", "a#b", "a/b"])
def test_whatever_a_deployment_is_called_it_is_one_segment_of_the_path(model: str) -> None:
    path = sent(model=model).url.removeprefix(f"{RESOURCE}/openai/deployments/")
    assert path.count("/") == 2
    assert path.endswith("/chat/completions?api-version=2024-10-21")
    assert "#" not in path


@pytest.mark.parametrize("model", [".", "..", "..."])
def test_a_name_of_dots_is_a_step_to_another_place_and_refused(model: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        sent(model=model)
    assert refused.value.param == "model"
    assert sent(f"{RESOURCE}/openai/v1", model=model).url == f"{RESOURCE}/openai/v1/chat/completions"


def test_without_an_address_nothing_is_sent_anywhere() -> None:
    with pytest.raises(InvalidRequest, match="base_url"):
        sent(PROVIDER.base_url)
    assert PROVIDER.base_url.endswith(".invalid")


ENTRA = json.dumps({"tenant": "t", "client_id": "c", "client_secret": "s"})
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("base_url", "scope"),
    [
        (RESOURCE, "https://cognitiveservices.azure.com/.default"),
        ("https://acme.services.ai.azure.com/openai/v1", "https://cognitiveservices.azure.com/.default"),
        ("https://acme.openai.azure.us", "https://cognitiveservices.azure.us/.default"),
        ("https://acme.openai.azure.cn", "https://cognitiveservices.azure.cn/.default"),
        ("https://acme.openai.azure.evil", "https://cognitiveservices.azure.com/.default"),
        ("https://us", "https://cognitiveservices.azure.com/.default"),
    ],
)
def test_an_application_gets_a_token_for_the_cloud_that_the_resource_is_in(base_url: str, scope: str) -> None:
    assert sent(base_url, secret=ENTRA).auth == Credential(Secret(ENTRA), scheme=EntraClient(scope))


def test_a_token_is_a_bearer_and_anything_else_an_api_key() -> None:
    assert sent(secret=TOKEN).auth == Credential(Secret(TOKEN))
    for key in (KEY, "eyJnoDots", "a.b.c"):
        assert sent(secret=key).auth == Credential(Secret(key), header="api-key", prefix="")


def test_the_clients_bytes_are_relayed_untouched() -> None:
    assert sent().body == BODY
    assert PROVIDER.wire == "openai-chat"
    assert registry.find("azure") is PROVIDER


# -- recorded -------------------------------------------------------------------------------------------------------


def is_azure(recording: Recording) -> bool:
    return recording.provider == "azure" and recording.wire == "openai-chat"


@pytest.mark.parametrize("recording", cases(is_azure))
def test_a_recorded_request_goes_to_the_same_place_with_the_same_meaning(recording: Recording) -> None:
    assert recording.request is not None
    url, written = recording.request["url"], recording.request["body"]
    base_url, _, rest = url.partition("/openai/deployments/" if "/deployments/" in url else "/chat/")
    model = rest.partition("/")[0] if "/deployments/" in url else written["model"]
    version = url.partition("api-version=")[2]
    chat = ChatRequest(
        model, (), Source("openai-chat", json.dumps(written).encode()), stream=written.get("stream") is True
    )
    profile = Profile(base_url, {"api-version": version})
    request = PROVIDER.request(chat, Target("azure", model, Credential(Secret(KEY)), profile)).request
    assert request.url == url
    asked = json.loads(request.body)
    assert {**asked, "model": model} == {
        **written,
        "model": model,
        **({"stream_options": {"include_usage": True}} if chat.stream else {}),
    }


def test_the_verdict_on_the_prompt_comes_first_and_does_not_begin_the_answer() -> None:
    """Azure's first chunk has no choices, no id and no model, but what its filter thinks of the prompt."""
    body = case("crewai--testazuretoolcallstreaming").body
    stream = PROVIDER.stream()
    done = fold([*stream.feed(body), *stream.close()])
    assert (done.started.id, done.started.model) == ("chatcmpl-D0xlayLMAku0tnv2zs461w2JwoFVC", "gpt-4o-mini-2024-07-18")
    assert [part.name for part in done.choices[0].parts if isinstance(part, ToolCallPart)] == [
        "get_current_temperature"
    ]
    relay = PROVIDER.relay(hide_usage=False)
    frames = [*relay.feed(body), *relay.close()]
    assert frames[0].raw == body[: body.index(b"\n\n") + 2]
    assert b"prompt_filter_results" in frames[0].raw


def test_the_filters_words_are_kept_in_a_whole_answer() -> None:
    done = PROVIDER.response(case("azure-test-chat-content-filtering-with-events").body)
    said: Any = json.loads(DIALECT.completion(done, Stamp("id", 1, "m")))
    assert said["choices"][0]["finish_reason"] == "content_filter"
    assert said["choices"][0]["content_filter_results"]["hate"] == {"filtered": True, "severity": "high"}
    assert said["prompt_filter_results"][0]["prompt_index"] == 0


def test_a_prompt_that_the_filter_refuses_is_an_error_even_with_status_200() -> None:
    with pytest.raises(UpstreamRejected) as refused:
        PROVIDER.response(case("azure-test-prompt-content-filtering").body)
    assert (refused.value.status, refused.value.code, refused.value.param) == (400, "content_filter", "prompt")
    assert refused.value.provider == "azure"
