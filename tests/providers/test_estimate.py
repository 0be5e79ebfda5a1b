"""What is reserved: a likely count of tokens, and a bound that no usage of the request can exceed."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from providers.chat import Assistant, Reasoning, Source
from providers.cost import cost
from providers.dialects.openai import DIALECT
from providers.estimate import conditions, nano_usd_bound, tokens
from providers.prices import ModelInfo, Price, Rate, price_of
from providers.usage import Usage

NOW = 1_795_478_400  # 2026-11-24T00:00:00Z
WORDS = "The quick brown fox jumps over the lazy dog. "


def ask(*contents: Any, **members: Any) -> Any:
    messages = [{"role": "user", "content": content} for content in contents]
    return DIALECT.parse(json.dumps({"model": "m", "messages": messages, **members}).encode())


def sold(**rates: str | Rate) -> ModelInfo:
    price = Price({unit: Rate(Decimal(rate)) if isinstance(rate, str) else rate for unit, rate in rates.items()})
    return ModelInfo("host", "model", None, False, (price,), (), "test 1")


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def file(data: str) -> dict[str, Any]:
    return {"type": "file", "file": {"file_data": data}}


def audio(data: str, form: str) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": data, "format": form}}


# -- tokens -----------------------------------------------------------------------------------------------------------


def test_text_counts_a_token_for_four_bytes_and_four_tokens_for_a_message() -> None:
    assert tokens(ask("x" * 401, max_tokens=0), 50) == 101 + 4
    assert tokens(ask("é" * 200, max_tokens=0), 50) == 100 + 4
    assert tokens(ask("x" * 200, "x" * 200, max_tokens=0), 50) == 100 + 8
    assert (
        tokens(ask([{"type": "text", "text": "x" * 200}, {"type": "text", "text": "x" * 200}], max_tokens=0), 50) == 104
    )


def test_a_lone_surrogate_is_counted_and_no_error() -> None:
    assert tokens(ask("\ud800", max_tokens=0), 50) == 1 + 4


@pytest.mark.parametrize(
    ("members", "output"),
    [
        ({}, 50),
        ({"max_tokens": 9}, 9),
        ({"max_completion_tokens": 9, "n": 3}, 27),
        ({"n": 3}, 150),
        ({"n": 0, "max_tokens": 9}, 9),
        ({"max_tokens": -4}, 0),
        ({"max_tokens": 9, "reasoning": {"max_tokens": 5}}, 9),
        ({"reasoning": {"max_tokens": 2_000}}, 2_050),
        ({"reasoning": {"max_tokens": 2_000}, "n": 2}, 4_100),
    ],
)
def test_output_is_what_was_asked_for_or_assumed_times_n(members: dict[str, Any], output: int) -> None:
    assert tokens(ask("", **members), 50) == 4 + output


def test_tools_and_schemas_count_by_their_size() -> None:
    tool = {
        "type": "function",
        "function": {"name": "look_up", "description": "d" * 400, "parameters": {"type": "object"}},
    }
    few = tokens(ask("", tools=[tool], max_tokens=0), 0)
    assert 1_024 + 100 < few < 1_024 + 130
    assert tokens(ask("", tools=[tool, tool], max_tokens=0), 0) - few == pytest.approx(few - 1_028, abs=1)
    native = {"type": "web_search", "filters": {"domains": ["x" * 400, "y" * 400], "depth": 3}}
    assert 1_028 + 200 < tokens(ask("", tools=[native], max_tokens=0), 0) < 1_028 + 230
    schema = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"title": "t" * 400}}}
    assert 4 + 100 < tokens(ask("", response_format=schema, max_tokens=0), 0) < 4 + 110


def test_earlier_turns_count_with_their_tool_calls_results_and_thinking() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f" * 40, "arguments": "a" * 400}}
    body: dict[str, Any] = {
        "model": "m",
        "max_tokens": 0,
        "messages": [
            {"role": "system", "content": "s" * 400},
            {"role": "assistant", "content": None, "refusal": "r" * 400, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "t" * 400},
        ],
    }
    chat = DIALECT.parse(json.dumps(body).encode())
    assert tokens(chat, 0) == 410 + 3 * 4
    thought = Assistant(reasoning=(Reasoning(text="x" * 400, data="y" * 400),))
    assert tokens(replace(chat, messages=(*chat.messages, thought)), 0) == 610 + 4 * 4


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (image("https://example.test/a.png"), 1_600),
        (image("data:image/png;base64," + "A" * 900_000), 1_600),
        (file("https://example.test/a.pdf"), 15_000),
        ({"type": "file", "file": {"file_id": "file-1"}}, 15_000),
        (file("data:application/pdf;base64," + "A" * 200_000), 4 * 3_000),
        (file("data:text/plain;base64," + "A" * 4_000), 751),
        (audio("A" * 4_000, "wav"), 4),
        (audio("A" * 4_000, "mp3"), 25),
        ({"type": "video_url", "video_url": {"url": "https://example.test/a.mp4"}}, 1_600),
    ],
)
def test_media_count_by_their_kind_and_not_by_their_base64(part: dict[str, Any], expected: int) -> None:
    assert tokens(ask([part], max_tokens=0), 0) == expected + 4


def test_the_depth_of_a_schema_is_no_matter() -> None:
    schema: dict[str, Any] = {}
    for _ in range(5_000):
        schema = {"items": schema}
    tool = {"type": "function", "function": {"name": "f"}}
    chat = ask("", tools=[tool])
    deep = replace(chat, tools=(replace(chat.tools[0], parameters=schema),))
    assert tokens(deep, 0) > 5_000 * 2


# -- the bound --------------------------------------------------------------------------------------------------------


def test_each_byte_of_the_request_counts_at_the_highest_rate_of_input() -> None:
    chat = ask(WORDS, max_tokens=100, n=2)
    size = len(chat.source.body)
    priced = sold(
        input_mtok="2", cache_read_mtok="0.2", cache_write_mtok="2.5", output_mtok="8", output_reasoning_mtok="9"
    )
    assert nano_usd_bound(chat, priced, 7, NOW) == size * 2_500 + 200 * 9_000
    assert nano_usd_bound(ask(WORDS), sold(output_mtok="8", input_mtok="0"), 7, NOW) == 7 * 8_000


def test_a_model_without_a_known_price_has_no_bound() -> None:
    assert nano_usd_bound(ask(WORDS), None, 7, NOW) == 0
    assert nano_usd_bound(ask(WORDS), ModelInfo("host", "model", None, False, (), (), ""), 7, NOW) == 0
    assert nano_usd_bound(ask(WORDS), sold(audio_hours="3"), 7, NOW) == 0


def test_a_price_by_request_is_in_the_bound() -> None:
    assert nano_usd_bound(ask("", max_tokens=0), sold(input_mtok="0", requests_kcount="5"), 7, NOW) == 5_000_000


def test_the_dearest_tier_that_the_prompt_may_reach_counts() -> None:
    odd = Rate(Decimal(1), ((100, Decimal(5)), (200, Decimal(3)), (900, Decimal(50))))
    chat = ask("x" * 400, max_tokens=0)
    assert nano_usd_bound(chat, sold(input_mtok=odd), 7, NOW) == len(chat.source.body) * 5_000


@pytest.mark.parametrize(
    "members",
    [
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {"ttl": "1h"}}]}]},
        {"messages": [{"role": "tool", "tool_call_id": "c", "content": "x", "cache_control": {"ttl": "1h"}}]},
        {"tools": [{"type": "function", "function": {"name": "f"}, "cache_control": {"ttl": "1h"}}]},
        {"tools": [{"type": "web_search", "cache_control": {"ttl": "1h"}}]},
        {"cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {
            "messages": [
                {
                    "role": "assistant",
                    "tool_calls": [
                        {"id": "c", "function": {"name": "f", "arguments": "{}"}, "cache_control": {"ttl": "1h"}}
                    ],
                }
            ]
        },
    ],
)
def test_a_lasting_cache_entry_costs_its_own_rate_where_it_is_asked_for(members: dict[str, Any]) -> None:
    only = sold(input_mtok="0", cache_write_1h_mtok="10")
    assert nano_usd_bound(ask("", max_tokens=0, **members), only, 7, NOW) > 0
    short = json.loads(json.dumps(members).replace("1h", "5m"))
    assert nano_usd_bound(ask("", max_tokens=0, **short), only, 7, NOW) == 0


def test_media_count_at_their_own_rates_and_without_their_base64() -> None:
    priced = sold(input_mtok="1", input_audio_mtok="100", output_mtok="0")
    silent, spoken = ask([]), ask([audio("A" * 40_000, "mp3")])
    around = len(spoken.source.body) - 40_000
    assert nano_usd_bound(silent, priced, 7, NOW) == len(silent.source.body) * 1_000
    assert nano_usd_bound(spoken, priced, 7, NOW) == (around + 241) * 100_000
    drawn = ask([image("data:image/png;base64," + "A" * 900_000)])
    assert nano_usd_bound(drawn, priced, 7, NOW) == (len(drawn.source.body) - 900_000 + 1_600) * 1_000


def test_what_is_asked_for_sets_the_price() -> None:
    fast = Price({"input_mtok": Rate(Decimal(6))}, when={"speed": "fast"})
    priced = replace(sold(input_mtok="2"), variants=(fast,))
    chat = ask(WORDS, max_tokens=0, speed="fast", service_tier="auto")
    assert conditions(chat) == {"service_tier": "auto", "speed": "fast"}
    assert conditions(ask("")) == {}
    assert nano_usd_bound(chat, priced, 7, NOW) == len(chat.source.body) * 6_000


MODELS = [
    known
    for provider, model in [
        ("openai", "gpt-4o-mini"),
        ("openai", "gpt-5.4"),
        ("openai", "gpt-audio"),
        ("openai", "o4-mini"),
        ("anthropic", "claude-opus-5-5"),
        ("anthropic", "claude-sonnet-4-5"),
        ("google", "gemini-2.5-pro"),
        ("google", "gemini-2.5-flash"),
        ("google", "gemini-2.5-flash-image"),
        ("perplexity", "sonar"),
        ("deepseek", "deepseek-chat"),
        ("cohere", "command-a"),
        ("mistral", "mistral-large-latest"),
    ]
    if (known := price_of(provider, model)) is not None
]
texts = st.text(max_size=60) | st.integers(1, 8_000).map(lambda times: WORDS * times)


def test_the_models_of_the_property_are_priced() -> None:
    assert len(MODELS) >= 11
    assert any(rate.tiers for known in MODELS for price in known.prices for rate in price.rates.values())
    assert any("cache_write_1h_mtok" in price.rates for known in MODELS for price in known.prices)


@given(
    known=st.sampled_from(MODELS),
    contents=st.lists(texts, min_size=1, max_size=3),
    members=st.fixed_dictionaries(
        {},
        optional={
            "max_tokens": st.integers(0, 100_000),
            "n": st.integers(1, 4),
            "service_tier": st.sampled_from(["auto", "flex", "priority"]),
            "cache_control": st.just({"type": "ephemeral", "ttl": "1h"}),
        },
    ),
    shares=st.lists(st.integers(0, 100), min_size=7, max_size=7),
    lasting=st.integers(0, 1_000_000),
    drawn=st.integers(0, 1_000_000),
    moment=st.integers(1_672_531_200, 1_830_297_600),
    ascii_only=st.booleans(),
)
def test_no_usage_of_a_request_costs_more_than_its_bound(
    known: ModelInfo,
    contents: list[str],
    members: dict[str, Any],
    shares: list[int],
    lasting: int,
    drawn: int,
    moment: int,
    *,
    ascii_only: bool,
) -> None:
    """Any split of a token per byte of text and of all the output that was asked for, over all buckets."""
    assume(ascii_only or not any("\ud800" <= character <= "\udfff" for text in contents for character in text))
    messages = [{"role": "user", "content": content} for content in contents]
    body = json.dumps({"model": "m", "messages": messages, **members}, ensure_ascii=ascii_only)
    chat = DIALECT.parse(body.encode())
    prompt = sum(len(text.encode("utf-8", "surrogatepass")) for text in contents) + 4 * len(contents)
    answer = members.get("max_tokens", 500) * members.get("n", 1)
    fresh, read, written = spread(prompt, shares[:3])
    text, thought = spread(answer, shares[3:5])
    usage = Usage(
        input=fresh,
        output=text,
        cache_read=read,
        cache_write=written,
        reasoning=thought,
        extra={
            "cache_creation": {"ephemeral_1h_input_tokens": lasting if "cache_control" in members else 0},
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": drawn}],
        },
    )
    spent = cost(usage, known, at=moment, asked=conditions(chat))
    assert spent is not None
    assert spent <= nano_usd_bound(chat, known, 500, moment)


def spread(total: int, shares: list[int]) -> list[int]:
    """`total` in parts as the shares say; what is left over goes to the first."""
    parts = [total * share // max(1, sum(shares)) for share in shares]
    parts[0] += total - sum(parts)
    return parts


def test_a_body_shorter_than_its_media_bounds_nothing_below_zero() -> None:
    """It cannot come from a client; a bound below zero would give money back."""
    chat = replace(ask([image("data:image/png;base64," + "A" * 9_000)], max_tokens=0), source=Source("own", b"{}"))
    assert nano_usd_bound(chat, sold(input_mtok="1"), 7, NOW) == 0
