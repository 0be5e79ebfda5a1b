"""What a store keeps of a record and finds it by: the same in every store, so that they answer alike.

A record is found by its terms, such as `status#200`: a search wants some of them, and a record matches that has all of
these. So a store has to know neither what can be searched for, nor that a model has three names.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.requests.ids import began_at
from infra.requests.store import RequestsFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.control.store import Json
    from infra.requests.record import RequestRecord
    from infra.requests.store import Wanted

MAX_BYTES: Final = 300_000
"""Of a record's text and terms. A DynamoDB item holds 400 KB; a record has one or two."""


@dataclass(frozen=True, slots=True)
class Kept:
    """`text`: the document as JSON in ASCII. `began_at`: epoch seconds, as the id tells it."""

    org: str
    request_id: str
    began_at: float
    text: str
    terms: tuple[str, ...]
    failed: bool


def kept(record: RequestRecord) -> Kept:
    """Raises `RequestsFault` for what no store can keep; a record is never kept in part."""
    began = began_at(record.request_id)
    if began is None:
        raise RequestsFault("a request's id does not tell when it began")
    try:
        text = json.dumps(record.document(), separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        raise RequestsFault("a request's record is not JSON") from None
    terms = tuple(sorted(set(_terms(record))))
    size = len(text) + sum(map(len, terms))
    if size > MAX_BYTES:
        raise RequestsFault(f"a request's record has {size} bytes, more than the {MAX_BYTES} that are kept")
    return Kept(record.owner, record.request_id, began, text, terms, record.error is not None)


def document(text: object) -> Mapping[str, Json]:
    """Raises `RequestsFault`; what the text holds stays out of it."""
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RequestsFault("a request's record in the store is no JSON object")
    return found


def escaped(text: str) -> str:
    r"""In ASCII and without `#`, which then can part what is escaped; `unescaped` gives it back.

    JSON's own escapes: they know lone surrogates, which clients do send and which have no bytes in UTF-8.
    """
    return json.dumps(text)[1:-1].replace("#", "\\u0023")


def unescaped(text: str) -> str:
    """Raises `RequestsFault` for what nobody has escaped."""
    if "\\" not in text:
        return text
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        raise RequestsFault("a name in the request log's store is not escaped") from None


def wanted_terms(wanted: Wanted) -> tuple[str, ...]:
    """All of which a record must have; those that fewer records have come first."""
    conditions = (
        ("user", wanted.user),
        ("key", wanted.key),
        ("model", wanted.model),
        ("status", wanted.status),
        ("provider", wanted.provider),
        ("cache", wanted.cache),
        ("outcome", wanted.outcome),
    )
    tags = () if wanted.tag is None else (_term("tag", *wanted.tag),)
    return (*tags, *(_term(kind, str(value)) for kind, value in conditions if value is not None))


FAILED: Final = "outcome#error"
"""The term of all records with an error."""


def _terms(record: RequestRecord) -> Iterator[str]:
    values = (
        ("user", record.user),
        ("key", record.key),
        ("model", record.request_model),
        ("model", record.model),
        ("model", record.response_model),
        ("status", record.status),
        ("provider", record.provider),
        ("cache", record.cache),
        ("outcome", "ok" if record.error is None else "error"),
    )
    yield from (_term(kind, str(value)) for kind, value in values if value is not None)
    yield from (_term("tag", name, value) for name, value in record.tags.items())


def _term(kind: str, *words: str) -> str:
    return "#".join((kind, *map(escaped, words)))
