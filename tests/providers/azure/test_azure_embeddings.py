from __future__ import annotations

import pytest

from providers import embedders
from providers.errors import InvalidRequest
from tests.providers.embedding_requests import KEY, asking, translated

RESOURCE = "https://west.openai.azure.com"


def test_a_deployment_is_asked_in_the_clients_own_bytes() -> None:
    asked = asking([[1, 2]], dimensions=8, encoding_format="base64", user="u")
    headers = {"api-version": "2024-06-01", "x-own": "1"}
    request = translated("azure", asked, base_url=RESOURCE, headers=headers).request
    assert request.url == f"{RESOURCE}/openai/deployments/m/embeddings?api-version=2024-06-01"
    assert request.body == asked.source.body
    assert "api-version" not in request.headers
    assert request.headers["x-own"] == "1"
    assert (request.auth.header, request.auth.secret) == ("api-key", KEY.secret)
    assert embedders.find("azure").relays(asked)


def test_without_an_address_nothing_is_sent() -> None:
    with pytest.raises(InvalidRequest):
        translated("azure", asking())
