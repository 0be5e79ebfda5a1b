"""The admin function as Lambda calls it: API Gateway's events, DynamoDB and Secrets Manager over real HTTP."""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from handlers.admin.services import build_admin_services
from infra.settings import Misconfigured
from tests.architecture.source import ROOT
from tests.handlers.admin.desk import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET = "K7" * 21 + "x"
ARN = "arn:aws:iam::123456789012:user/ada"
HOST = "abcde12345.execute-api.eu-central-1.amazonaws.com"


def event(
    method: str, path: str, body: Any = None, *, key: str | None = f"sba_{SECRET}", arn: str | None = None
) -> Any:
    """API Gateway's REST proxy event, payload format 1.0, as in its developer guide; `arn` where IAM was asked."""
    headers = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    resource = f"/{path.split('/')[1]}/{{proxy+}}"
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.partition("/")[2]},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcde12345",
            "domainName": HOST,
            "httpMethod": method,
            "identity": {"sourceIp": "203.0.113.9", "userAgent": "sabir", "userArn": arn, "user": None},
            "path": f"/prod{path}",
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "requestTimeEpoch": 1_800_000_000_000,
            "resourceId": "abc123",
            "resourcePath": resource,
            "stage": "prod",
        },
        # As the template has it: every body travels as Base64.
        "body": None if body is None else base64.b64encode(json.dumps(body).encode()).decode(),
        "isBase64Encoded": body is not None,
    }


