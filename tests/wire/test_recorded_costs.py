"""What the log says an answer used and cost is what its provider reported, at the list's price, bucket by bucket.

The judge is genai-prices itself: its own reader of the recorded body (`extract_usage`), and its own sum.
"""

from __future__ import annotations

import json
from collections import ChainMap, Counter
from datetime import UTC, datetime
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, Any, Final

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices import calc_price, extract_usage
from genai_prices.data import providers as SOURCE  # noqa: N812 - the data set, not a module

from handlers.estimates import ChatEstimate
from handlers.metering import Meter
from handlers.tab import Tab
from infra.requests.record import BUCKETS, RequestRecord
from providers import registry
from providers.completion import unfold
from providers.dialects import openai
from providers.routing.endpoint import Endpoint
from providers.routing.serving import Leg
from providers.secret import Secret
from providers.usage import Usage
from tests.wire.recordings import cases, recordings

if TYPE_CHECKING:
    from tests.wire.recordings import Recording

AT: Final = 1_795_478_400  # 2026-11-24T00:00:00Z
CHAT: Final = openai.DIALECT.parse(b'{"model": "x", "messages": [{"role": "user", "content": "x"}]}')

# Ours, theirs, and the flavour of their reader.
FAMILIES: Final[dict[tuple[str, str], tuple[str, str]]] = {
    ("openai", "openai-chat"): ("openai", "chat"),
    ("azure", "openai-chat"): ("azure", "chat"),
    ("deepseek", "openai-chat"): ("deepseek", "chat"),
    ("groq", "openai-chat"): ("groq", "default"),
    ("mistral", "openai-chat"): ("mistral", "default"),
    ("moonshot", "openai-chat"): ("moonshotai", "chat"),
    ("cerebras", "openai-chat"): ("cerebras", "chat"),
    ("xai", "openai-chat"): ("x-ai", "chat"),
    ("openrouter", "openai-chat"): ("openrouter", "chat"),
    ("zai", "openai-chat"): ("zai", "chat"),
    ("anthropic", "anthropic-messages"): ("anthropic", "default"),
    ("google", "generateContent"): ("google", "default"),
    ("bedrock", "converse"): ("aws", "default"),
    ("cohere", "cohere-v2"): ("cohere", "default"),
}


def wanted(recording: Recording) -> bool:
    """Whole, or a stream of JSON events with the provider's own count at its end."""
    known = (recording.provider, recording.wire) in FAMILIES and recording.status == 200
    return known and not (recording.stream and not recording.streamed) and reported(recording) is not None


def answers_in(recording: Recording) -> list[dict[str, Any]]:
    """The JSON of the body, or of each event of a stream."""
    text = recording.body.decode("utf-8", "replace")
    if recording.streamed:
        lines = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
        return [json.loads(line) for line in lines if line.startswith("{")]
    return [json.loads(text)]


def reported(recording: Recording) -> dict[str, Any] | None:
    """The body as their reader takes it: of a stream, the last word on each count."""
    told = answers_in(recording)
    if any("error" in each for each in told):
        return None
    if recording.wire == "anthropic-messages" and recording.streamed:
        first = next(each["message"] for each in told if each.get("type") == "message_start")
        later = [each["usage"] for each in told if each.get("type") == "message_delta"]
        return {"model": first["model"], "usage": {**first["usage"], **(later[-1] if later else {})}}
    member = {"generateContent": "usageMetadata"}.get(recording.wire, "usage")
    usages = [found for each in told if (found := _usage_in(each, member))]
    # A later count goes over an earlier one, and a count that is not repeated still stands (Gemini).
    return {**told[-1], "model": recording.model, member: dict(ChainMap(*reversed(usages)))} if usages else None


def _usage_in(answer: dict[str, Any], member: str) -> Any:
    """Cohere says it in the last delta, Groq beside the chunk, Moonshot in the choice."""
    choices = answer.get("choices") or [{}]
    places = (answer, answer.get("delta") or {}, answer.get("x_groq") or {}, choices[0])
    return next((place[member] for place in places if place.get(member)), None)


def noted(recording: Recording) -> RequestRecord:
    """What the log would say of this answer: the way of `handlers.exchange`, without its network."""
    provider, meter = registry.find(recording.provider), Meter()
    if recording.streamed:
        stream = provider.stream()
        meter.read([*stream.feed(recording.body), *stream.close()])
    else:
        meter.read(unfold(provider.response(recording.body)))
    tab = Tab(ChatEstimate(CHAT), AT)
    leg = Leg(Endpoint("x", recording.provider, Secret("x")), recording.provider, recording.model)
    tab.add(leg, lambda: meter.usage(CHAT))
    record = RequestRecord("id", "d")
    tab.note(record)
    return record


