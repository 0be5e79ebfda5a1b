"""`logprobsResult` to the `logprobs` of an OpenAI choice."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from providers.jsonwalk import children, text

if TYPE_CHECKING:
    from providers.jsonwalk import Json, JsonObject


def parse_logprobs(result: JsonObject) -> JsonObject:
    """Google gives the chosen tokens and the likeliest ones as two lists, step by step."""
    nothing: JsonObject = {}
    steps = zip_longest(children(result, "chosenCandidates"), children(result, "topCandidates"), fillvalue=nothing)
    content: list[Json] = []
    for chosen, top in steps:
        if chosen:
            likeliest: list[Json] = [_token(other) for other in children(top, "candidates")]
            content.append({**_token(chosen), "top_logprobs": likeliest})
    return {"logprobs": {"content": content}}


def _token(candidate: JsonObject) -> JsonObject:
    """A probability of 1, whose logarithm is 0, is left out by Google's JSON."""
    token = text(candidate, "token") or ""
    probability = candidate.get("logProbability")
    return {
        "token": token,
        "logprob": probability if isinstance(probability, int | float) else 0.0,
        "bytes": [*token.encode("utf-8", "surrogatepass")],
    }
