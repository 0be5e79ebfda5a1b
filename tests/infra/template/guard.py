"""Between the functions and the emulator: lets through what the template's roles allow, and denies the rest.

No emulator that we know checks these conditions. So a permission that the code needs and the template lacks shows here
and not in the first deployment, and a call that no role should make is seen.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession, web

from tests.infra.template.policy import Request, allowed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Json = Any

# The underlying operation's permission is what counts in a transaction.
TRANSACTED = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
# What Secrets Manager asks of KMS in the caller's name.
KEY_USES = {
    "CreateSecret": ("GenerateDataKey", "Decrypt"),
    "GetSecretValue": ("Decrypt",),
    "PutSecretValue": ("GenerateDataKey", "Decrypt"),
}
HASH_KEYS = ("pk", "id")
PASSED_BACK = ("content-type", "x-amzn-requestid", "x-amzn-errortype", "x-amz-crc32")


@dataclass(slots=True)
class Guard:
    """`roles`: policy statements by access key id. `key`: the ARN of the stack's KMS key.

    `secrets`: the ARNs of secrets that somebody else made, by name.
    """

    emulator: str
    session: ClientSession
    roles: Mapping[str, Sequence[Json]]
    key: str
    region: str
    account: str
    secrets: Mapping[str, str] = field(default_factory=dict)
    denied: list[Request] = field(default_factory=list)
    used: set[tuple[str, str]] = field(default_factory=set)

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        role = _access_key(request.headers["authorization"])
        for wanted in self._requests(request.headers["x-amz-target"], json.loads(body)):
            if not allowed(self.roles[role], wanted):
                self.denied.append(wanted)
                return web.json_response({"__type": "AccessDeniedException"}, status=400)
            self.used.add((role, wanted.action))
        headers = {
            name: value for name, value in request.headers.items() if name.lower() not in ("host", "content-length")
        }
        async with self.session.post(self.emulator, data=body, headers=headers) as answer:
            kept = {name: answer.headers[name] for name in PASSED_BACK if name in answer.headers}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    def _requests(self, target: str, body: Json) -> Iterator[Request]:
        service, _, operation = target.partition(".")
        if service.startswith("DynamoDB"):
            yield from self._items(operation, body)
        else:
            yield from self._secrets(operation, body)

    def _items(self, operation: str, body: Json) -> Iterator[Request]:
        match operation:
            case "BatchGetItem":
                for table, asked in body["RequestItems"].items():
                    yield self._item(operation, table, [_partition(key) for key in asked["Keys"]])
            case "TransactWriteItems" | "TransactGetItems":
                for action in body["TransactItems"]:
                    ((kind, item),) = action.items()
                    yield self._item(TRANSACTED[kind], item["TableName"], [_partition(item.get("Key") or item["Item"])])
            case "Query":
                yield self._item(operation, body["TableName"], [body["ExpressionAttributeValues"][":pk"]["S"]])
            case _:
                yield self._item(operation, body["TableName"], [_partition(body.get("Key") or body["Item"])])

    def _item(self, operation: str, table: str, partitions: list[str]) -> Request:
        arn = f"arn:aws:dynamodb:{self.region}:{self.account}:table/{table}"
        return Request(f"dynamodb:{operation}", arn, {"dynamodb:LeadingKeys": tuple(partitions)})

    def _secrets(self, operation: str, body: Json) -> Iterator[Request]:
        name = body.get("SecretId") or body["Name"]
        # The suffix is Secrets Manager's own, six characters of its choice.
        made = f"arn:aws:secretsmanager:{self.region}:{self.account}:secret:{name}-AbCdEf"
        arn = self.secrets.get(name, made)
        yield Request(f"secretsmanager:{operation}", arn)
        context = {
            "kms:EncryptionContext:SecretARN": arn,
            "kms:ViaService": f"secretsmanager.{self.region}.amazonaws.com",
        }
        for use in KEY_USES.get(operation, ()):
            yield Request(f"kms:{use}", self.key, context)


def _partition(attributes: Json) -> str:
    ((value,),) = (attributes[name].values() for name in HASH_KEYS if name in attributes)
    return str(value)


def _access_key(authorization: str) -> str:
    found = re.search(r"Credential=([^/]+)/", authorization)
    assert found is not None
    return found[1]
