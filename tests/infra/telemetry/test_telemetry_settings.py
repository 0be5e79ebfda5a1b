"""OpenTelemetry's own variables, by its own rules."""

from __future__ import annotations

import pytest

from infra.settings import Misconfigured
from infra.telemetry import is_wanted
from infra.telemetry.context import Sampler
from infra.telemetry.settings import Telemetry, read_telemetry

BASE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
P = "OTEL_EXPORTER_OTLP_"


def read(**env: str) -> Telemetry:
    found = read_telemetry({**BASE, **env})
    assert found is not None
    return found


def urls(env: dict[str, str]) -> tuple[str | None, str | None]:
    found = read_telemetry(env)
    assert found is not None
    traces, metrics = found.traces, found.metrics
    return traces.url if traces else None, metrics.url if metrics else None


@pytest.mark.parametrize(
    "env",
    [
        {}, {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, {"OTEL_SERVICE_NAME": "x"}, {**BASE, "OTEL_SDK_DISABLED": "True"},
        {**BASE, "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "None"},
    ],
)  # fmt: skip
def test_off_unless_somebody_said_where_to(env: dict[str, str]) -> None:
    assert read_telemetry(env) is None


def test_wanted_is_whatever_has_an_endpoint() -> None:
    assert not is_wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": "", "OTEL_SERVICE_NAME": "x"})
    for name in ("ENDPOINT", "TRACES_ENDPOINT", "METRICS_ENDPOINT"):
        assert is_wanted({P + name: "http://x"})


@pytest.mark.parametrize(
    ("env", "traces", "metrics"),
    [  # The specification's examples 1 to 3, and then some.
        ({P + "ENDPOINT": "http://collector:4318"},
         "http://collector:4318/v1/traces", "http://collector:4318/v1/metrics"),
        ({P + "TRACES_ENDPOINT": "http://collector:4318",
          P + "METRICS_ENDPOINT": "https://collector.example.com/v1/metrics"},
         "http://collector:4318/", "https://collector.example.com/v1/metrics"),
        ({P + "ENDPOINT": "http://collector:4318/mycollector/",
          P + "METRICS_ENDPOINT": "https://collector.example.com/v1/metrics/"},
         "http://collector:4318/mycollector/v1/traces", "https://collector.example.com/v1/metrics/"),
        ({P + "TRACES_ENDPOINT": "http://c/x?token=1"}, "http://c/x?token=1", None),
        ({P + "ENDPOINT": " http://[::1]:4318 ", "OTEL_TRACES_EXPORTER": "none"}, None, "http://[::1]:4318/v1/metrics"),
        ({P + "ENDPOINT": "http://c", "OTEL_METRICS_EXPORTER": "otlp,none"}, "http://c/v1/traces", "http://c/v1/metrics"),
    ],
)  # fmt: skip
def test_urls(env: dict[str, str], traces: str | None, metrics: str | None) -> None:
    assert urls(env) == (traces, metrics)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENDPOINT", "collector:4318"), ("ENDPOINT", "grpc://c:4317"), ("ENDPOINT", "http://"),
        ("ENDPOINT", "http://user:geheim@c"), ("ENDPOINT", "http://c:geheim"), ("ENDPOINT", "http://c?geheim"),
        ("TRACES_ENDPOINT", "http://c/ geheim"), ("METRICS_ENDPOINT", "geheim"),
        ("HEADERS", "geheim"), ("HEADERS", "a b=geheim"), ("HEADERS", "a=geheim%0d%0a"), ("HEADERS", "a=geheim%ff"),
        ("TRACES_HEADERS", "=geheim"), ("HEADERS", "a=geheimü"), ("PROTOCOL", "grpc"), ("METRICS_PROTOCOL", "GRPC"),
    ],
)  # fmt: skip
def test_where_nothing_would_arrive_it_is_misconfigured(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=P + name) as caught:
        read(**{P + name: value})
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization=Bearer%20a%2Cb%3D", {"authorization": "Bearer a,b="}),
        ("Authorization=Bearer abc", {"authorization": "Bearer abc"}),
        (" a = 1 ,, b=2=3 ,", {"a": "1", "b": "2=3"}),
        ("x-bt-parent=project_name:My%20project", {"x-bt-parent": "project_name:My project"}),
        ("", {}),
    ],
)
def test_headers_are_percent_decoded_and_secret(text: str, expected: dict[str, str]) -> None:
    found = read(OTEL_EXPORTER_OTLP_HEADERS=text)
    assert found.traces is not None
    assert {name: value.reveal() for name, value in found.traces.headers.items()} == expected
    assert "Bearer" not in repr(found)


