"""Who asks: the key that the caller presents, whose it is, and which provider may see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from handlers.caller import Member, Owner
from infra.control import tokens
from providers import keys
from providers.errors import Unauthenticated
from providers.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handlers.asked import Asked
    from handlers.caller import Caller
    from handlers.services import Services
    from infra.settings import Settings

# In the order in which they count: each official SDK sends its own one.
_HEADERS: Final = ("authorization", "x-api-key", "api-key", "x-goog-api-key")

# What a client of `sabir serve` presents to mean "the key in your environment": its SDK insists on sending some key.
ENVIRONMENT_KEY: Final = "env"

_LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})

_MAX_LENGTH: Final = 8192  # Entra ID and Vertex tokens reach 4 kB


async def identify(headers: Mapping[str, str], services: Services) -> Caller:
    """Raises `Unauthenticated`, and `Unavailable` where it cannot be known whether a key of ours is good.

    Fail closed: what says that it is ours is looked up here, and never sent to a provider, whatever becomes of that.
    """
    key = presented_key(headers)
    if not is_ours(key):
        return Owner(key)
    if services.orgs is None:
        raise Unauthenticated("This deployment has no Sabir keys; present the provider's own API key.")
    return await services.orgs.member(key, now=services.now())


async def identified(asked: Asked, services: Services) -> Caller:
    """`identify`, first of all: whoever sends nonsense is in the log with their name."""
    caller = await identify(asked.headers, services)
    if isinstance(caller, Member):
        asked.record.org, asked.record.key = caller.org.org_id, caller.key.key_id
    return caller


def is_ours(key: Secret) -> bool:
    """Whether it is, or says of itself that it is, one of Sabir's own: such a one no provider may ever see."""
    return keys.is_sabir_key(key) or tokens.looks_like(key)


def presented_key(headers: Mapping[str, str]) -> Secret:
    """The caller's key. Raises `Unauthenticated` when there is none, or one that cannot be a key."""
    for name in _HEADERS:
        value = headers.get(name, "").strip()
        if value:
            return _checked(_bearer(value) if name == "authorization" else value)
    raise Unauthenticated(
        "You didn't provide an API key. Send your provider's key in an Authorization header: "
        "'Authorization: Bearer YOUR_KEY'."
    )


def key_for(provider: str, key: Secret, headers: Mapping[str, str], settings: Settings) -> Secret:
    """The key to send to `provider`: the presented one, or the environment's if the caller asks for that.

    Raises `Unauthenticated` rather than show one provider's key to another.
    """
    if is_ours(key):
        raise Unauthenticated("This key is one of Sabir's own, and no provider may see it.")
    if key.reveal() == ENVIRONMENT_KEY and settings.provider_keys:
        return _environment_key(provider, headers, settings)
    owner = keys.owner(key)
    if owner not in (None, provider) and provider not in settings.base_urls:
        raise Unauthenticated(
            f"The model belongs to {provider}, but the API key is one of {owner}; it was not sent anywhere.",
            code="key_of_another_provider",
        )
    return key


def _environment_key(provider: str, headers: Mapping[str, str], settings: Settings) -> Secret:
    """A web page must not be able to spend the owner's money: it says where it is from, and DNS rebinding shows in the
    host that it calls us by."""
    if "origin" in headers:
        raise Unauthenticated("The keys of the environment do not serve web pages.")
    host = headers.get("host", "").lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name not in _LOCAL_HOSTS:
        raise Unauthenticated(
            "The keys of the environment serve only clients on this machine, by its loopback address."
        )
    found = settings.provider_keys.get(provider)
    if found is None:
        raise Unauthenticated(f"There is no API key for {provider} in the environment that Sabir was started in.")
    return found


def _bearer(value: str) -> str:
    scheme, _, rest = value.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("The Authorization header must be of the form 'Bearer YOUR_KEY'.")
    return rest.strip()


def _checked(value: str) -> Secret:
    # Anything else would be refused, or worse, taken apart, as a header on the way to the provider.
    if not value or len(value) > _MAX_LENGTH or any(not "!" <= letter <= "~" for letter in value):
        raise Unauthenticated("The API key is empty, too long, or holds characters that no API key has.")
    return Secret(value)
