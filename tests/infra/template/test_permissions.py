"""What each role may do, word by word, and what follows from it: judged by a small evaluator of IAM policies."""

from __future__ import annotations

from functools import cache

import pytest

from infra.control.records import health_place, key_place, org_place
from tests.infra.template.policy import Request, allowed, several
from tests.infra.template.translated import Json, grounded, properties, translate

ACCOUNT = "111122223333"
REGION = "eu-west-1"
TABLES = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table"
SECRETS = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/sabir/team"
KNOWN = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "team",
    "AWS::URLSuffix": "amazonaws.com",
    "AdminKeySecret": f"{SECRETS}:sabir/team/admin-key-x1y2z3",
    "AdminLogGroup.Arn": f"{LOGS}/admin:*",
    "CacheTable.Arn": f"{TABLES}/cache",
    "ControlTable.Arn": f"{TABLES}/control",
    "ProxyLogGroup.Arn": f"{LOGS}/proxy:*",
    "SecretsKey.Arn": KEY,
}
VIA_SECRETS = f"secretsmanager.{REGION}.amazonaws.com"
WRITES = ("PutItem", "UpdateItem", "DeleteItem")


@cache
def resources() -> Json:
    return translate()["Resources"]


def made(name: str) -> Json:
    """A resource's properties, with names that AWS might have given."""
    return grounded(resources()[name]["Properties"], KNOWN)


def statements(role: str) -> list[Json]:
    policies = made(role)["Policies"]
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def key_policy() -> list[Json]:
    return list(made("SecretsKey")["KeyPolicy"]["Statement"])


def item(operation: str, *partitions: str, table: str = "control") -> Request:
    return Request(f"dynamodb:{operation}", f"{TABLES}/{table}", {"dynamodb:LeadingKeys": partitions})


def secret(operation: str, name: str) -> Request:
    return Request(f"secretsmanager:{operation}", f"{SECRETS}:sabir/{name}-a1B2c3")


def key_use(operation: str, name: str, via: str | None = VIA_SECRETS) -> Request:
    context = {"kms:EncryptionContext:SecretARN": f"{SECRETS}:sabir/{name}-a1B2c3"}
    return Request(f"kms:{operation}", KEY, context | ({"kms:ViaService": via} if via else {}))


def granted(role: str) -> set[tuple[str, str]]:
    return {
        (action, resource)
        for statement in statements(role)
        for action in several(statement["Action"])
        for resource in several(statement["Resource"])
    }


def test_the_proxys_role_allows_just_this() -> None:
    assert "ManagedPolicyArns" not in made("ProxyRole")
    assert granted("ProxyRole") == {
        ("dynamodb:BatchGetItem", f"{TABLES}/cache"),
        ("dynamodb:GetItem", f"{TABLES}/cache"),
        ("dynamodb:PutItem", f"{TABLES}/cache"),
        ("dynamodb:BatchGetItem", f"{TABLES}/control"),
        ("dynamodb:GetItem", f"{TABLES}/control"),
        ("dynamodb:PutItem", f"{TABLES}/control"),
        ("dynamodb:Query", f"{TABLES}/control"),
        ("dynamodb:UpdateItem", f"{TABLES}/control"),
        ("secretsmanager:GetSecretValue", f"{SECRETS}:sabir/team/org/*"),
        ("kms:Decrypt", KEY),
        ("logs:CreateLogStream", f"{LOGS}/proxy:*"),
        ("logs:PutLogEvents", f"{LOGS}/proxy:*"),
    }


def test_the_admins_role_allows_just_this() -> None:
    assert "ManagedPolicyArns" not in made("AdminRole")
    secrets = ("Create", "Delete", "Describe")
    calls = {f"{verb}Secret" for verb in secrets} | {"GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"}
    items = {"BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"}
    assert granted("AdminRole") == {
        *((f"dynamodb:{operation}", f"{TABLES}/control") for operation in items),
        *(
            (f"secretsmanager:{call}", f"{SECRETS}:sabir/team/{kind}/*")
            for call in calls
            for kind in ("org", "cache-key")
        ),
        ("secretsmanager:GetSecretValue", f"{SECRETS}:sabir/team/admin-key-x1y2z3"),
        ("kms:Decrypt", KEY),
        ("kms:GenerateDataKey", KEY),
        ("logs:CreateLogStream", f"{LOGS}/admin:*"),
        ("logs:PutLogEvents", f"{LOGS}/admin:*"),
    }