def theirs_of(recording: Recording) -> tuple[TheirUsage, int | None]:
    """Their count and their sum in nano-dollars; no sum for a model that they do not list."""
    body = reported(recording)
    assert body is not None
    provider, flavour = FAMILIES[recording.provider, recording.wire]
    # Counts are read alike for all models of a provider; theirs has to be one that they list.
    theirs = next(each for each in SOURCE if each.id == provider)
    known = next(model.id for model in theirs.models if theirs.find_model(model.id) is not None)
    read = extract_usage({**body, "model": known}, provider_id=provider, api_flavor=flavour)
    try:
        price = calc_price(
            read.usage,
            recording.model,
            provider_id=provider,
            genai_request_timestamp=datetime.fromtimestamp(AT, tz=UTC),
        )
    except LookupError:
        return read.usage, None
    return read.usage, ceil(price.total_price * 10**9)


def told_nano_usd(recording: Recording) -> int | None:
    """The cost that the provider itself tells: it is what is billed, discounts and searches included."""
    usage = (reported(recording) or {}).get("usage") or {}
    if recording.provider == "xai" and "cost_in_usd_ticks" in usage:
        return ceil(Decimal(usage["cost_in_usd_ticks"]) / 10)
    if recording.provider == "openrouter" and usage.get("cost"):
        return ceil(Decimal(repr(usage["cost"])) * 10**9)
    return None


# Where the judge reads less than is there, or nothing: what it misses, and what we say.
ARGUED: Final = {
    "google/genai--gemini-gemini-flash-lite-latest-thinking-genstreammultimodal-document-pdf-url": (
        "Gemini left promptTokenCount out; it is what the total has beyond the answer",
        Usage(input=575, output=1, reasoning=116),
    ),
    "google/genai--gemini-gemini-pro-latest-thinking-genstreammultimodal-document-pdf-url": (
        "likewise",
        Usage(input=575, output=1, reasoning=117),
    ),
    "moonshot/vercel--moonshotai-moonshotai-reasoning": (
        "Moonshot says cached_tokens beside the others and not in their details",
        Usage(input=10, cache_read=10, output=8, reasoning=22),
    ),
    "azure/rubyllm--chat-streaming-responses-azure-grok-4-1-fast-non-reasoning-supports-streaming-responses": (
        "161 cached tokens of a prompt that has 7: more than all of it cannot have been read",
        Usage(input=0, cache_read=7),
    ),
    "azure/rubyllm--ng-azure-grok-4-1-fast-non-reasoning-can-handle-multiple-tool-calls-in-a-single-response.02": (
        "likewise",
        Usage(input=0, cache_read=298),
    ),
}


@pytest.mark.parametrize("recording", cases(lambda each: wanted(each) and each.name not in ARGUED))
def test_a_recorded_answer_costs_what_its_provider_counted_at_the_lists_price(recording: Recording) -> None:
    usage, listed = theirs_of(recording)
    record = noted(recording)
    assert record.usage is not None
    assert not record.usage_estimated
    if recording.wire != "cohere-v2":  # which counts one number of tokens and bills another
        assert (record.usage.prompt, record.usage.completion) == (usage.input_tokens or 0, usage.output_tokens or 0)
    told = told_nano_usd(recording)
    if told is not None or listed is not None:
        assert record.cost_nano_usd == (listed if told is None else told)


@pytest.mark.parametrize("recording", cases(lambda each: each.name in ARGUED))
def test_what_the_judge_does_not_read_is_argued(recording: Recording) -> None:
    _, expected = ARGUED[recording.name]
    used = noted(recording).usage
    assert used is not None
    said = {name: value for name in BUCKETS if (value := getattr(expected, name)) is not None}
    assert {name: getattr(used, name) for name in said} == said


def test_every_kind_of_token_was_among_them() -> None:
    """Else the tests above would have compared nothing but plain text."""
    found: Counter[str] = Counter()
    for recording in filter(wanted, recordings()):
        used = noted(recording).usage
        found.update(f"{recording.wire} {name}" for name in BUCKETS if used is not None and getattr(used, name))
    assert {name for name, count in found.items() if count} >= {
        "openai-chat cache_read", "openai-chat reasoning", "openai-chat audio_input",
        "anthropic-messages cache_read", "anthropic-messages cache_write",
        "generateContent cache_read", "generateContent reasoning", "generateContent audio_input",
        "cohere-v2 cache_read", "converse input",
    }, found  # fmt: skip
