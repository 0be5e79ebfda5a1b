"""Where to send traces and metrics, in OpenTelemetry's own variables.

Rules: opentelemetry.io/docs/specs/otel, "Environment Variable Specification" and "OpenTelemetry Protocol Exporter". An
empty variable is one that is not set; what cannot be understood is named in `notes` and is as if not set. Only where
nothing would arrive then it is `Misconfigured`: an endpoint, its headers, and gRPC, which is not spoken here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from infra.settings import Misconfigured
from infra.telemetry.context import Sampler
from providers.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

Protocol: TypeAlias = Literal["http/protobuf", "http/json"]
Signal: TypeAlias = Literal["traces", "metrics"]

_PROTOCOLS: Final[dict[str, Protocol]] = {"http/protobuf": "http/protobuf", "http/json": "http/json"}
_DEFAULT_TIMEOUT_MS: Final = 10_000
_MOST_TIMEOUT_MS: Final = 2**31 - 1

VERSION: Final = "0.1.0"
_OURS: Final = {
    "service.name": "sabir",
    "service.version": VERSION,
    "telemetry.sdk.name": "sabir",
    "telemetry.sdk.language": "python",
    "telemetry.sdk.version": VERSION,
}

_SAMPLERS: Final[dict[str, Sampler]] = {
    "always_on": Sampler(1.0, parent_based=False),
    "always_off": Sampler(0.0, parent_based=False),
    "parentbased_always_on": Sampler(1.0),
    "parentbased_always_off": Sampler(0.0),
}
_BY_RATIO: Final = {"traceidratio": False, "parentbased_traceidratio": True}

# RFC 9110 §5.6.2 and §5.5.
_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-z]+")
_VALUE: Final = re.compile(r"[ -~]*")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where one signal goes. `timeout`: seconds for one export."""

    url: str
    headers: Mapping[str, Secret] = field(default_factory=dict)
    protocol: Protocol = "http/protobuf"
    timeout: float = _DEFAULT_TIMEOUT_MS / 1000
    gzip: bool = False


@dataclass(frozen=True, slots=True)
class Telemetry:
    """`resource`: what each export says of us. `notes`: what was not understood, by its variable, never its value."""

    traces: Destination | None
    metrics: Destination | None
    sampler: Sampler
    resource: Mapping[str, str]
    notes: tuple[str, ...] = ()


def read_telemetry(env: Mapping[str, str]) -> Telemetry | None:
    """None where nothing is to be sent. Raises `Misconfigured`."""
    reader = _Reader(env)
    if reader.flag("OTEL_SDK_DISABLED"):
        return None
    traces, metrics = reader.destination("traces"), reader.destination("metrics")
    if traces is None and metrics is None:
        return None
    sampler = reader.sampler() if traces else _SAMPLERS["always_off"]
    return Telemetry(traces, metrics, sampler, reader.resource(), tuple(reader.notes))


