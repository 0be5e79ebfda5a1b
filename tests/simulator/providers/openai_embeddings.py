"""OpenAI's embeddings: a vector that depends on its input and on nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from typing import TYPE_CHECKING, Any

from tests.simulator.providers.base import Refused, parse_json
from tests.simulator.reply import Piece, Reply

if TYPE_CHECKING:
    from tests.simulator.ledger import Seen

PATH = "/v1/embeddings"
SIZES = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
_FORMATS = ("float", "base64")


def reply(seen: Seen) -> Reply:
    """Raises `Refused`."""
    if not seen.headers.get("authorization", "").startswith("Bearer "):
        raise Refused(401, "invalid_request_error", "You didn't provide an API key.", code="invalid_api_key")
    body = parse_json(seen.request.body)
    if not isinstance(body, dict) or body.get("model") not in SIZES:
        raise Refused(404, "invalid_request_error", "The model does not exist.", code="model_not_found")
    wanted = body.get("encoding_format", "float")
    if wanted not in _FORMATS:
        raise Refused(400, "invalid_request_error", f"Supported values: {', '.join(_FORMATS)}.")
    inputs = inputs_of(body["input"])
    vectors = [vector_of(each, body.get("dimensions") or SIZES[body["model"]]) for each in inputs]
    tokens = sum(len(each) if isinstance(each, list) else max(1, len(each) // 4) for each in inputs)
    answer = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": vector if wanted == "float" else packed(vector)}
            for index, vector in enumerate(vectors)
        ],
        "model": body["model"],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    headers = (("content-type", "application/json"), ("x-request-id", f"req_{seen.number}"))
    return Reply(200, headers, (Piece((json.dumps(answer, indent=2) + "\n").encode()),), streamed=False)


def inputs_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) and not isinstance(value[0], int) else [value]


def vector_of(text: Any, size: int) -> list[float]:
    """float32 values between -0.1 and 0.1, as JSON has them: with the digits that tell them apart."""
    stream = hashlib.shake_128(json.dumps(text).encode()).digest(2 * size)
    return [round((number - 32768) / 327680, 7) for number in struct.unpack(f"<{size}H", stream)]


def packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
