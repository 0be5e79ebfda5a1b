"""The template as CloudFormation gets it: SAM's translator runs here, and the conditions are decided for parameters.

SAM accepts some wrong spellings in silence (its own words for streaming differ from CloudFormation's), so what counts
is the translated template.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[3]

Json = Any


def parameters(template: Json, **chosen: str) -> dict[str, str]:
    defaults = {name: str(spec["Default"]) for name, spec in template["Parameters"].items()}
    assert chosen.keys() <= defaults.keys()
    return {**defaults, **chosen}


def translate(**chosen: str) -> Json:
    """Translated, with every condition decided; what AWS alone knows stays as it is written."""
    template = yaml_parse((ROOT / "template.yaml").read_text())
    # Where `sam build` puts a bundle, `sam deploy` puts an address in S3.
    template["Resources"]["ProxyFunction"]["Properties"]["CodeUri"] = "s3://bucket/key"
    values = parameters(template, **chosen)
    session = boto3.Session(region_name="eu-west-1")
    translator = Translator({}, Parser(), boto_session=session)
    translated = translator.translate(template, values)
    decided = {name: condition(rule, values) for name, rule in translated["Conditions"].items()}
    resources = {
        name: resource
        for name, resource in translated["Resources"].items()
        if decided.get(resource.get("Condition", ""), True)
    }
    return resolve({**translated, "Resources": resources}, decided, values)


def condition(rule: Json, values: dict[str, str]) -> bool:
    match rule:
        case {"Fn::Not": [inner]}:
            return not condition(inner, values)
        case {"Fn::Equals": [{"Ref": name}, other]}:
            return bool(values[name] == other)
        case _:
            raise AssertionError(f"a condition that this test cannot decide: {rule}")


NOTHING = object()


def resolve(node: Json, decided: dict[str, bool], values: dict[str, str]) -> Json:
    match node:
        case {"Fn::If": [name, yes, no]}:
            return resolve(yes if decided[name] else no, decided, values)
        case {"Ref": "AWS::NoValue"}:
            return NOTHING
        case {"Ref": name} if name in values:
            return values[name]
        case dict():
            entries = {key: resolve(value, decided, values) for key, value in node.items()}
            return {key: value for key, value in entries.items() if value is not NOTHING}
        case list():
            return [resolve(item, decided, values) for item in node]
        case _:
            return node


def only(template: Json, kind: str) -> Json:
    found = [resource for resource in template["Resources"].values() if resource["Type"] == kind]
    assert len(found) == 1, f"{len(found)} resources of type {kind}"
    return found[0]["Properties"]


def integrations(template: Json) -> list[Json]:
    paths = only(template, "AWS::ApiGateway::RestApi")["Body"]["paths"]
    assert set(paths) == {"/", "/{proxy+}"}
    methods = [path["x-amazon-apigateway-any-method"] for path in paths.values()]
    return [method["x-amazon-apigateway-integration"] for method in methods]


STREAMING_URI = (
    "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2021-11-15/functions/${Arn}"
    "/response-streaming-invocations"
)
BUFFERED_URI = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Arn}/invocations"


def test_every_path_streams_for_up_to_fifteen_minutes() -> None:
    for integration in integrations(translate()):
        assert integration["type"] == "aws_proxy"
        assert integration["httpMethod"] == "POST"
        assert integration["responseTransferMode"] == "STREAM"
        assert integration["timeoutInMillis"] == 900_000
        assert integration["uri"] == {"Fn::Sub": [STREAMING_URI, {"Arn": {"Fn::GetAtt": ["ProxyFunction", "Arn"]}}]}


def test_buffered_mode_turns_the_api_and_the_wrapper_together() -> None:
    template = translate(ResponseMode="buffered")
    for integration in integrations(template):
        assert integration["responseTransferMode"] == "BUFFERED"
        # API Gateway's limit for an answer that it buffers.
        assert integration["timeoutInMillis"] == 29_000
        assert integration["uri"] == {"Fn::Sub": [BUFFERED_URI, {"Arn": {"Fn::GetAtt": ["ProxyFunction", "Arn"]}}]}
    variables = only(template, "AWS::Lambda::Function")["Environment"]["Variables"]
    assert "AWS_LAMBDA_EXEC_WRAPPER" not in variables


def test_the_api_is_regional_and_takes_binary_bodies_and_logs_none() -> None:
    template = translate()
    api, stage = only(template, "AWS::ApiGateway::RestApi"), only(template, "AWS::ApiGateway::Stage")
    assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert api["Body"]["x-amazon-apigateway-binary-media-types"] == ["*/*"]
    assert stage["StageName"] == "prod"
    assert [setting["DataTraceEnabled"] for setting in stage["MethodSettings"]] == [False]
    assert [setting["LoggingLevel"] for setting in stage["MethodSettings"]] == ["OFF"]


def test_api_gateways_own_errors_have_openais_shape() -> None:
    responses = only(translate(), "AWS::ApiGateway::RestApi")["Body"]["x-amazon-apigateway-gateway-responses"]
    assert set(responses) == {"DEFAULT_4XX", "DEFAULT_5XX"}
    for response in responses.values():
        # messageString is a JSON string with its quotes; responseType is bare.
        text = response["responseTemplates"]["application/json"]
        text = text.replace("$context.error.messageString", '"m"').replace("$context.error.responseType", "T")
        assert re.fullmatch(
            r'\{"error": \{"message": "m", "type": "[a-z_]+", "param": null, "code": "T"\}\}', " ".join(text.split())
        )


def test_the_function_is_what_the_bundle_is_built_for() -> None:
    function = only(translate(Architecture="x86_64", MemorySize="2048"), "AWS::Lambda::Function")
    assert (function["Runtime"], function["Handler"]) == ("python3.13", "handlers.proxy.handler")
    assert (function["Architectures"], function["MemorySize"], function["Timeout"]) == (["x86_64"], "2048", "900")
    variables = function["Environment"]["Variables"]
    assert variables["AWS_LAMBDA_EXEC_WRAPPER"] == "/var/task/infra/bootstrap.sh"
    assert (ROOT / "infra" / "bootstrap.sh").stat().st_mode & 0o111
    assert variables["SABIR_CACHE_TABLE"] == {"Ref": "CacheTable"}


@pytest.mark.parametrize("name", ["OpenAI", "Anthropic", "Perplexity"])
def test_a_base_url_is_set_only_where_an_operator_gives_one(name: str) -> None:
    variable = f"{name.upper()}_BASE_URL"
    assert variable not in only(translate(), "AWS::Lambda::Function")["Environment"]["Variables"]
    chosen = translate(**{f"{name}BaseUrl": "https://llm.example/v1"})
    assert only(chosen, "AWS::Lambda::Function")["Environment"]["Variables"][variable] == "https://llm.example/v1"


def test_the_table_has_the_stores_key_and_lets_entries_expire() -> None:
    from cache.stores import dynamodb

    table = only(translate(), "AWS::DynamoDB::Table")
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert table["AttributeDefinitions"] == [{"AttributeName": "id", "AttributeType": "B"}]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": False}
    # The store's own words for the same two attributes.
    assert "`id`" in (dynamodb.__doc__ or "")
    assert "`expires_at`" in (dynamodb.__doc__ or "")


def test_the_role_allows_just_what_the_code_calls_and_names_no_wildcard() -> None:
    template = translate()
    role = only(template, "AWS::IAM::Role")
    assert "ManagedPolicyArns" not in role
    statements = [s for policy in role["Policies"] for s in policy["PolicyDocument"]["Statement"]]
    granted = {(action, str(s["Resource"])) for s in statements for action in s["Action"]}
    table, log = {"Fn::GetAtt": ["CacheTable", "Arn"]}, {"Fn::GetAtt": ["ProxyLogGroup", "Arn"]}
    assert granted == {
        ("dynamodb:BatchGetItem", str(table)),
        ("dynamodb:GetItem", str(table)),
        ("dynamodb:PutItem", str(table)),
        ("logs:CreateLogStream", str(log)),
        ("logs:PutLogEvents", str(log)),
    }
    assert "*" not in str(granted)
    store = (ROOT / "cache" / "stores" / "dynamodb.py").read_text()
    calls = set(re.findall(r'_send\(\s*"(\w+)"', store))
    assert {f"dynamodb:{call}" for call in calls} == {action for action, _ in granted if "dynamodb" in action}


def test_only_this_api_may_invoke_the_function() -> None:
    permission = only(translate(), "AWS::Lambda::Permission")
    assert permission["Action"] == "lambda:InvokeFunction"
    assert permission["FunctionName"] == {"Fn::GetAtt": ["ProxyFunction", "Arn"]}
    assert permission["SourceArn"]["Fn::Sub"].endswith(":${Api}/${StageName}/*")


def test_logs_are_kept_for_as_long_as_said_in_the_group_that_the_function_writes() -> None:
    template = translate(LogRetentionDays="7")
    assert only(template, "AWS::Logs::LogGroup")["RetentionInDays"] == "7"
    logging = only(template, "AWS::Lambda::Function")["LoggingConfig"]
    assert logging == {"LogGroup": {"Ref": "ProxyLogGroup"}, "LogFormat": "JSON"}


def test_snapstart_is_off_unless_a_release_is_named() -> None:
    template = translate()
    assert "SnapStart" not in only(template, "AWS::Lambda::Function")
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    assert not kinds & {"AWS::Lambda::Version", "AWS::Lambda::Alias"}


def test_with_snapstart_the_api_calls_the_published_version() -> None:
    template = translate(SnapStartRelease="2024-05-01")
    assert only(template, "AWS::Lambda::Function")["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    # Another description replaces the version: that is what makes a deployment visible.
    assert only(template, "AWS::Lambda::Version")["Description"] == "2024-05-01"
    assert only(template, "AWS::Lambda::Alias")["FunctionVersion"] == {"Fn::GetAtt": ["ProxyVersion", "Version"]}
    assert only(template, "AWS::Lambda::Permission")["FunctionName"] == {"Ref": "ProxyAlias"}
    for integration in integrations(template):
        assert integration["uri"] == {"Fn::Sub": [STREAMING_URI, {"Arn": {"Ref": "ProxyAlias"}}]}


def test_outputs_tell_the_base_url_the_table_and_the_log_group() -> None:
    outputs = translate()["Outputs"]
    assert outputs["BaseUrl"]["Value"]["Fn::Sub"].startswith("https://${Api}.execute-api.")
    assert outputs["BaseUrl"]["Value"]["Fn::Sub"].endswith("/${StageName}/v1")
    assert outputs["CacheTableName"]["Value"] == {"Ref": "CacheTable"}
    assert outputs["LogGroupName"]["Value"] == {"Ref": "ProxyLogGroup"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # within SAM CLI and its libraries
def test_sam_local_finds_both_routes() -> None:
    """In this process: `sam local start-api` itself needs a container engine."""
    stacks_of = importlib.import_module("samcli.lib.providers.sam_stack_provider").SamLocalStackProvider.get_stacks
    provider = importlib.import_module("samcli.lib.providers.api_provider").ApiProvider
    stacks, _ = stacks_of(str(ROOT / "template.yaml"))
    found = {(route.path, route.function_name) for route in provider(stacks).api.routes}
    assert found == {("/", "ProxyFunction"), ("/{proxy+}", "ProxyFunction")}
