"""The file of a case: the fields of a recorded exchange, the question in OpenAI's dialect, and the sizes of the chunks."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.recorder.scrub import found, headers_scrubbed, scrubbed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.base import UpstreamRequest

CASES: Final = Path(__file__).parents[1] / "wire" / "cases"


class SecretFound(Exception):
    """Something that is nobody else's would be in the file; there is none."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """`address`: where the environment sent it, and `home`, the provider's own. `headers`: lower-case names."""

    provider: str
    wire: str
    asked: dict[str, Any]
    request: UpstreamRequest
    address: str
    home: str
    status: int
    headers: Mapping[str, str]
    chunks: tuple[bytes, ...]


def path_of(folder: Path, provider: str, case: str) -> Path:
    return folder / provider / f"{case}.json"


def written(path: Path) -> dict[str, Any] | None:
    """The question of a case that is there already."""
    return dict(json.loads(path.read_text(encoding="utf-8"))["asked"]) if path.exists() else None


def keep(path: Path, exchange: Exchange, secrets: frozenset[str]) -> None:
    """Writes the file, or raises `SecretFound` and writes nothing."""
    case = _case(exchange, secrets)
    text = json.dumps(case, ensure_ascii=False, indent=1) + "\n"
    encoded = case["response"].get("body_base64", "")
    if found(secrets, text.encode(), base64.b64decode(encoded)):
        raise SecretFound(f"A secret of the environment is still in what {exchange.provider} said; nothing is written.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _case(exchange: Exchange, secrets: frozenset[str]) -> dict[str, Any]:
    kind = exchange.headers.get("content-type", "")
    framing = "sse" if "event-stream" in kind else "aws-eventstream" if "eventstream" in kind else "json"
    body = b"".join(exchange.chunks)
    clean = body if framing == "aws-eventstream" else scrubbed(body, secrets)
    request = exchange.request
    sent = scrubbed(request.body, secrets).decode()
    return {
        "provider": exchange.provider,
        "api": "chat",
        "wire": exchange.wire,
        "model": exchange.asked.get("model"),
        "stream": bool(exchange.asked.get("stream")),
        "framing": framing,
        "fidelity": "verbatim" if clean == body else "scrubbed",
        "tags": [] if exchange.status < 400 else ["error"],
        "asked": exchange.asked,
        "request": {
            "method": request.method,
            "url": scrubbed(_at_home(exchange).encode(), secrets).decode(),
            "headers": {name: value for name, value in request.headers.items() if not name.startswith("openai-")},
            "body": json.loads(sent),
        },
        "response": {
            "status": exchange.status,
            "headers": headers_scrubbed(exchange.headers, secrets),
            "chunks": [len(chunk) for chunk in exchange.chunks],
            **_body(clean),
        },
    }


def _at_home(exchange: Exchange) -> str:
    return exchange.home + exchange.request.url.removeprefix(exchange.address)


def _body(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}
