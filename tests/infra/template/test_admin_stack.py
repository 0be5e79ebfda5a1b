"""The admin function's part of the stack: its API, the control table, the key and the secret."""

from __future__ import annotations

import pytest

from tests.infra.template.translated import Json, only, properties, translate, variables

ADMIN_URI = (
    "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${AdminFunction.Arn}/invocations"
)
ANY = "x-amazon-apigateway-any-method"


def paths(template: Json) -> Json:
    return only(template, "AWS::ApiGateway::RestApi")["Body"]["paths"]


@pytest.mark.parametrize("mode", ["stream", "buffered"])
@pytest.mark.parametrize("path", ["/admin/{proxy+}", "/admin-iam/{proxy+}"])
def test_the_admin_paths_call_the_admin_function_buffered_whatever_the_proxy_does(path: str, mode: str) -> None:
    assert paths(translate(ResponseMode=mode))[path][ANY]["x-amazon-apigateway-integration"] == {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": {"Fn::Sub": ADMIN_URI},
        "responseTransferMode": "BUFFERED",
        "timeoutInMillis": 29_000,
    }


def test_iam_guards_the_second_admin_path_and_no_other() -> None:
    template = translate()
    guarded = {
        path: methods[ANY]["security"] for path, methods in paths(template).items() if "security" in methods[ANY]
    }
    assert guarded == {"/admin-iam/{proxy+}": [{"iam": []}]}
    body = only(template, "AWS::ApiGateway::RestApi")["Body"]
    assert body["components"]["securitySchemes"]["iam"] == {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "awsSigv4",
    }


def test_the_admin_function_runs_on_awss_own_runtime_and_knows_where_everything_is() -> None:
    template = translate(Architecture="x86_64")
    function = properties(template, "AdminFunction")
    assert (function["Runtime"], function["Handler"]) == ("python3.13", "handlers.admin.entry.handler")
    assert (function["Architectures"], function["Timeout"]) == (["x86_64"], 29)
    assert function["Role"] == {"Fn::GetAtt": ["AdminRole", "Arn"]}
    assert function["LoggingConfig"] == {"LogGroup": {"Ref": "AdminLogGroup"}, "LogFormat": "JSON"}
    assert variables(template, "AdminFunction") == {
        "SABIR_CONTROL_TABLE": {"Ref": "ControlTable"},
        "SABIR_SECRETS_PREFIX": {"Fn::Sub": "sabir/${AWS::StackName}/"},
        "SABIR_KMS_KEY_ID": {"Ref": "SecretsKey"},
        "SABIR_ADMIN_KEY_SECRET": {"Fn::Sub": "sabir/${AWS::StackName}/admin-key"},
    }


def test_only_this_apis_admin_paths_may_invoke_the_admin_function() -> None:
    permission = properties(translate(), "ApiMayInvokeAdmin")
    assert permission["Action"] == "lambda:InvokeFunction"
    assert permission["FunctionName"] == {"Fn::GetAtt": ["AdminFunction", "Arn"]}
    assert permission["SourceArn"]["Fn::Sub"].endswith(":${Api}/${StageName}/*/admin*")


def test_the_control_table_has_the_stores_keys_and_outlives_the_stack() -> None:
    template = translate()
    table = properties(template, "ControlTable")
    assert table["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert {(a["AttributeName"], a["AttributeType"]) for a in table["AttributeDefinitions"]} == {
        ("pk", "S"),
        ("sk", "S"),
    }
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_what_cannot_be_had_again_is_kept_and_everything_else_goes_with_the_stack() -> None:
    resources = translate()["Resources"]
    policies = {
        name: (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
        for name, resource in resources.items()
        if "DeletionPolicy" in resource
    }
    kept = {name for name, policy in policies.items() if policy == ("Retain", "Retain")}
    # The key with the table: the orgs' secrets are made by the admin function, so they stay as well.
    assert kept == {"ControlTable", "SecretsKey"}
    gone = {name for name, policy in policies.items() if policy == ("Delete", "Delete")}
    assert gone == {"AdminKeySecret", "AdminLogGroup", "CacheTable", "ProxyLogGroup"}
    assert kept | gone == set(policies)


def test_the_key_is_rotated() -> None:
    assert properties(translate(), "SecretsKey")["EnableKeyRotation"] is True


def test_the_admin_key_is_256_random_bits_under_the_stacks_prefix_and_key() -> None:
    secret = properties(translate(), "AdminKeySecret")
    assert secret["Name"] == {"Fn::Sub": "sabir/${AWS::StackName}/admin-key"}
    assert secret["KmsKeyId"] == {"Fn::GetAtt": ["SecretsKey", "Arn"]}
    generated = secret["GenerateSecretString"]
    assert generated == {"PasswordLength": 43, "ExcludePunctuation": True}
    # Letters and digits remain.
    assert 62 ** generated["PasswordLength"] >= 2**256


def test_outputs_tell_an_operator_where_the_admin_api_and_its_key_are() -> None:
    outputs = {name: output["Value"] for name, output in translate()["Outputs"].items()}
    assert outputs["AdminUrl"]["Fn::Sub"].startswith("https://${Api}.execute-api.")
    assert outputs["AdminUrl"]["Fn::Sub"].endswith("/${StageName}/admin")
    assert outputs["AdminKeySecretName"] == {"Fn::Sub": "sabir/${AWS::StackName}/admin-key"}
    assert outputs["ControlTableName"] == {"Ref": "ControlTable"}
    assert outputs["SecretsKeyArn"] == {"Fn::GetAtt": ["SecretsKey", "Arn"]}
