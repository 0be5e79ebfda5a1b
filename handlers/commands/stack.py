"""A deployed stack, by its name: what CloudFormation says of it, and its admin key from Secrets Manager.

The one place that uses boto3: here, on an operator's machine, credentials may come from profiles and single sign-on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from handlers.admin.admin_key import admin_key_of
from handlers.commands.api import Remote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

    from providers.secret import Secret


@dataclass(frozen=True, slots=True)
class Stack:
    """`base_url`: what clients take as their OpenAI base URL."""

    admin: Remote
    base_url: str


def read_stack(name: str) -> Stack:
    """Raises `click.ClickException` with AWS's own reason: no such stack, no credentials, no permission."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from handlers.commands.place import admin_url

    try:
        outputs = _outputs(name, boto3.client("cloudformation"))
        url, base_url = _output(outputs, name, "AdminUrl"), _output(outputs, name, "BaseUrl")
        key = _admin_key(_output(outputs, name, "AdminKeySecretName"), boto3.client("secretsmanager"))
    except (BotoCoreError, ClientError) as fault:
        raise click.ClickException(f"cannot read the stack {name}: {fault}") from None
    return Stack(Remote(admin_url(url), key), base_url)


def _outputs(name: str, cloudformation: CloudFormationClient) -> Mapping[str, str]:
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _output(outputs: Mapping[str, str], stack: str, key: str) -> str:
    if key not in outputs:
        raise click.ClickException(f"the stack {stack} has no output {key}: is it Sabir's, and of this version?")
    return outputs[key]


def _admin_key(secret_id: str, secrets_manager: SecretsManagerClient) -> Secret:
    return admin_key_of(secrets_manager.get_secret_value(SecretId=secret_id)["SecretString"])
