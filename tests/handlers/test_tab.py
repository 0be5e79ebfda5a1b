"""What a request runs up: the sum of its attempts, at the price of each one's model."""

from __future__ import annotations

from handlers.estimates import ChatEstimate
from handlers.tab import Bill, Counted, Tab
from infra.limits.windows import Need
from infra.requests.record import RequestRecord
from providers.dialects import openai
from providers.routing.endpoint import Endpoint
from providers.routing.serving import Leg
from providers.secret import Secret
from providers.usage import Usage

AT = 1_790_000_000
CHAT = openai.DIALECT.parse(b'{"model": "gpt-4", "messages": [{"role": "user", "content": "Say it"}]}')


def leg(provider: str, model: str) -> Leg:
    return Leg(Endpoint(provider, provider, Secret("x")), provider, model)


GPT_4 = leg("openai", "gpt-4")
"""30 and 60 dollars a million tokens."""
NOBODYS = leg("openai", "of-nobody")


def tab(*attempts: tuple[Leg, Usage | None]) -> Tab:
    made = Tab(ChatEstimate(CHAT), AT)
    for way, usage in attempts:
        made.add(way, lambda usage=usage: None if usage is None else Counted(usage))  # type: ignore[misc]
    return made


def test_nothing_answered_is_nothing_to_pay() -> None:
    assert tab().bill() == tab((GPT_4, None)).bill() == Bill(Need(0, 0))


def test_each_attempt_is_paid_at_its_own_price_and_they_add_up() -> None:
    sonar = leg("perplexity", "sonar")
    one = tab((GPT_4, Usage(input=10, output=1))).bill()
    other = tab((sonar, Usage(input=10, output=1, cache_read=3))).bill()
    both = tab((GPT_4, Usage(input=10, output=1)), (sonar, Usage(input=10, output=1, cache_read=3))).bill()
    assert one.nano_usd == 10 * 30_000 + 60_000
    assert other.nano_usd is not None
    assert both.nano_usd == one.nano_usd + other.nano_usd
    assert both.usage == Usage(input=20, output=2, cache_read=3)
    assert both.need == Need(25, both.nano_usd)


def test_what_has_no_price_is_counted_and_not_paid() -> None:
    bill = tab((NOBODYS, Usage(input=10))).bill()
    assert (bill.nano_usd, bill.price_version, bill.need, bill.usage) == (None, None, Need(10, 0), Usage(input=10))
    mixed = tab((GPT_4, Usage(input=1)), (NOBODYS, Usage(input=10))).bill()
    assert (mixed.nano_usd, mixed.need) == (30_000, Need(11, 30_000))
    assert mixed.price_version is not None


def test_a_provider_that_makes_numbers_up_cannot_give_tokens_back_or_break_a_counter() -> None:
    assert tab((GPT_4, Usage(input=-5, output=-7))).bill().need == Need(0, 0)
    assert tab((GPT_4, Usage(input=10**30))).bill().need == Need(10**9, 10**15)


def test_a_bill_is_reckoned_anew_when_an_attempt_joins_it() -> None:
    made = tab((GPT_4, Usage(input=1)))
    assert made.bill() is made.bill()
    made.add(GPT_4, lambda: Counted(Usage(input=1), estimated=True))
    assert (made.bill().nano_usd, made.bill().estimated) == (60_000, True)


def noted(made: Tab) -> RequestRecord:
    record = RequestRecord("id", "d")
    made.note(record)
    return record


def test_the_record_says_what_it_cost_and_by_which_prices() -> None:
    record = noted(tab((GPT_4, Usage(input=1))))
    assert (record.cost_nano_usd, record.saved_nano_usd, record.usage_estimated) == (30_000, None, False)
    assert record.price_version is not None
    assert record.price_version.startswith("genai-prices ")


def test_a_repeat_costs_nothing_and_saves_what_the_first_one_cost() -> None:
    made = tab()
    made.replay(GPT_4, lambda: Counted(Usage(input=1)))
    record = noted(made)
    assert (record.cost_nano_usd, record.saved_nano_usd, record.usage) == (0, 30_000, None)
    unknown = tab()
    unknown.replay(GPT_4, lambda: None)
    assert (noted(unknown).cost_nano_usd, noted(unknown).saved_nano_usd) == (0, None)


def test_what_the_log_has_of_such_numbers_is_what_it_can_add_up() -> None:
    record = RequestRecord("id", "openai-chat")
    tab((GPT_4, Usage(input=-5, output=10**30, cache_read=None)), (GPT_4, Usage(input=7))).note(record)
    assert record.usage == Usage(input=7, output=10**9)
