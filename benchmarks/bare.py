"""The floor: a bare Starlette route that reads the JSON it is sent and answers from memory, with nobody behind it.

It sends the very bytes that the simulator would send, in the same number of chunks, so what it costs is what Python's
ASGI stack costs for such an exchange. No proxy can cost less on it; the ratio says how much more ours does.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

ANSWERS = "BENCHMARK_ANSWERS"
"""Names a JSON file: by the value of the header `x-benchmark`, a list of the chunks to send (one: not streamed)."""


def application() -> Starlette:
    path = os.environ.get(ANSWERS)
    answers: dict[str, list[str]] = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    encoded = {name: [chunk.encode() for chunk in chunks] for name, chunks in answers.items()}

    async def answer(request: Request) -> Response:
        asked: dict[str, Any] = json.loads(await request.body())
        chunks = encoded.get(request.headers.get("x-benchmark", ""), [b"{}"])
        if asked.get("stream"):
            return StreamingResponse(_one_by_one(chunks), media_type="text/event-stream")
        return Response(chunks[0], media_type="application/json")

    return Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])


async def _one_by_one(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.bare", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    uvicorn.run(application(), host="127.0.0.1", port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
