"""An org in the embedded stores of a running Sabir, made as the admin side makes it.

acme = await an_org(sabir, endpoints=[endpoint("openai"), endpoint("anthropic")])
key = await acme.key()
"""

from __future__ import annotations

import base64
import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from cache import wrapped
from infra.control import key_text
from infra.control.codec import key_document, org_document
from infra.control.records import Org, SabirKey, key_place, org_place
from infra.control.store import Put
from infra.secrets.org_secrets import org_document_name, org_secrets_document
from providers.routing.endpoint import Endpoint
from providers.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.contract.rig import Sabir

CACHE_KEY: Final = bytes(range(32))
TOKEN_KEY: Final = bytes(range(32, 64))
_NUMBERS: Final = itertools.count(1)


def org_env(folder: Path) -> dict[str, str]:
    return {"SABIR_CONTROL_PATH": str(folder / "control.db"), "SABIR_MASTER_KEY_PATH": str(folder / "master.key")}


def endpoint(provider: str, name: str | None = None, **members: Any) -> Endpoint:
    """With a secret that names the endpoint, so that the simulator's ledger tells which one was used."""
    name = name or provider
    return Endpoint(name, provider, Secret(members.pop("secret", f"secret-of-{name}")), **members)


@dataclass(slots=True)
class TestOrg:
    __test__ = False

    sabir: Sabir
    org: Org
    endpoints: Sequence[Endpoint]
    secrets_version: str | None = None
    records: dict[str, SabirKey] = field(default_factory=dict)

    async def key(self, **members: Any) -> str:
        """The text of a new key; its record is `records[text]`."""
        number = next(_NUMBERS)
        key_id = key_text.new_key_id((number << 20).to_bytes(7))
        secret = key_text.mint(self.org.org_id, key_id, number.to_bytes(32))
        text = secret.reveal()
        nonce = number.to_bytes(12)
        copy = wrapped.wrap(CACHE_KEY, text.encode(), org_id=self.org.org_id, key_id=key_id, nonce=nonce)
        record = SabirKey(
            self.org.org_id, key_id, key_text.hash_of(secret), "test", int(self._now), wrapped_cache_key=copy
        )
        self.records[text] = replace(record, **members)
        await self._put_key(self.records[text])
        return text

    async def change_key(self, text: str, **members: Any) -> None:
        self.records[text] = replace(self.records[text], **members)
        await self._put_key(self.records[text])

    async def change(self, **members: Any) -> None:
        self.org = replace(self.org, **members)
        await self._stores.control.write(
            [Put(org_place(self.org.org_id), org_document(self.org), None)], now=int(self._now)
        )

    async def change_secrets(self, endpoints: Sequence[Endpoint]) -> None:
        self.endpoints = endpoints
        token_key = Secret(base64.b64encode(TOKEN_KEY).decode())
        self.secrets_version = await self._stores.secrets.write(
            org_document_name(self.org.org_id),
            org_secrets_document(endpoints, token_key),
            version=self.secrets_version,
        )

    async def _put_key(self, record: SabirKey) -> None:
        place = key_place(record.org_id, record.key_id)
        await self._stores.control.write([Put(place, key_document(record), None)], now=int(self._now))

    @property
    def _stores(self) -> Any:
        assert self.sabir.services.orgs is not None
        return self.sabir.services.orgs.stores

    @property
    def _now(self) -> float:
        return self.sabir.services.now()


async def an_org(sabir: Sabir, endpoints: Sequence[Endpoint], org_id: str = "acme", **settings: Any) -> TestOrg:
    made = TestOrg(sabir, Org(org_id, int(sabir.clock.now)), endpoints)
    await made.change(**settings)
    await made.change_secrets(endpoints)
    return made


def secrets_seen(requests: Sequence[Any]) -> list[str]:
    """Which endpoint's secret each upstream request bore, in their order."""
    return [_secret_of(seen.headers).removeprefix("Bearer ").removeprefix("secret-of-") for seen in requests]


def _secret_of(headers: Mapping[str, str]) -> str:
    return headers.get("authorization") or headers.get("x-api-key") or "none"
