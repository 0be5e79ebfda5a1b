"""Recorded embeddings of eight providers: what each says is what the client gets, in either format."""

from __future__ import annotations

import base64
import json
import struct
from typing import TYPE_CHECKING, Any, Final

import pytest

from providers import embedders, registry
from providers.base import Credential, Profile, Target
from providers.dialects.openai.embeddings import embeddings_body, parse_embedding_request
from providers.errors import UpstreamError, UpstreamProtocolError
from providers.members import parse_members
from providers.secret import Secret
from tests.wire.recordings import Recording, case, cases

if TYPE_CHECKING:
    from providers.embedding import EmbeddingRequest, Embeddings, EncodingFormat

FORMATS: Final[tuple[EncodingFormat, ...]] = ("float", "base64")


def of_embeddings(recording: Recording) -> bool:
    return "/embeddings/" in recording.path


def asked(recording: Recording) -> EmbeddingRequest:
    """The recorded request as a client of OpenAI's dialect would have written it."""
    assert recording.request is not None
    said = recording.request["body"]
    body: dict[str, Any] = dict(parse_members(said.encode()) if isinstance(said, str) else said)
    texts = body.get("input") or body.get("texts")
    if "requests" in body:
        texts = [each["content"]["parts"][0]["text"] for each in body["requests"]]
    if "instances" in body:
        texts = [each["content"] for each in body["instances"]]
    wanted = {"model": "m", "input": texts, "encoding_format": body.get("encoding_format") or "float"}
    size = body.get("dimensions") or body.get("output_dimension")
    if "requests" in body:
        size = body["requests"][0]["outputDimensionality"]
    return parse_embedding_request(json.dumps(wanted | ({"dimensions": size} if size else {})).encode())


def recorded(recording: Recording) -> list[list[float]]:
    """The vectors as the provider wrote them, read by nothing of ours."""
    said = json.loads(recording.body)
    if "predictions" in said:
        return [each["embeddings"]["values"] for each in said["predictions"]]
    if "embeddings" in said:
        return [each["values"] for each in said["embeddings"]]
    width = "b" if recording.provider == "perplexity" else "f"
    return [unpacked(each["embedding"], width) for each in said["data"]]


def unpacked(value: Any, width: str) -> list[float]:
    if not isinstance(value, str):
        return list(value)
    raw = base64.b64decode(value)
    return list(struct.unpack(f"<{len(raw) // struct.calcsize(width)}{width}", raw))


def single(values: list[float]) -> list[float]:
    return list(struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values)))


def answered(recording: Recording) -> Embeddings:
    return embedders.find(recording.provider).answer(recording.body, recording.headers, asked(recording))


def whole(recording: Recording) -> bool:
    """Cohere's has int8 alone, which is never asked for: a test of its own."""
    return of_embeddings(recording) and recording.status == 200 and recording.provider != "cohere"


@pytest.mark.parametrize("recording", cases(whole))
def test_the_client_gets_the_recorded_vectors_in_both_formats(recording: Recording) -> None:
    found = answered(recording)
    for encoding in FORMATS:
        body = json.loads(embeddings_body(found, encoding, "m"))
        assert [item["index"] for item in body["data"]] == list(range(len(body["data"])))
        got = [unpacked(item["embedding"], "f") for item in body["data"]]
        assert [single(vector) for vector in got] == [single(vector) for vector in recorded(recording)]


@pytest.mark.parametrize("recording", cases(whole))
def test_a_number_is_written_as_the_provider_wrote_it(recording: Recording) -> None:
    """Where it wrote the shortest decimal of a float32, as all do but for Vertex AI, which writes doubles."""
    body = json.loads(embeddings_body(answered(recording), "float", "m"))
    said = recorded(recording)
    if isinstance(json.loads(recording.body).get("data", [{}])[0].get("embedding"), str):
        said = [single(vector) for vector in said]
    for item, vector in zip(body["data"], said, strict=True):
        near = [(ours, theirs) for ours, theirs in zip(item["embedding"], vector, strict=True) if ours != theirs]
        assert all(single([ours]) == single([theirs]) for ours, theirs in near)
        assert all(abs(ours - theirs) <= 1e-8 + 6e-8 * abs(theirs) for ours, theirs in near)


@pytest.mark.parametrize("recording", cases(whole))
def test_the_recorded_usage_is_told(recording: Recording) -> None:
    said = json.loads(recording.body)
    usage = said.get("usage", {})
    told = json.loads(embeddings_body(answered(recording), "float", "m")).get("usage")
    match recording.provider:
        case "google":
            assert told["prompt_tokens"] == said["usageMetadata"]["promptTokenCount"]
        case "vertex":
            counts = [each["embeddings"]["statistics"]["token_count"] for each in said["predictions"]]
            assert told["prompt_tokens"] == sum(counts)
        case _:
            assert told["total_tokens"] == usage["total_tokens"]
            assert told["prompt_tokens"] == usage.get("prompt_tokens", usage["total_tokens"])
            assert told.get("cost") == usage.get("cost")


@pytest.mark.parametrize("recording", cases(lambda each: of_embeddings(each) and each.status != 200))
def test_a_recorded_refusal_keeps_its_status_and_words(recording: Recording) -> None:
    error = registry.find(recording.provider).error(recording.status, recording.headers, recording.body)
    said = json.loads(recording.body)
    assert isinstance(error, UpstreamError)
    assert (error.status, error.message) == (recording.status, said.get("message") or said["error"]["message"])


def test_vectors_of_another_kind_than_was_asked_for_are_no_answer() -> None:
    recording = case("cohere/embeddings/lccohere--test-langchain-cohere-aembedding-documents-int8")
    with pytest.raises(UpstreamProtocolError):
        answered(recording)


def wire_of(recording: Recording, model: str) -> tuple[str, dict[str, Any]]:
    provider = registry.find(recording.provider)
    profile = Profile("https://r.example/openai/deployments/d" if recording.provider == "azure" else provider.base_url)
    target = Target(recording.provider, model, Credential(Secret("k")), profile)
    request = embedders.find(recording.provider).request(asked(recording), target).request
    return request.url, json.loads(request.body)


# What we say beside what the recorded client said: what is too long is an error, as at OpenAI.
SAID_BY_US = {"vertex": {"parameters": {"autoTruncate": False}}}
# What recorded clients say beside what OpenAI's API can, or write as null.
SAID_BY_THEM = {
    "azure": {"user"},
    "voyage": {"input_type", "truncation", "output_dimension", "output_dtype"},
}


@pytest.mark.parametrize("recording", cases(whole))
def test_what_we_ask_means_what_the_recorded_client_asked(recording: Recording) -> None:
    assert recording.request is not None
    said = recording.request["body"]
    theirs = json.loads(said) if isinstance(said, str) else said
    model = theirs.get("model") or recording.request["url"].rpartition("/")[2].partition(":")[0]
    url, ours = wire_of(recording, model)
    dropped = SAID_BY_THEM.get(recording.provider, set())
    expected = {name: value for name, value in theirs.items() if name not in dropped}
    ours = {name: value for name, value in ours.items() if name not in SAID_BY_US.get(recording.provider, {})}
    if recording.provider != "perplexity" and expected.get("encoding_format") is None:
        ours.pop("encoding_format", None)  # `float` is what it is anyway
    if isinstance(ours.get("input"), str):
        assert ours["input"] == expected["input"]
    assert ours == expected
    path = recording.request["url"].partition("?")[0].rstrip("/")
    if recording.provider not in {"azure", "vertex", "mistral"}:
        assert url == path
    assert url.partition("?")[0].endswith(path.rpartition("/")[2])
