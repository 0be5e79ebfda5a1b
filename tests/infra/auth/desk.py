"""A token endpoint on loopback, and a key to sign with."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from providers.base import Credential, UpstreamRequest
from providers.secret import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from providers.base import Scheme

NOW: Final = 1_800_000_000.0
EMAIL: Final = "sabir@acme.iam.gserviceaccount.com"


@cache
def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem() -> str:
    return signing_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def key_file(**members: Any) -> str:
    """As Google writes one."""
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "acme-1",
            "private_key_id": "kid-1",
            "private_key": pem(),
            "client_email": EMAIL,
            "token_uri": "https://oauth2.googleapis.com/token",
            **members,
        },
        indent=2,
    )


ENTRA: Final = json.dumps({"tenant": "acme.example", "client_id": "app-1", "client_secret": "s~ecret.of-the.app"})


@dataclass(slots=True)
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class TokenDesk:
    """Gives `token-1`, `token-2` … each good for `seconds`; or `answers`, in their order, as long as there are any.

    `gate`, where it is set, holds every answer back.
    """

    origin: str = ""
    seconds: float = 3600
    answers: list[web.Response] = field(default_factory=list)
    gate: asyncio.Event | None = None
    paths: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        self.forms.append({name: str(value) for name, value in (await request.post()).items()})
        self.asked.set()
        number = len(self.forms)
        if self.gate is not None:
            await self.gate.wait()
        if self.answers:
            return self.answers.pop(0)
        told = {"access_token": f"token-{number}", "expires_in": self.seconds, "token_type": "Bearer"}
        return web.json_response(told)


@asynccontextmanager
async def token_desk() -> AsyncIterator[TokenDesk]:
    desk = TokenDesk()
    app = web.Application()
    app.router.add_post("/{path:.*}", desk.answer)
    async with TestServer(app) as server:
        desk.origin = f"http://127.0.0.1:{server.port}"
        yield desk


def request(secret: str, scheme: Scheme | None, url: str = "http://127.0.0.1/x", **members: Any) -> UpstreamRequest:
    auth = Credential(Secret(secret), scheme=scheme, **members)
    return UpstreamRequest("POST", url, {"content-type": "application/json"}, b'{"a":1}', auth, streaming=False)
