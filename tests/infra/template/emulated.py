"""The template's resources that hold state, made in an emulator by the services' own calls."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3

from tests.infra.template.translated import grounded

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = Any

REGION, ACCOUNT = "us-east-1", "000000000000"
# A stack must have a resource; this one is nothing but a name.
NOTHING = {"Type": "AWS::CloudFormation::WaitConditionHandle"}


@dataclass(frozen=True, slots=True)
class Emulated:
    """Blocks: call it from a thread."""

    url: str

    def create(self, template: Json, stack: str) -> dict[str, str]:
        """What Ref, GetAtt and Sub stand for, by their names, in the stack of that name."""
        known = {
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::StackName": stack,
            "AWS::URLSuffix": "amazonaws.com",
        }
        makers = {
            "AWS::DynamoDB::Table": self._table,
            "AWS::KMS::Key": self._key,
            "AWS::Logs::LogGroup": self._log_group,
            # After the key, which it names.
            "AWS::SecretsManager::Secret": self._secret,
        }
        for kind, make in makers.items():
            for name, resource in template["Resources"].items():
                if resource["Type"] == kind:
                    known |= make(name, grounded(resource["Properties"], known))
        return known

    def tell(self, stack: str, outputs: Mapping[str, str]) -> None:
        """Makes CloudFormation say them, as it does after `sam deploy`."""
        listed = {name: {"Value": value} for name, value in outputs.items()}
        body = json.dumps({"Resources": {"Nothing": NOTHING}, "Outputs": listed})
        self._client("cloudformation").create_stack(StackName=stack, TemplateBody=body)

    def secret_text(self, arn: str) -> str:
        return str(self._client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])

    def _table(self, name: str, spec: Json) -> dict[str, str]:
        dynamodb, table = self._client("dynamodb"), f"{name}-{secrets.token_hex(6)}"
        described = dynamodb.create_table(
            TableName=table,
            **{part: spec[part] for part in ("AttributeDefinitions", "BillingMode", "KeySchema")},
        )["TableDescription"]
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=spec["TimeToLiveSpecification"])
        return {name: table, f"{name}.Arn": described["TableArn"]}

    def _key(self, name: str, spec: Json) -> dict[str, str]:
        made = self._client("kms").create_key(Policy=json.dumps(spec["KeyPolicy"]), Description=spec["Description"])
        return {name: made["KeyMetadata"]["KeyId"], f"{name}.Arn": made["KeyMetadata"]["Arn"]}

    def _log_group(self, name: str, spec: Json) -> dict[str, str]:
        group = spec["LogGroupName"]
        return {name: group, f"{name}.Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*"}

    def _secret(self, name: str, spec: Json) -> dict[str, str]:
        manager = self._client("secretsmanager")
        password = manager.get_random_password(**spec["GenerateSecretString"])["RandomPassword"]
        made = manager.create_secret(Name=spec["Name"], SecretString=password, KmsKeyId=spec["KmsKeyId"])
        return {name: made["ARN"]}

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="AKIDDEPLOYER",
            aws_secret_access_key="secret",
        )
