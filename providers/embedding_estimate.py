"""What a request for embeddings may take, reckoned before its answer is known: see `providers.estimate`."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from providers.cost import counted, nano, rates_at, usd_per_one

if TYPE_CHECKING:
    from providers.embedding import EmbeddingRequest, Input
    from providers.prices import ModelInfo

_BYTES_PER_TOKEN: Final = 4
# What a model puts around each text: the marks of its beginning and end, and the words for what it is embedded for.
_AROUND: Final = 16


def tokens(asked: EmbeddingRequest) -> int:
    """A likely count."""
    return sum(_likely(each) for each in asked.inputs)


def nano_usd_bound(asked: EmbeddingRequest, info: ModelInfo | None, at: int) -> int:
    """At most what the request costs, in nano-dollars; `at` in epoch seconds. 0 where no price is known.

    No tokenizer makes more tokens than there are bytes.
    """
    rates = {} if info is None else rates_at(info, at=at, asked={})
    if not counted(rates):
        return 0
    prompt = sum(_size(each) + _AROUND for each in asked.inputs)
    each = {unit: usd_per_one(rate, unit, prompt) for unit, rate in rates.items()}
    # Some providers take one input at a time: there are at most as many requests as inputs.
    requests = len(asked.inputs) * each.get("requests_kcount", Decimal(0))
    return nano(prompt * each.get("input_mtok", Decimal(0)) + requests)


def _likely(each: Input) -> int:
    return -(-_size(each) // _BYTES_PER_TOKEN) if isinstance(each, str) else len(each)


def _size(each: Input) -> int:
    """In bytes, or in tokens where it is cut into them."""
    return len(each.encode("utf-8", "surrogatepass")) if isinstance(each, str) else len(each)