class _Reader:
    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = {name: value.strip() for name, value in env.items() if name.startswith(("OTEL_", "AWS_"))}
        self.notes: list[str] = []

    def flag(self, variable: str) -> bool:
        value = self._env.get(variable, "").lower()
        if value not in ("", "true", "false"):
            self._note(variable, "is neither true nor false, and so false")
        return value == "true"

    def destination(self, signal: Signal) -> Destination | None:
        if self._exported_nowhere(f"OTEL_{signal.upper()}_EXPORTER"):
            return None
        url = self._url(signal)
        if url is None:
            return None
        return Destination(
            url, self._headers(signal), self._protocol(signal), self._timeout(signal), self._gzip(signal)
        )

    def sampler(self) -> Sampler:
        variable = "OTEL_TRACES_SAMPLER"
        name = self._env.get(variable, "").lower()
        if name in _BY_RATIO:
            return Sampler(self._ratio(), parent_based=_BY_RATIO[name])
        if name and name not in _SAMPLERS:
            self._note(variable, "names no sampler that there is here; it is parentbased_always_on")
        return _SAMPLERS.get(name, Sampler())

    def resource(self) -> dict[str, str]:
        """What the operator says goes over what we know, and `OTEL_SERVICE_NAME` over both."""
        known = {**_OURS, **self._lambda()}
        variable = "OTEL_RESOURCE_ATTRIBUTES"
        try:
            known |= _pairs(self._env.get(variable, ""))
        except ValueError:
            self._note(variable, "is no list of name=value, and was left out")
        return known | ({"service.name": name} if (name := self._env.get("OTEL_SERVICE_NAME")) else {})

    def _lambda(self) -> dict[str, str]:
        """Resource detection's names (opentelemetry.io/docs/specs/semconv/resource/faas, …/cloud)."""
        name = self._env.get("AWS_LAMBDA_FUNCTION_NAME")
        if not name:
            return {}
        known = {
            "cloud.provider": "aws",
            "cloud.platform": "aws_lambda",
            "cloud.region": self._env.get("AWS_REGION", ""),
            "faas.name": name,
            "faas.version": self._env.get("AWS_LAMBDA_FUNCTION_VERSION", ""),
            "faas.instance": self._env.get("AWS_LAMBDA_LOG_STREAM_NAME", ""),
        }
        return {attribute: value for attribute, value in known.items() if value}

    def _exported_nowhere(self, variable: str) -> bool:
        """A list. Of the exporters that have a name there is one here, and `none`."""
        names = [each for name in self._env.get(variable, "").lower().split(",") if (each := name.strip())]
        unknown = [name for name in names if name not in ("otlp", "none")]
        if unknown:
            self._note(variable, "names an exporter that there is not here")
        return "none" in names and "otlp" not in names

    def _url(self, signal: Signal) -> str | None:
        """A signal's own URL is taken as it is; below the common one it has a path of its own."""
        variable = f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT"
        if own := self._env.get(variable):
            parts = _sound_url(own, variable)
            return own if parts else f"{own}/"
        variable = "OTEL_EXPORTER_OTLP_ENDPOINT"
        if not (base := self._env.get(variable)):
            return None
        if "?" in base or "#" in base:
            raise Misconfigured(f"{variable} must be a URL without query or fragment, as a path is added to it")
        _sound_url(base, variable)
        return f"{base.rstrip('/')}/v1/{signal}"

    def _headers(self, signal: Signal) -> dict[str, Secret]:
        variable, value = self._of_signal(signal, "HEADERS")
        try:
            pairs = {name.lower(): value for name, value in _pairs(value).items()}
        except ValueError:
            pairs = {"": ""}
        if not all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in pairs.items()):
            raise Misconfigured(f"{variable} must be name=value, separated by commas, and percent-encoded")
        return {name: Secret(value) for name, value in pairs.items()}

    def _protocol(self, signal: Signal) -> Protocol:
        variable, value = self._of_signal(signal, "PROTOCOL")
        value = value.lower()
        if value == "grpc":
            raise Misconfigured(f"{variable} is grpc, which Sabir does not speak: use http/protobuf or http/json")
        if value and value not in _PROTOCOLS:
            self._note(variable, "names no protocol; it is http/protobuf")
        return _PROTOCOLS.get(value, "http/protobuf")

    def _timeout(self, signal: Signal) -> float:
        """Seconds. The specification lets 0 be as long as one likes."""
        variable, value = self._of_signal(signal, "TIMEOUT")
        if value and not (value.isascii() and value.isdigit() and int(value) <= _MOST_TIMEOUT_MS):
            self._note(variable, f"is no number of milliseconds; it is {_DEFAULT_TIMEOUT_MS}")
            value = ""
        return (int(value or _DEFAULT_TIMEOUT_MS) or _MOST_TIMEOUT_MS) / 1000

    def _gzip(self, signal: Signal) -> bool:
        variable, value = self._of_signal(signal, "COMPRESSION")
        if value.lower() not in ("", "none", "gzip"):
            self._note(variable, "is neither gzip nor none; it is none")
        return value.lower() == "gzip"

    def _ratio(self) -> float:
        variable = "OTEL_TRACES_SAMPLER_ARG"
        value = self._env.get(variable) or "1"
        try:
            ratio = float(value)
        except ValueError:
            ratio = -1.0
        if 0 <= ratio <= 1:
            return ratio
        self._note(variable, "is no number from 0 to 1; it is 1")
        return 1.0

    def _of_signal(self, signal: Signal, what: str) -> tuple[str, str]:
        """The variable that decides, and its value: the signal's own takes the place of the common one."""
        own, common = f"OTEL_EXPORTER_OTLP_{signal.upper()}_{what}", f"OTEL_EXPORTER_OTLP_{what}"
        return (own, self._env[own]) if self._env.get(own) else (common, self._env.get(common, ""))

    def _note(self, variable: str, what: str) -> None:
        note = f"{variable} {what}"
        if note not in self.notes:
            self.notes.append(note)


def _sound_url(url: str, variable: str) -> str:
    """Its path. Raises `Misconfigured`: a name in the URL would be a secret where none is looked for."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
        sound = sound and (parts.port is None or parts.port > 0) and not any(each.isspace() for each in url)
    except ValueError:
        sound = False
    if not sound:
        raise Misconfigured(f"{variable} must be an http or https URL without a user")
    return parts.path or parts.query


def _pairs(text: str) -> dict[str, str]:
    """As in W3C Baggage, without properties: `name=value`, commas between, percent-encoded. Raises ValueError."""
    pairs: dict[str, str] = {}
    for member in text.split(","):
        if not member.strip():
            continue
        name, equals, value = member.partition("=")
        name = unquote(name.strip(), errors="strict")
        if not equals or not name:
            raise ValueError("no name=value")
        pairs[name] = unquote(value.strip(), errors="strict")
    return pairs