@pytest.fixture
def aws(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment that the template gives the function, and what it finds there."""
    env = {
        "AWS_ENDPOINT_URL": moto_url,
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example-secret",
        "SABIR_CONTROL_TABLE": "sabir-admin-control",
        "SABIR_SECRETS_PREFIX": "sabir/admin-test/",
        "SABIR_ADMIN_KEY_SECRET": "sabir/admin-test/admin-key",
    }
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    table = boto3.client("dynamodb")
    table.create_table(
        TableName=env["SABIR_CONTROL_TABLE"],
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name=env["SABIR_ADMIN_KEY_SECRET"], SecretString=SECRET)
    yield env
    table.delete_table(TableName=env["SABIR_CONTROL_TABLE"])
    for each in secrets.list_secrets()["SecretList"]:
        secrets.delete_secret(SecretId=each["Name"], ForceDeleteWithoutRecovery=True)


@pytest.fixture
def handler(aws: dict[str, str]) -> Iterator[Callable[[Any, Any], dict[str, Any]]]:
    """The module as a cold start makes it, on a loop that is closed with its session afterwards."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    sys.modules.pop("handlers.admin.entry", None)
    entry = importlib.import_module("handlers.admin.entry")
    yield entry.handler
    loop.run_until_complete(entry._services.close())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    asyncio.set_event_loop(None)


def told(answer: dict[str, Any]) -> Any:
    return json.loads(answer["body"])


@pytest.mark.slow
def test_the_whole_flow_on_aws(handler: Callable[[Any, Any], dict[str, Any]]) -> None:
    made = handler(event("POST", "/admin/v1/orgs", {"org_id": "acme"}), None)
    assert (made["statusCode"], told(made)["org_id"]) == (201, "acme")
    assert handler(event("POST", "/admin/v1/orgs", {"org_id": "acme"}), None)["statusCode"] == 409
    secret = {"provider": "openai", "secret": "sk-first-secret-of-acme"}
    assert handler(event("PUT", "/admin/v1/orgs/acme/endpoints/main", secret), None)["statusCode"] == 201
    rotated = {"secret": "sk-second-secret-of-acme"}
    assert handler(event("POST", "/admin/v1/orgs/acme/endpoints/main/rotate", rotated), None)["statusCode"] == 200
    issued = told(handler(event("POST", "/admin/v1/orgs/acme/keys", {"name": "ci"}), None))
    assert issued["key"].startswith(f"sbr_acme_{issued['key_id']}_")
    assert handler(event("DELETE", f"/admin/v1/orgs/acme/keys/{issued['key_id']}"), None)["statusCode"] == 200
    trail = told(handler(event("GET", "/admin/v1/orgs/acme/audit"), None))["data"]
    actions = ["key.revoke", "key.create", "endpoint.rotate", "endpoint.add", "org.create"]
    assert [(each["action"], each["outcome"]) for each in trail] == [(action, "done") for action in actions]

    documents = boto3.client("secretsmanager")
    for stage, value in (("AWSCURRENT", "sk-second-secret-of-acme"), ("AWSPREVIOUS", "sk-first-secret-of-acme")):
        document = documents.get_secret_value(SecretId="sabir/admin-test/org/acme", VersionStage=stage)
        assert json.loads(document["SecretString"])["endpoints"][0]["secret"] == value
    rows = json.dumps(boto3.client("dynamodb").scan(TableName="sabir-admin-control")["Items"], default=repr)
    assert "endpoint.rotate" in rows
    for value in ("sk-first", "sk-second", issued["key"], issued["key"].rpartition("_")[2]):
        assert value not in rows


@pytest.mark.slow
def test_iam_is_trusted_where_api_gateway_asked_it(handler: Callable[[Any, Any], dict[str, Any]]) -> None:
    made = handler(event("POST", "/admin-iam/v1/orgs", {"org_id": "acme"}, key=None, arn=ARN), None)
    assert made["statusCode"] == 201
    trail = told(handler(event("GET", "/admin-iam/v1/orgs/acme/audit", key=None, arn=ARN), None))["data"]
    assert trail[0]["actor"] == ARN
    # An identity that API Gateway did not ask for on this path is none, and a key is not asked for on that one.
    assert handler(event("GET", "/admin/v1/orgs", key=None, arn=ARN), None)["statusCode"] == 401
    assert handler(event("GET", "/admin-iam/v1/orgs"), None)["statusCode"] == 401
    disguised = {**event("GET", "/admin/v1/orgs", key=None, arn=ARN), "path": "/admin-iam/v1/orgs"}
    assert handler(disguised, None)["statusCode"] == 401


@pytest.mark.slow
def test_pitfall_39_without_the_admin_keys_secret_it_is_a_503(
    aws: dict[str, str], handler: Callable[[Any, Any], dict[str, Any]]
) -> None:
    secrets = boto3.client("secretsmanager")
    secrets.delete_secret(SecretId=aws["SABIR_ADMIN_KEY_SECRET"], ForceDeleteWithoutRecovery=True)
    answer = handler(event("GET", "/admin/v1/orgs"), None)
    assert (answer["statusCode"], told(answer)["error"]["code"]) == (503, "secret_store_unavailable")
    assert SECRET not in json.dumps(answer)


@pytest.mark.slow
def test_pitfall_39_without_the_table_it_is_a_503(
    aws: dict[str, str], handler: Callable[[Any, Any], dict[str, Any]]
) -> None:
    boto3.client("dynamodb").delete_table(TableName=aws["SABIR_CONTROL_TABLE"])
    answer = handler(event("GET", "/admin/v1/orgs/acme"), None)
    assert (answer["statusCode"], told(answer)["error"]["code"]) == (503, "key_store_unavailable")
    boto3.client("dynamodb").create_table(
        TableName=aws["SABIR_CONTROL_TABLE"],
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("absent", ["SABIR_CONTROL_PATH", "SABIR_MASTER_KEY_PATH"])
def test_what_is_not_set_is_named(tmp_path: Path, absent: str) -> None:
    env = environment(tmp_path)
    with pytest.raises(Misconfigured, match=absent):
        build_admin_services({name: value for name, value in env.items() if name != absent})


# What the bundle does not have, or what a first call that is refused does not need.
HEAVY = ["boto3", "botocore", "click", "rich", "httpx2", "uvicorn", "genai_prices", "aiohttp", "cryptography", "jwt"]


def test_a_cold_start_of_the_function_imports_nothing_heavy(tmp_path: Path) -> None:
    script = "import json, sys, handlers.admin.entry; print(json.dumps(sorted(sys.modules)))"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "COV_", "PYTHON"))}
    env = {**clean, "SABIR_CONTROL_TABLE": "t", "SABIR_ADMIN_KEY_SECRET": "k", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    modules = json.loads(done.stdout)
    assert [name for name in HEAVY if any(each == name or each.startswith(f"{name}.") for each in modules)] == []
