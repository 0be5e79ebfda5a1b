"""Secret documents in AWS Secrets Manager, one secret each.

Secrets Manager has no conditional write, but a conditional move of a label: UpdateSecretVersionStage takes AWSCURRENT
from the version that it is told, or fails where that version no longer holds it. So a new content is first put beside
the current one, under a label of our own, and then AWSCURRENT is moved to it from the version that was read.
AWSPREVIOUS follows by itself to that version.

Quotas (https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html): a value has 64 KB, a secret
100 versions, of which none is removed in its first 24 hours: a hundred changes of one org in a day, and the next one is
refused until tomorrow. It has 20 labels over all versions, hence one label for all writers: it moves with the newest
put, so that what a killed writer left behind is gone with the next write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from infra.secrets.document_text import decode, encode
from infra.secrets.store import SecretDocument, SecretsConflict, SecretsFault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from infra.control.store import Json
    from infra.secrets.store import Stage

    Call: TypeAlias = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]

_CURRENT: Final = "AWSCURRENT"
_STAGES: Final[Mapping[Stage, str]] = {"current": _CURRENT, "previous": "AWSPREVIOUS"}
_WRITING: Final = "sabir-writing"

_NOT_FOUND: Final = "ResourceNotFoundException"  # no such secret, or none of its versions has the label
_EXISTS: Final = "ResourceExistsException"
_MARKED_DELETED: Final = "InvalidRequestException"  # of these operations' reasons only this one can apply to ours
_NOT_HELD: Final = "InvalidParameterException"


class SecretsManagerStore:
    """`call` does the network as `AwsJsonClient.call` does and raises its errors; the store owns nothing.

    `prefix` stands before each name (`sabir/prod/`). `kms_key_id`: of new secrets; None is the account's own key.
    `tokens` gives new versions their ids: 32 to 64 characters, never the same twice.
    """

    def __init__(
        self, call: Call, prefix: str, kms_key_id: str | None = None, *, tokens: Callable[[], str] | None = None
    ) -> None:
        self._call = call
        self._prefix = prefix
        self._kms_key_id = kms_key_id
        self._tokens = tokens or _uuid

    async def read(self, name: str, stage: Stage = "current") -> SecretDocument | None:
        """A secret that somebody scheduled for deletion counts as absent."""
        try:
            answer = await self._send("GetSecretValue", name, {"VersionStage": _STAGES[stage]})
        except _Refused as refusal:
            if refusal.code in (_NOT_FOUND, _MARKED_DELETED):
                return None
            raise
        return _document(name, answer)

    async def write(self, name: str, value: Mapping[str, Json], *, version: str | None) -> str:
        """After a `SecretsFault` it is not known whether the write took place: read again.

        It is a `SecretsFault` too to create what is scheduled for deletion: somebody has to restore it, or to wait.
        """
        text = encode(name, value)
        if version is None:
            return await self._create(name, text)
        return await self._replace(name, text, version)

    async def delete(self, name: str) -> None:
        """At once and for good, as in every other store: provider secrets are to be gone when their org is.

        AWS finishes it in the background; until then the name cannot be created again, which is a `SecretsFault`.
        """
        try:
            await self._send("DeleteSecret", name, {"ForceDeleteWithoutRecovery": True})
        except _Refused as refusal:
            if refusal.code != _NOT_FOUND:
                raise

    async def close(self) -> None:
        """Nothing to close: the session behind `call` is not ours."""

    async def _create(self, name: str, text: str) -> str:
        body: dict[str, Any] = {"ClientRequestToken": self._tokens(), "SecretString": text}
        if self._kms_key_id is not None:
            body["KmsKeyId"] = self._kms_key_id
        try:
            return _version(name, await self._send("CreateSecret", name, body))
        except _Refused as refusal:
            if refusal.code == _EXISTS:
                raise SecretsConflict(f"somebody else created {name}") from refusal
            if refusal.code == _MARKED_DELETED:
                raise SecretsFault(
                    f"{name} is scheduled for deletion: restore it in Secrets Manager, or wait until it is gone"
                ) from refusal
            raise

    async def _replace(self, name: str, text: str, version: str) -> str:
        body = {"ClientRequestToken": self._tokens(), "SecretString": text, "VersionStages": [_WRITING]}
        try:
            written = _version(name, await self._send("PutSecretValue", name, body))
        except _Refused as refusal:
            if refusal.code in (_NOT_FOUND, _MARKED_DELETED):
                raise SecretsConflict(f"somebody else deleted {name}") from refusal
            raise
        try:
            await self._move_current(name, version, written)
        finally:
            await self._drop_label(name, written)
        return written

    async def _move_current(self, name: str, version: str, written: str) -> None:
        move = {"VersionStage": _CURRENT, "MoveToVersionId": written, "RemoveFromVersionId": version}
        try:
            await self._send("UpdateSecretVersionStage", name, move)
        except _Refused as refusal:
            if refusal.code not in (_NOT_HELD, _NOT_FOUND, _MARKED_DELETED):
                raise
            if not await self._took_place(name, written):
                raise SecretsConflict(f"somebody else changed {name}") from refusal

    async def _took_place(self, name: str, written: str) -> bool:
        """Whether our move was done after all: a try whose answer was lost makes the next one fail.

        Only what was once current can be the previous one: then somebody else has built upon ours already.
        """
        try:
            answer = await self._send("DescribeSecret", name, {})
        except _Refused as refusal:
            if refusal.code == _NOT_FOUND:
                return False
            raise
        stages = answer.get("VersionIdsToStages")
        held = stages.get(written, []) if isinstance(stages, dict) else []
        return any(label in held for label in _STAGES.values())

    async def _drop_label(self, name: str, written: str) -> None:
        """As well as we can: a label that stays, or that another writer has taken over, does no harm."""
        body = {"VersionStage": _WRITING, "RemoveFromVersionId": written}
        try:
            await self._send("UpdateSecretVersionStage", name, body)
        except SecretsFault:
            return

    async def _send(self, operation: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        # By its name and never by an ARN without suffix, which would make `org/a` find `org/a-bcdefg`.
        member = "Name" if operation == "CreateSecret" else "SecretId"
        try:
            return await self._call(operation, {member: self._prefix + name, **body})
        except Exception as error:
            raise _Refused(operation, name, error) from error


class _Refused(SecretsFault):
    """`code` is AWS's own where AWS answered, else the kind of network failure or empty."""

    def __init__(self, operation: str, name: str, error: Exception) -> None:
        # Whoever made such an error has loaded these modules, and aiohttp with them; we need them for nothing else.
        from infra.aws.credentials import NoAwsCredentials
        from infra.aws.json_client import AwsError

        # Of any other error the text is not known to be free of secrets.
        told = str(error) if isinstance(error, AwsError | NoAwsCredentials) else f"{operation}: {type(error).__name__}"
        super().__init__(f"Secrets Manager failed for {name}: {told}")
        self.code = error.code if isinstance(error, AwsError) else ""


def _document(name: str, answer: Mapping[str, Any]) -> SecretDocument:
    return SecretDocument(decode(name, answer.get("SecretString")), _version(name, answer))


def _version(name: str, answer: Mapping[str, Any]) -> str:
    version = answer.get("VersionId")
    if not isinstance(version, str) or not version:
        raise SecretsFault(f"Secrets Manager answered for {name} without a version")
    return version


def _uuid() -> str:
    import uuid

    return str(uuid.uuid4())
