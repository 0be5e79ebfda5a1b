"""Headers, by allowlist in both directions. What is not named here goes nowhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, assert_never
from urllib.parse import quote

from cache.sealed_cache import Hit, Miss
from handlers.credentials import is_ours
from infra.limits.ratelimit_headers import usd
from providers.errors import InvalidRequest
from providers.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handlers.tab import Tab

# From the client to the one provider that knows them: an OpenAI organization is nobody else's business, though others
# speak the same wire. They change the answer, so they are part of the cache identity; `idempotency-key` alone does not,
# and is left out of it.
_TO_PROVIDER: Final[Mapping[str, tuple[str, ...]]] = {
    "openai": ("openai-beta", "openai-organization", "openai-project", "idempotency-key"),
    "anthropic": ("anthropic-beta", "anthropic-version"),
    "vertex": ("anthropic-beta",),
}
_MEANINGLESS: Final = frozenset({"idempotency-key"})

# From the provider to the client, on a live answer only: a hit replays no header of somebody else's request.
_TO_CLIENT: Final = frozenset({"openai-processing-ms", "openai-model", "anthropic-fast-output-tokens-remaining"})
_TO_CLIENT_PREFIXES: Final = ("x-ratelimit-", "anthropic-ratelimit-")

# Bounds of what others have named to a client: API Gateway allows 10,240 bytes for all headers together.
_MOST_NAMES: Final = 32
_LONGEST_NAME: Final = 64
_LONGEST_VALUE: Final = 128

# RFC 9110 §5.5. A parser that lets other characters in need not be the one that has to let them out again.
_SOUND: Final = re.compile(r"[\t -~]*")


def for_provider(provider: str, headers: Mapping[str, str]) -> dict[str, str]:
    """The client's headers that this provider may see. Raises `InvalidRequest` for one that must not be sent."""
    passed = {name: headers[name] for name in _TO_PROVIDER.get(provider, ()) if name in headers}
    for name, value in passed.items():
        if not _SOUND.fullmatch(value):
            raise InvalidRequest(f"{name}: holds a character outside of ASCII.", param=name, code="invalid_header")
        if is_ours(Secret(value)):
            raise InvalidRequest(f"{name}: holds a key of Sabir's.", param=name, code="invalid_header")
    return passed


def meaningful(headers: Mapping[str, str]) -> dict[str, str]:
    """Those of `for_provider`'s headers that change the answer, for the cache identity."""
    return {name: value for name, value in headers.items() if name not in _MEANINGLESS}


def for_client(headers: Mapping[str, str], *, limits: bool = True) -> dict[str, str]:
    """The provider's headers that the client may see, as far as they are few, short and plain ASCII.

    Its request id has a name of its own. `limits`: those of the account too; a member of an org has limits of its own.
    """
    upstream_id = headers.get("x-request-id") or headers.get("request-id")
    passed = {"x-upstream-request-id": upstream_id} if upstream_id else {}
    passed |= {
        name: value
        for name, value in headers.items()
        if name in _TO_CLIENT or (limits and name.startswith(_TO_CLIENT_PREFIXES))
    }
    return dict([(name, value) for name, value in passed.items() if _is_fit(name, value)][:_MOST_NAMES])


def _is_fit(name: str, value: str) -> bool:
    return len(name) <= _LONGEST_NAME and len(value) <= _LONGEST_VALUE and _SOUND.fullmatch(value) is not None


def dropped_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names of dropped parameters for a header and the log: they are the client's own, and may be anything at all."""
    # A lone surrogate, which JSON can spell and UTF-8 cannot, is shown as its escape.
    quoted = (quote(name[:_LONGEST_NAME], safe="[]", errors="backslashreplace") for name in names[:_MOST_NAMES])
    shown = tuple(name[:_LONGEST_NAME] for name in quoted)
    return shown if len(names) <= _MOST_NAMES else (*shown, "...")


def cost_headers(tab: Tab) -> dict[str, str]:
    """What a whole answer cost, where the price is known; an answer under way does not know it yet."""
    nano_usd = tab.bill().nano_usd
    return {} if nano_usd is None else {"x-sabir-cost-usd": usd(nano_usd)}


def cache_headers(answer: Hit | Miss) -> dict[str, str]:
    """RFC 9111 §5.1 and §5.2.2.1, and the verdict with its reason in RFC 9211's `cache-status`."""
    match answer:
        case Hit(_, age, remaining):
            return {
                "x-bt-cached": "HIT",
                "age": str(age),
                "cache-control": f"max-age={remaining}",
                "cache-status": f"sabir; hit; ttl={remaining}",
                "x-sabir-cost-usd": "0",
            }
        case Miss(reason):
            return {"x-bt-cached": "MISS", "cache-status": f"sabir; fwd={answer.forward}; detail={reason}"}
        case _:  # pragma: no cover
            assert_never(answer)
