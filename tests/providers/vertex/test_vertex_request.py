"""Where a request to Vertex AI goes, as whom, and what of it differs from the makers' own."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from providers.base import Credential, GoogleServiceAccount, Profile, Target, UpstreamRequest, home_of
from providers.chat import Assistant, ChatRequest, Message, Source, Text, ToolCall, ToolResult, User
from providers.errors import InvalidRequest
from providers.registry import find
from providers.secret import Secret
from providers.vertex import PROVIDER

KEY_FILE = json.dumps({"type": "service_account", "project_id": "acme-1", "client_email": "e", "private_key": "k"})
GLOBAL = "https://aiplatform.googleapis.com"
NEVER_READ = Source("none", b"{}")
HI = User((Text("hi"),))


def sent(
    *messages: Message,
    model: str = "gemini-2.5-flash",
    secret: str = KEY_FILE,
    base_url: str | None = None,
    region: str | None = None,
    headers: dict[str, str] | None = None,
    stream: bool = False,
    **members: Any,
) -> UpstreamRequest:
    profile = Profile(base_url or home_of(PROVIDER, region), headers or {}, region)
    chat = ChatRequest(model, messages or (HI,), NEVER_READ, stream=stream, **members)
    return PROVIDER.request(chat, Target("vertex", model, Credential(Secret(secret)), profile)).request


PLACE = "projects/acme-1/locations"


@pytest.mark.parametrize(
    ("region", "base_url", "before"),
    [
        (None, None, f"{GLOBAL}/v1beta1/{PLACE}/global"),
        ("global", None, f"{GLOBAL}/v1beta1/{PLACE}/global"),
        ("us-central1", None, f"https://us-central1-aiplatform.googleapis.com/v1beta1/{PLACE}/us-central1"),
        ("eu", None, f"https://aiplatform.eu.rep.googleapis.com/v1beta1/{PLACE}/eu"),
        ("us", None, f"https://aiplatform.us.rep.googleapis.com/v1beta1/{PLACE}/us"),
        (None, "https://europe-west4-aiplatform.googleapis.com",
         f"https://europe-west4-aiplatform.googleapis.com/v1beta1/{PLACE}/europe-west4"),
        (None, "https://aiplatform.eu.rep.googleapis.com", f"https://aiplatform.eu.rep.googleapis.com/v1beta1/{PLACE}/eu"),
        ("us-east5", "https://proxy.example/vertex", f"https://proxy.example/vertex/v1beta1/{PLACE}/us-east5"),
        (None, "https://proxy.example", f"https://proxy.example/v1beta1/{PLACE}/global"),
        ("eu", f"{GLOBAL}/v1/projects/other/locations/us-east1", f"{GLOBAL}/v1/projects/other/locations/us-east1"),
    ],
)  # fmt: skip
def test_the_place_is_said_by_region_key_file_and_base_url(
    region: str | None, base_url: str | None, before: str
) -> None:
    request = sent(region=region, base_url=base_url)
    assert request.url == f"{before}/publishers/google/models/gemini-2.5-flash:generateContent"
    streamed = sent(region=region, base_url=base_url, stream=True)
    assert streamed.url == f"{before}/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse"


@pytest.mark.parametrize("project", ["../x", "a/b", "A?b", "", None, "x" * 200, "a%2f", "p#"])
def test_what_is_no_project_gets_into_no_path(project: str | None) -> None:
    secret = json.dumps({**json.loads(KEY_FILE), "project_id": project})
    assert sent(secret=secret).url == f"{GLOBAL}/v1beta1/publishers/google/models/gemini-2.5-flash:generateContent"


def test_a_service_account_is_to_be_exchanged_and_any_other_secret_is_shown_as_it_is() -> None:
    scheme = GoogleServiceAccount("https://www.googleapis.com/auth/cloud-platform")
    assert sent().auth == Credential(Secret(KEY_FILE), scheme=scheme)
    encoded = base64.b64encode(KEY_FILE.encode()).decode()
    assert sent(secret=encoded).auth == Credential(Secret(encoded), scheme=scheme)
    assert f"/{PLACE}/" in sent(secret=encoded).url
    assert sent(secret="AQ.Ab8").auth == Credential(Secret("AQ.Ab8"), "x-goog-api-key", "")
    assert sent(secret="ya29.token").auth == Credential(Secret("ya29.token"))
    express = sent(secret="AQ.Ab8").url
    assert express == f"{GLOBAL}/v1beta1/publishers/google/models/gemini-2.5-flash:generateContent"


def test_gemini_is_asked_as_google_itself_is() -> None:
    members: dict[str, Any] = {"temperature": 0.0, "max_tokens": 9, "stop": ("x",), "seed": 7}
    chat = ChatRequest("m", (HI,), NEVER_READ, **members)
    google = find("google")
    target = Target("google", "gemini-2.5-flash", Credential(Secret("k")), Profile(google.base_url))
    assert sent(**members).body == google.request(chat, target).request.body


def test_calls_and_results_have_no_ids_which_vertex_refuses_pitfall_11() -> None:
    calls = (ToolCall("call_1", "f", '{"id": "stays"}'), ToolCall("call_2", "g", "{}"))
    said = (
        HI,
        Assistant((), (), calls),
        ToolResult("call_1", (Text('{"id": "stays too"}'),)),
        ToolResult("call_2", (Text("2"),)),
    )
    contents = json.loads(sent(*said).body)["contents"]
    assert [part["functionCall"] for part in contents[1]["parts"]] == [
        {"name": "f", "args": {"id": "stays"}},
        {"name": "g", "args": {}},
    ]
    results = [part["functionResponse"] for part in contents[2]["parts"]]
    assert [result.keys() for result in results] == [{"name", "response"}] * 2
    assert [result["name"] for result in results] == ["f", "g"]
    assert "stays too" in json.dumps(results[0])


@pytest.mark.parametrize("model", ["gpt-4o/x", "a b", "../claude", "gemini:x", "claude-a/b", "claude-x:rawPredict", "claude-é",
                                   "claude-x@", "claude-x@a@b", "claude-?x"])  # fmt: skip
def test_what_is_no_model_reaches_no_other_path(model: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        sent(model=model)
    assert refused.value.param == "model"


# -- Claude ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stream", "method"), [(False, "rawPredict"), (True, "streamRawPredict")])
@pytest.mark.parametrize("model", ["claude-opus-4-1@20250805", "claude-sonnet-4-6"])
def test_claude_is_asked_in_anthropics_words_at_a_place_of_its_own(stream: bool, method: str, model: str) -> None:
    request = sent(model=model, region="us-east5", stream=stream, headers={"anthropic-beta": "context-1m-2025-08-07"})
    base = f"https://us-east5-aiplatform.googleapis.com/v1/{PLACE}/us-east5"
    assert request.url == f"{base}/publishers/anthropic/models/{model}:{method}"
    body = json.loads(request.body)
    assert "model" not in body
    assert body["anthropic_version"] == "vertex-2023-10-16"
    assert body.get("stream") is (True if stream else None)
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    assert "anthropic-version" not in request.headers
    assert request.headers["anthropic-beta"] == "context-1m-2025-08-07"
    assert isinstance(request.auth.scheme, GoogleServiceAccount)


def test_one_more_turn_leaves_the_bytes_of_the_earlier_ones_as_they_are() -> None:
    """So that the provider's own prompt cache hits, with either maker."""
    said = (HI, Assistant((), (), (ToolCall("c", "f", "{}"),)), ToolResult("c", (Text("1"),)))
    for model in ("gemini-2.5-flash", "claude-sonnet-4-6"):
        shorter, longer = sent(*said, model=model).body, sent(*said, HI, model=model).body
        same = next(at for at, (one, other) in enumerate(zip(shorter, longer, strict=False)) if one != other)
        assert len(shorter) - same <= len(b'"}]}]}')


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "claude-opus-4-6"])
def test_arguments_that_stand_too_deep_in_the_translation_are_the_callers_matter(model: str) -> None:
    arguments = '{"a":' * 127 + "{}" + "}" * 127
    call = Assistant(tool_calls=(ToolCall("call_1", "f", arguments),))
    with pytest.raises(InvalidRequest, match="too deeply"):
        sent(HI, call, ToolResult("call_1", (Text("x"),)), model=model, max_tokens=9)