def test_a_signals_own_variable_takes_the_place_of_the_common_one() -> None:
    found = read(**{
        P + "HEADERS": "a=1,b=2", P + "TRACES_HEADERS": "c=3", P + "PROTOCOL": "http/json",
        P + "METRICS_PROTOCOL": "http/protobuf", P + "TIMEOUT": "2000", P + "TRACES_TIMEOUT": "500",
        P + "COMPRESSION": "gzip", P + "METRICS_COMPRESSION": "none",
    })  # fmt: skip
    assert found.traces is not None
    assert found.metrics is not None
    assert (set(found.traces.headers), set(found.metrics.headers)) == ({"c"}, {"a", "b"})
    assert (found.traces.protocol, found.metrics.protocol) == ("http/json", "http/protobuf")
    assert (found.traces.timeout, found.metrics.timeout) == (0.5, 2.0)
    assert (found.traces.gzip, found.metrics.gzip) == (True, False)
    assert found.notes == ()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        (P + "PROTOCOL", "http/xml"), (P + "TIMEOUT", "soon"), (P + "TIMEOUT", "-1"), (P + "TIMEOUT", "1.5"),
        (P + "TIMEOUT", "9" * 99), (P + "COMPRESSION", "zstd"), ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_METRICS_EXPORTER", "prometheus"), ("OTEL_SDK_DISABLED", "yes"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a"), ("OTEL_RESOURCE_ATTRIBUTES", "a=1,b=%ff"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_named_and_as_if_not_set(variable: str, value: str) -> None:
    found = read(**{variable: value})
    (note,) = found.notes
    assert note.startswith(f"{variable} ")
    assert value not in note or value == "a"
    plain = read()
    assert (found.traces, found.metrics, found.sampler, found.resource) == (
        plain.traces, plain.metrics, plain.sampler, plain.resource)  # fmt: skip


def test_a_timeout_of_zero_is_as_long_as_one_likes() -> None:
    found = read(OTEL_EXPORTER_OTLP_TIMEOUT="0").traces
    assert found is not None
    assert found.timeout > 24 * 3600


@pytest.mark.parametrize(
    ("name", "arg", "expected", "notes"),
    [
        ("", "0.5", Sampler(1.0), 0), ("Always_On", "", Sampler(1.0, parent_based=False), 0),
        ("always_off", "", Sampler(0.0, parent_based=False), 0), ("parentbased_always_off", "", Sampler(0.0), 0),
        ("traceidratio", "0.25", Sampler(0.25, parent_based=False), 0),
        ("parentbased_traceidratio", "0.25", Sampler(0.25), 0), ("parentbased_traceidratio", "", Sampler(1.0), 0),
        ("traceidratio", "2", Sampler(1.0, parent_based=False), 1), ("traceidratio", "nan", Sampler(1.0, parent_based=False), 1),
        ("traceidratio", "a", Sampler(1.0, parent_based=False), 1),
    ],
)  # fmt: skip
def test_samplers(name: str, arg: str, expected: Sampler, notes: int) -> None:
    found = read(OTEL_TRACES_SAMPLER=name, OTEL_TRACES_SAMPLER_ARG=arg)
    assert (found.sampler, len(found.notes)) == (expected, notes)


def test_metrics_alone_begin_no_trace() -> None:
    found = read_telemetry({P + "METRICS_ENDPOINT": "http://c/m", "OTEL_TRACES_SAMPLER": "always_on"})
    assert found is not None
    assert found.traces is None
    assert not found.sampler.takes("f" * 32)


def test_the_resource_is_ours_the_functions_and_the_operators_in_this_order() -> None:
    lambda_ = {"AWS_LAMBDA_FUNCTION_NAME": "proxy", "AWS_REGION": "eu-west-1", "AWS_LAMBDA_LOG_STREAM_NAME": "s"}
    found = read(**lambda_, OTEL_RESOURCE_ATTRIBUTES="cloud.region=elsewhere,service.name=a,team=x%2Cy").resource
    assert (found["faas.name"], found["faas.instance"], found["cloud.region"]) == ("proxy", "s", "elsewhere")
    assert (found["service.name"], found["team"]) == ("a", "x,y")
    assert "faas.version" not in found
    named = read(OTEL_SERVICE_NAME="b", OTEL_RESOURCE_ATTRIBUTES="service.name=a").resource
    assert named["service.name"] == "b"
    assert read().resource["service.name"] == "sabir"
    assert "faas.name" not in read().resource
