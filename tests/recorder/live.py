"""Asks a provider by Sabir's own translation and Sabir's own HTTP client, and keeps what comes as it comes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from infra.settings import Timeouts
from infra.upstream import Upstream
from providers.base import Credential, Profile, Target, home_of
from providers.dialects.openai import DIALECT
from providers.registry import find
from providers.secret import Secret
from tests.recorder.tape import Exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# The same wires under the names that recorded traffic has for them.
_RECORDED_AS: Final = {
    "google-generatecontent": "generateContent",
    "vertex": "generateContent",
    "bedrock-converse": "converse",
}


async def exchange(
    name: str, asked: dict[str, Any], environment: Mapping[str, str], say: Callable[[str], None]
) -> Exchange:
    """Raises `SabirError` where the provider cannot be asked that, or be reached. An answer of any status is one."""
    provider = find(name)
    home = home_of(provider, environment.get("AWS_REGION"))
    address = environment.get(variable(name, "BASE_URL"), home).rstrip("/")
    key = Credential(Secret(environment[variable(name, "API_KEY")]))
    chat = DIALECT.parse(json.dumps(asked).encode())
    request = provider.request(chat, Target(name, chat.model, key, Profile(address))).request
    upstream = Upstream(Timeouts())
    say(f"asking {name} for {chat.model} …")
    try:
        answer = await upstream.send(request, name)
        say(f"status {answer.status}, {answer.headers.get('content-type', 'no content-type')}")
        chunks: list[bytes] = []
        async for chunk in answer.chunks():
            chunks.append(chunk)
            say(f"chunk {len(chunks)}: {len(chunk)} bytes")
        answer.close()
    finally:
        await upstream.close()
    wire = _RECORDED_AS.get(provider.wire, provider.wire)
    return Exchange(name, wire, asked, request, address, home, answer.status, answer.headers, tuple(chunks))


def variable(name: str, what: str) -> str:
    """`("openai", "API_KEY")` → `OPENAI_API_KEY`, as `sabir serve` reads it."""
    return f"{name.upper()}_{what}"