@pytest.mark.parametrize("role", ["ProxyRole", "AdminRole"])
def test_lambda_alone_can_be_either_role(role: str) -> None:
    (trust,) = made(role)["AssumeRolePolicyDocument"]["Statement"]
    assert trust == {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize("partition", [org_place("acme").partition, key_place("acme", "k").partition, "ORGS", ""])
def test_the_proxy_can_change_no_org_no_key_and_no_audit_entry(operation: str, partition: str) -> None:
    assert not allowed(statements("ProxyRole"), item(operation, partition))
    # Nor within a batch or a transaction whose other items it may write.
    assert not allowed(statements("ProxyRole"), item(operation, "LIMIT#org/acme", partition))


@pytest.mark.parametrize("operation", WRITES)
def test_the_proxy_can_write_nothing_where_the_request_names_no_key(operation: str) -> None:
    assert not allowed(statements("ProxyRole"), Request(f"dynamodb:{operation}", f"{TABLES}/control"))


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem"])
@pytest.mark.parametrize("partition", ["LIMIT#org/acme", "LIMIT#key/acme/7f3k", health_place("acme").partition])
def test_the_proxy_may_count_and_note_which_endpoints_fail(operation: str, partition: str) -> None:
    assert allowed(statements("ProxyRole"), item(operation, partition))
    assert not allowed(statements("ProxyRole"), item("Query", partition))


LOG = ["REQ#acme#0", "REQERR#acme#3", "USAGE#-#1"]


@pytest.mark.parametrize("partition", LOG)
def test_the_proxy_may_keep_and_list_the_request_log_but_take_nothing_out_of_it(partition: str) -> None:
    for operation in ("PutItem", "UpdateItem", "Query", "GetItem"):
        assert allowed(statements("ProxyRole"), item(operation, partition))
    assert not allowed(statements("ProxyRole"), item("DeleteItem", partition))
    assert not allowed(statements("ProxyRole"), item("Query", partition, table="cache"))


@pytest.mark.parametrize("partition", ["ORG#acme", "ORGS", "REQUESTS#acme", "REQ", "XREQ#acme#0", ""])
def test_beside_the_request_log_the_proxy_can_list_nothing(partition: str) -> None:
    assert not allowed(statements("ProxyRole"), item("Query", partition))
    assert not allowed(statements("ProxyRole"), item("Query", LOG[0], partition))
    assert not allowed(statements("ProxyRole"), Request("dynamodb:Query", f"{TABLES}/control"))


def test_the_admin_may_read_the_request_log() -> None:
    for partition in LOG:
        assert allowed(statements("AdminRole"), item("Query", partition))
        assert allowed(statements("AdminRole"), item("GetItem", partition))


def test_the_proxy_may_look_up_whom_it_serves_but_list_nobody() -> None:
    for place in (org_place("acme"), key_place("acme", "k"), health_place("acme")):
        assert allowed(statements("ProxyRole"), item("GetItem", place.partition))
        assert allowed(statements("ProxyRole"), item("BatchGetItem", place.partition, "LIMIT#org/acme"))
    assert not allowed(statements("ProxyRole"), item("Query", "ORG#acme"))
    assert not allowed(statements("ProxyRole"), item("Scan"))


def test_the_proxy_can_read_the_orgs_provider_secrets() -> None:
    assert allowed(statements("ProxyRole"), secret("GetSecretValue", "team/org/acme"))
    assert allowed(statements("ProxyRole"), key_use("Decrypt", "team/org/acme"))


@pytest.mark.parametrize("name", ["team/cache-key/acme", "team/admin-key", "team2/org/acme", "other", "team/organs/x"])
def test_the_proxy_can_read_no_cache_key_and_no_other_secret(name: str) -> None:
    assert not allowed(statements("ProxyRole"), secret("GetSecretValue", name))
    # Not even where a policy outside of this stack gave it the secret: the key does not open it for this role.
    assert not allowed(statements("ProxyRole"), key_use("Decrypt", name))


@pytest.mark.parametrize("call", ["CreateSecret", "PutSecretValue", "UpdateSecretVersionStage", "DeleteSecret"])
def test_the_proxy_can_write_no_secret_and_the_admin_can_write_the_orgs(call: str) -> None:
    for name in ("team/org/acme", "team/cache-key/acme"):
        assert not allowed(statements("ProxyRole"), secret(call, name))
        assert allowed(statements("AdminRole"), secret(call, name))
    assert not allowed(statements("AdminRole"), secret(call, "team/admin-key"))
    assert not allowed(statements("AdminRole"), secret(call, "team2/org/acme"))


def test_the_admin_cannot_see_the_cache() -> None:
    for operation in ("GetItem", "BatchGetItem", "Query", "Scan", *WRITES):
        assert not allowed(statements("AdminRole"), item(operation, "x", table="cache"))


@pytest.mark.parametrize("function", ["ProxyRole", "AdminRole"])
@pytest.mark.parametrize("allow", ["true", "false"])
def test_bedrock_of_the_account_is_used_only_where_the_operator_says_so(function: str, allow: str) -> None:
    policies = grounded(properties(translate(AllowBedrock=allow), function)["Policies"], KNOWN)
    said = [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
    models = "arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-lite-v1:0"
    profiles = f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:inference-profile/eu.amazon.nova-lite-v1:0"
    for resource in (models, profiles):
        for action in ("bedrock:CountTokens", "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"):
            assert allowed(said, Request(action, resource)) is (allow == "true")
    assert not allowed(said, Request("bedrock:DeleteInferenceProfile", profiles))


@pytest.mark.parametrize("role", ["ProxyRole", "AdminRole"])
@pytest.mark.parametrize("via", [None, f"dynamodb.{REGION}.amazonaws.com", "secretsmanager.us-east-1.amazonaws.com"])
def test_a_role_can_use_the_key_through_secrets_manager_alone(role: str, via: str | None) -> None:
    for operation in ("Decrypt", "GenerateDataKey", "Encrypt"):
        assert not allowed(statements(role), key_use(operation, "team/org/acme", via))


def test_the_key_opens_nothing_by_itself_even_for_an_administrator_of_the_account() -> None:
    for operation in ("Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom"):
        assert not allowed(key_policy(), key_use(operation, "team/org/acme", via=None))
        assert allowed(key_policy(), key_use(operation, "team/org/acme"))
    # It can still be managed; AWS refuses a key policy that would lock everybody out.
    for operation in ("PutKeyPolicy", "ScheduleKeyDeletion", "DescribeKey", "EnableKeyRotation"):
        assert allowed(key_policy(), Request(f"kms:{operation}", KEY))


def test_the_account_and_nobody_else_decides_who_uses_the_key() -> None:
    allowing = [statement for statement in key_policy() if statement["Effect"] == "Allow"]
    assert [statement["Principal"] for statement in allowing] == [{"AWS": f"arn:aws:iam::{ACCOUNT}:root"}]
