"""What a store of secret documents must do. Both implementations pass tests/infra/secrets/test_secret_store.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.control.store import Json

Stage: TypeAlias = Literal["current", "previous"]


class SecretsFault(Exception):
    """The store failed or could not be reached: an outage, never an answer. The text holds no secret."""


class SecretsConflict(Exception):
    """Somebody else wrote the document in between; nothing was changed."""


@dataclass(frozen=True, slots=True)
class SecretDocument:
    """`version` is the store's own id of this content; another one means another content."""

    value: Mapping[str, Json] = field(repr=False)
    version: str


class SecretStore(Protocol):
    """Documents by name (`org/acme`), each with the version before it. Whatever goes wrong is a `SecretsFault`."""

    async def read(self, name: str, stage: Stage = "current") -> SecretDocument | None: ...

    async def write(self, name: str, value: Mapping[str, Json], *, version: str | None) -> str:
        """The new version's id. `version`: the one that was read, None where there was none.

        What was current becomes the previous one. Raises `SecretsConflict`, and ValueError for over 64 KB.
        """
        ...

    async def delete(self, name: str) -> None: ...

    async def close(self) -> None: ...
