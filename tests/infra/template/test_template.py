"""The proxy's part of the stack: its API, its function, its cache."""

from __future__ import annotations

import importlib
import re

import pytest

from infra.metrics.emf import emf_documents
from infra.requests.record import RequestRecord
from tests.infra.template.translated import ROOT, Json, only, properties, translate, variables


def integrations(template: Json) -> list[Json]:
    paths = only(template, "AWS::ApiGateway::RestApi")["Body"]["paths"]
    assert set(paths) == {"/", "/{proxy+}", "/admin/{proxy+}", "/admin-iam/{proxy+}"}
    methods = [paths[path]["x-amazon-apigateway-any-method"] for path in ("/", "/{proxy+}")]
    assert not any("security" in method for method in methods)
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
    assert "AWS_LAMBDA_EXEC_WRAPPER" not in variables(template, "ProxyFunction")


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
    template = translate(Architecture="x86_64", MemorySize="2048")
    function = properties(template, "ProxyFunction")
    assert (function["Runtime"], function["Handler"]) == ("python3.13", "handlers.proxy.handler")
    assert (function["Architectures"], function["MemorySize"], function["Timeout"]) == (["x86_64"], "2048", "900")
    assert (ROOT / "infra" / "bootstrap.sh").stat().st_mode & 0o111
    assert variables(template, "ProxyFunction") == {
        "AWS_LAMBDA_EXEC_WRAPPER": "/var/task/infra/bootstrap.sh",
        "SABIR_CACHE_TABLE": {"Ref": "CacheTable"},
        "SABIR_CONTROL_TABLE": {"Ref": "ControlTable"},
        "SABIR_SECRETS_PREFIX": {"Fn::Sub": "sabir/${AWS::StackName}/"},
        "SABIR_SERVICE": {"Ref": "AWS::StackName"},
        "SABIR_REQUEST_DAYS": "30",
    }


@pytest.mark.parametrize("function", ["ProxyFunction", "AdminFunction"])
@pytest.mark.parametrize("name", ["OpenAI", "Anthropic", "Perplexity"])
def test_a_base_url_is_set_only_where_an_operator_gives_one(name: str, function: str) -> None:
    """For the admin function too: a provider secret is tested where it will be used."""
    variable = f"{name.upper()}_BASE_URL"
    assert variable not in variables(translate(), function)
    chosen = translate(**{f"{name}BaseUrl": "https://llm.example/v1"})
    assert variables(chosen, function)[variable] == "https://llm.example/v1"


def test_traces_go_where_an_operator_says_with_headers_that_only_secrets_manager_holds() -> None:
    from infra.telemetry.settings import read_telemetry

    assert not any(name.startswith("OTEL_") for name in variables(translate(), "ProxyFunction"))
    chosen = translate(OtlpEndpoint="https://otlp.example/x", OtlpHeadersSecret="otlp-headers")
    env = variables(chosen, "ProxyFunction")
    headers = env.pop("OTEL_EXPORTER_OTLP_HEADERS")
    assert headers == {"Fn::Sub": "{{resolve:secretsmanager:${OtlpHeadersSecret}:SecretString}}"}
    found = read_telemetry({name: value for name, value in env.items() if name.startswith("OTEL_")})
    assert found is not None
    assert found.traces is not None
    assert (found.traces.url, found.traces.timeout) == ("https://otlp.example/x/v1/traces", 3.0)
    assert not any(name.startswith("OTEL_") for name in variables(chosen, "AdminFunction"))


def test_the_table_has_the_stores_key_and_lets_entries_expire() -> None:
    from cache.stores import dynamodb

    table = properties(translate(), "CacheTable")
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert table["AttributeDefinitions"] == [{"AttributeName": "id", "AttributeType": "B"}]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": False}
    # The store's own words for the same two attributes.
    assert "`id`" in (dynamodb.__doc__ or "")
    assert "`expires_at`" in (dynamodb.__doc__ or "")


def test_only_this_api_may_invoke_the_function() -> None:
    permission = properties(translate(), "ApiMayInvoke")
    assert permission["Action"] == "lambda:InvokeFunction"
    assert permission["FunctionName"] == {"Fn::GetAtt": ["ProxyFunction", "Arn"]}
    assert permission["SourceArn"]["Fn::Sub"].endswith(":${Api}/${StageName}/*")


def test_logs_are_kept_for_as_long_as_said_in_the_group_that_the_function_writes() -> None:
    template = translate(LogRetentionDays="7")
    assert properties(template, "ProxyLogGroup")["RetentionInDays"] == "7"
    logging = properties(template, "ProxyFunction")["LoggingConfig"]
    assert logging == {"LogGroup": {"Ref": "ProxyLogGroup"}, "LogFormat": "JSON", "ApplicationLogLevel": "INFO"}


def test_the_log_level_lets_a_requests_line_through_and_with_it_the_metrics() -> None:
    first, *_ = emf_documents(RequestRecord("0" * 32, "openai"), service="sabir")
    level = properties(translate(), "ProxyFunction")["LoggingConfig"]["ApplicationLogLevel"]
    assert first["level"] == level


def test_snapstart_is_off_unless_a_release_is_named() -> None:
    template = translate()
    assert "SnapStart" not in properties(template, "ProxyFunction")
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    assert not kinds & {"AWS::Lambda::Version", "AWS::Lambda::Alias"}


def test_with_snapstart_the_api_calls_the_published_version() -> None:
    template = translate(SnapStartRelease="2024-05-01")
    assert properties(template, "ProxyFunction")["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    # Another description replaces the version: that is what makes a deployment visible.
    assert only(template, "AWS::Lambda::Version")["Description"] == "2024-05-01"
    assert only(template, "AWS::Lambda::Alias")["FunctionVersion"] == {"Fn::GetAtt": ["ProxyVersion", "Version"]}
    assert properties(template, "ApiMayInvoke")["FunctionName"] == {"Ref": "ProxyAlias"}
    for integration in integrations(template):
        assert integration["uri"] == {"Fn::Sub": [STREAMING_URI, {"Arn": {"Ref": "ProxyAlias"}}]}


def test_outputs_tell_the_base_url_the_table_and_the_log_group() -> None:
    outputs = translate()["Outputs"]
    assert outputs["BaseUrl"]["Value"]["Fn::Sub"].startswith("https://${Api}.execute-api.")
    assert outputs["BaseUrl"]["Value"]["Fn::Sub"].endswith("/${StageName}/v1")
    assert outputs["CacheTableName"]["Value"] == {"Ref": "CacheTable"}
    assert outputs["LogGroupName"]["Value"] == {"Ref": "ProxyLogGroup"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # within SAM CLI and its libraries
def test_sam_local_finds_every_route() -> None:
    """In this process: `sam local start-api` itself needs a container engine."""
    stacks_of = importlib.import_module("samcli.lib.providers.sam_stack_provider").SamLocalStackProvider.get_stacks
    provider = importlib.import_module("samcli.lib.providers.api_provider").ApiProvider
    stacks, _ = stacks_of(str(ROOT / "template.yaml"))
    found = {(route.path, route.function_name) for route in provider(stacks).api.routes}
    assert found == {
        ("/", "ProxyFunction"),
        ("/{proxy+}", "ProxyFunction"),
        ("/admin/{proxy+}", "AdminFunction"),
        ("/admin-iam/{proxy+}", "AdminFunction"),
    }
