"""What an endpoint may be, member by member. Each refusal says the rule and quotes no value."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.secrets.endpoint_members import BadDocument, read_endpoint
from providers.routing.endpoint import Endpoint
from providers.secret import Secret

SECRET = "sk-very-secret"
LEAST: dict[str, Any] = {"name": "main", "provider": "openai", "secret": SECRET}

_json: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_members = st.sampled_from(
    ["name", "provider", "secret", "base_url", "models", "aliases", "weight", "headers", "region", "enabled"]
)


def refusal(**members: Any) -> str:
    with pytest.raises(BadDocument) as fault:
        read_endpoint({**LEAST, **members})
    assert fault.value.__cause__ is None
    return str(fault.value).removeprefix("main: ")


def test_the_least_endpoint_has_the_defaults_of_the_type() -> None:
    assert read_endpoint(dict(LEAST)) == Endpoint("main", "openai", Secret(SECRET))


def test_none_stands_for_what_is_not_there() -> None:
    absent = dict.fromkeys(["base_url", "models", "aliases", "headers", "region"])
    assert read_endpoint({**LEAST, **absent}) == Endpoint("main", "openai", Secret(SECRET))


@pytest.mark.parametrize("value", [None, [], "sk-very-secret", 5])
def test_an_endpoint_is_an_object(value: Any) -> None:
    with pytest.raises(BadDocument, match=r"^an endpoint must be an object$"):
        read_endpoint(value)


@pytest.mark.parametrize("name", ["a", "A1", "9", "openai-eu.2_b", "x" * 64])
def test_names_that_are_allowed(name: str) -> None:
    assert read_endpoint({**LEAST, "name": name}).name == name


@pytest.mark.parametrize("name", ["", "-a", ".a", "_a", "a b", "a/b", "a#b", "ä", "a\n", "x" * 65, None, 5])
def test_names_that_are_not(name: Any) -> None:
    assert refusal(name=name).startswith("name must be 1 to 64 letters, digits")


@pytest.mark.parametrize("provider", ["", "OpenAI", "open-ai", "../x", "openai\n", "9x", None])
def test_a_provider_is_an_id(provider: Any) -> None:
    assert refusal(provider=provider) == "provider must be the id of a provider"


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "two words",
        "sk-ü",
        "sk\n",
        "sk\x00",
        "x" * 16_385,
        None,
        5,
        ["sk"],
        "{not json}",
        '{"k": "' + "x" * 16_385 + '"}',
    ],
)
def test_a_secret_is_printable_ascii(secret: Any) -> None:
    rule = "secret must be 1 to 16384 printable ASCII characters without blanks, or the text of a JSON object"
    assert refusal(secret=secret) == rule


@pytest.mark.parametrize("indent", [None, 2])
def test_a_key_file_is_a_secret_on_one_line(indent: int | None) -> None:
    file = {"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\nMIIE\n", "owner": "Zoë"}
    found = read_endpoint({**LEAST, "secret": json.dumps(file, indent=indent)}).secret
    assert json.loads(found.reveal()) == file
    assert found.reveal().isascii()
    assert "\n" not in found.reveal()
    assert read_endpoint({**LEAST, "secret": found.reveal()}).secret == found


@pytest.mark.parametrize(
    ("given_url", "kept"),
    [
        ("https://eu.api.openai.com/v1/", "https://eu.api.openai.com/v1"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://[::1]:8443/v1", "https://[::1]:8443/v1"),
    ],
)
def test_base_urls_that_are_allowed(given_url: str, kept: str) -> None:
    assert read_endpoint({**LEAST, "base_url": given_url}).base_url == kept


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.openai.com/v1",
        "ftp://example.com",
        "file:///etc/passwd",
        "https://",
        "https:///v1",
        "https://sk-very-secret@example.com",
        "https://user:sk-very-secret@example.com",
        "https://@example.com",
        "https://example.com/?key=sk-very-secret",
        "https://example.com/?",
        "https://example.com/#part",
        "https://example.com/#",
        "https://example.com:0",
        "https://example.com:99999",
        "https://example.com:x",
        "https://[::1",
        "https://exa\nmple.com",
        "https://example.com/a b",
        "https://exämple.com",
        "https://example.com/" + "x" * 1024,
        5,
        ["https://example.com"],
    ],
)
def test_base_urls_that_are_not(url: Any) -> None:
    assert refusal(base_url=url) == "base_url must be an http or https URL without user, query or fragment"


@pytest.mark.parametrize("weight", [0, 1, 1000])
def test_weights_that_are_allowed(weight: int) -> None:
    assert read_endpoint({**LEAST, "weight": weight}).weight == weight


@pytest.mark.parametrize("weight", [-1, 1001, 1.0, "1", True, None])
def test_weights_that_are_not(weight: Any) -> None:
    assert refusal(weight=weight) == "weight must be a whole number from 0 to 1000"


@pytest.mark.parametrize("models", ["gpt-4o", {}, [5], [""], ["gpt\n4"], [" gpt"], ["gpt-ü"], ["x" * 1025]])
def test_models_are_a_list_of_names(models: Any) -> None:
    assert refusal(models=models).startswith("models must be a list of model names")


@pytest.mark.parametrize("aliases", [[], "a", {"": "x"}, {"a": ""}, {"a": 5}, {"a": None}, {"a\n": "x"}])
def test_aliases_are_an_object_of_names(aliases: Any) -> None:
    assert refusal(aliases=aliases).startswith("aliases must be an object of model names")


@pytest.mark.parametrize("region", ["", "EU", "eu-central-1.evil.com", "-x", "eu central", 5])
def test_a_region_fits_into_a_host_name(region: Any) -> None:
    assert refusal(region=region) == "region must be lower-case letters, digits and hyphens"


@pytest.mark.parametrize("enabled", [0, 1, "true", None])
def test_enabled_is_true_or_false(enabled: Any) -> None:
    assert refusal(enabled=enabled) == "enabled must be true or false"


def test_header_names_come_out_in_lower_case() -> None:
    found = read_endpoint({**LEAST, "headers": {"X-Team": "a b", "CF-AIG-Authorization": "Bearer x"}})
    assert found.headers == {"x-team": "a b", "cf-aig-authorization": "Bearer x"}


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ([], "headers must be an object of names and values"),
        ("x-team: a", "headers must be an object of names and values"),
        ({"": "a"}, "a header's name has characters that no name may have"),
        ({"x team": "a"}, "a header's name has characters that no name may have"),
        ({"x:y": "a"}, "a header's name has characters that no name may have"),
        ({"x\r\nhost": "a"}, "a header's name has characters that no name may have"),
        ({"x-team": ""}, "a header must have a value of printable ASCII"),
        ({"x-team": " a"}, "a header must have a value of printable ASCII"),
        ({"x-team": "sk-very-secret\r\nhost: evil"}, "a header must have a value of printable ASCII"),
        ({"x-team": "ü"}, "a header must have a value of printable ASCII"),
        ({"x-team": 5}, "a header must have a value of printable ASCII"),
        ({"x-team": "a", "X-Team": "b"}, "a header is there twice, its name in upper and lower case"),
        *(
            ({name: SECRET}, f"the header {name.lower()} belongs to the connection and cannot be set")
            for name in ("Host", "content-length", "Transfer-Encoding", "connection", "te", "content-type")
        ),
        *(
            ({name: SECRET}, f"the header {name.lower()} is where a credential goes: put it into secret")
            for name in ("Authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie")
        ),
    ],
)
def test_headers_that_are_refused(headers: Any, message: str) -> None:
    assert refusal(headers=headers) == message


def test_an_unknown_member_is_refused_and_not_quoted() -> None:
    assert refusal(weigth=5).startswith("it has a member that an endpoint does not have; there are name, provider,")
    assert SECRET not in refusal(**{SECRET: "secret"})


@given(member=_members, value=_json)
def test_whatever_is_put_into_a_member_it_is_an_endpoint_or_a_refusal(member: str, value: Any) -> None:
    try:
        found = read_endpoint({**LEAST, member: value})
    except BadDocument as fault:
        assert SECRET not in str(fault)
    else:
        assert isinstance(found, Endpoint)


@given(value=st.text(alphabet="abcdef0123456789", min_size=12, max_size=20), member=_members)
def test_a_value_in_the_wrong_place_is_never_in_the_message(value: str, member: str) -> None:
    """Whoever pastes a secret into the wrong member must not find it in a log; its name alone is shown, once it is one."""
    for wrong in (f"sk\n{value}", [f"sk\n{value}"], {f"sk\n{value}": 5}, {"x": f"sk\n{value}"}):
        with pytest.raises(BadDocument) as fault:
            read_endpoint({**LEAST, member: wrong})
        assert value not in str(fault.value)
