"""Where a request, and the key in it, can go: a client says which provider, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import pytest
from yarl import URL

from providers import catalog, embedders, registry
from providers.base import Credential, Profile, Target
from providers.dialects import openai
from providers.dialects.openai.embeddings import parse_embedding_request
from providers.errors import InvalidRequest, SabirError, UnknownModel
from providers.secret import Secret
from tests.attacks.hostile import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

PLACE: Final = "https://provider.example:8443/base"

NAMES: Final = (
    "..", "../..", "../../x", "a/../../b", "./x", "/x", "//evil.example/x", "@evil.example/x", "evil.example",
    "https://evil.example/x", "x?key=1", "x#f", "x;y", "x\\y", "%2e%2e", "x%2f..%2f..", "x:countTokens", "a b", "é",
    "models/../../files/x", "arn:aws:bedrock:us-east-1:1:inference-profile/x", ":443/x", "x" * 2048,
)  # fmt: skip


def url_for(provider: str, name: str, *, stream: bool) -> URL | None:
    """Where it would go, or None where the name is refused."""
    body = {"model": name, "messages": [{"role": "user", "content": "x"}], "stream": stream}
    target = Target(provider, name, Credential(Secret(KEY)), Profile(PLACE))
    try:
        request = registry.find(provider).request(openai.DIALECT.parse(json.dumps(body).encode()), target).request
    except SabirError:
        return None
    assert KEY not in unquote(request.url)
    assert KEY not in str(request.headers)
    return URL(request.url)


def serving(what: Callable[[str], object]) -> list[str]:
    return [name for name in registry.names() if what(name) is not None]


@pytest.mark.parametrize("provider", serving(lambda name: url_for(name, "x", stream=False)))
@pytest.mark.parametrize("stream", [False, True])
def test_a_model_name_changes_neither_host_nor_path(provider: str, stream: bool) -> None:
    usual = url_for(provider, "x", stream=stream)
    assert usual is not None
    for url in filter(None, (url_for(provider, name, stream=stream) for name in NAMES)):
        assert (url.scheme, url.raw_authority, url.fragment) == ("https", "provider.example:8443", "")
        assert url.query == usual.query
        assert len(url.raw_path.split("/")) == len(usual.raw_path.split("/"))
        assert not {"", ".", ".."} & set(url.raw_path.split("/")[1:])


def url_for_embeddings(provider: str, name: str) -> URL | None:
    asked = parse_embedding_request(json.dumps({"model": name, "input": "x"}).encode())
    try:
        embedder = embedders.find(provider)
        request = embedder.request(asked, Target(provider, name, Credential(Secret(KEY)), Profile(PLACE))).request
    except SabirError:
        return None
    assert KEY not in unquote(request.url)
    return URL(request.url)


# A name that is one of an embedding model at every provider, for Bedrock asks each in words of its own.
EMBEDDER: Final = "amazon.titan-embed"


@pytest.mark.parametrize("provider", serving(lambda name: url_for_embeddings(name, EMBEDDER)))
def test_the_name_of_an_embedding_model_changes_neither_host_nor_path(provider: str) -> None:
    usual = url_for_embeddings(provider, EMBEDDER)
    assert usual is not None
    names = (*NAMES, *(EMBEDDER + name for name in NAMES), *(name + EMBEDDER for name in NAMES))
    for url in filter(None, (url_for_embeddings(provider, name) for name in names)):
        assert (url.scheme, url.raw_authority, url.fragment) == ("https", "provider.example:8443", "")
        assert url.query == usual.query
        # Of names with slashes a provider may take the last part, or quote the whole: never more steps than usual.
        assert len(url.raw_path.split("/")) == len(usual.raw_path.split("/"))
        assert not {"", ".", ".."} & set(url.raw_path.split("/")[1:])


def test_every_provider_serves_one_or_the_other() -> None:
    assert set(registry.names()) == {
        *serving(lambda name: url_for(name, "x", stream=False)),
        *serving(lambda name: url_for_embeddings(name, EMBEDDER)),
    }


CORE: Final = (
    "base", "chat", "catalog", "codec", "compatible", "completion", "dialects", "errors", "events", "jsonwalk", "keys",
    "members", "models", "prices", "registry", "secret", "sse", "usage", "providers",
)  # fmt: skip


@pytest.mark.parametrize(
    "provider",
    [
        *CORE,
        "__init__",
        "__main__",
        "__pycache__",
        "_own",
        "openai.provider",
        "openai\\",
        "",
        ".",
        "..",
        "a" * 500,
        "\uff4fpenai",
    ],
)
def test_a_provider_is_a_provider_and_no_other_module(provider: str) -> None:
    with pytest.raises((UnknownModel, InvalidRequest)):
        catalog.route(f"{provider}/x", registry.AVAILABLE)


@pytest.mark.parametrize(
    "model", ["", " ", "\n", "openai/", "openai/ ", "openai/\x00", "a\x1b[2J", "\ud800", "\u202ex", "x" * 2049]
)
def test_a_name_that_cannot_be_one_is_refused(model: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        catalog.route(model, registry.AVAILABLE)
    assert str(refused.value).isprintable()
