"""Words of the caller's own, by which its requests are found again: tags, a user, the client's name.

They come from `x-sabir-tags: team=search,env=prod`, from OpenAI's `metadata`, which goes before it, and from `user`.
They are no place for secrets: what looks like a key, or is the one that was presented, is struck out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from handlers.credentials import is_ours, presented_key
from providers import keys
from providers.errors import Unauthenticated
from providers.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from handlers.asked import Asked
    from providers.jsonwalk import Json

TAGS_HEADER: Final = "x-sabir-tags"

# OpenAI's own bounds of `metadata`: https://platform.openai.com/docs/api-reference/chat/create. More is left out: a log
# is no place to refuse a request.
MOST_TAGS: Final = 16
LONGEST_NAME: Final = 64
LONGEST_VALUE: Final = 512
_LONGEST_CLIENT: Final = 64
# To be looked at beyond what is kept: of providers' keys none is longer.
_LONGEST_KEY: Final = 256

_STRUCK: Final = "***"
_BLANK: Final = re.compile(r"\s")
_PIECES: Final = re.compile(r"[\s,;:=\"'()\[\]{}<>/?&]+")


def tag(asked: Asked, model: str, *, user: str | None = None, metadata: Mapping[str, Json] | None = None) -> None:
    """What the log has of a request's own words. `model`: the one that it asks for."""
    presented = _presented(asked.headers)
    said = {**dict(_of_header(asked.headers.get(TAGS_HEADER, ""))), **dict(_of_body(metadata or {}))}
    record = asked.record
    record.request_model = _name(model, presented)
    record.tags = {
        _clean(name, presented, LONGEST_NAME): _clean(value, presented, LONGEST_VALUE)
        for name, value in list(said.items())[:MOST_TAGS]
    }
    record.user = _clean(user, presented, LONGEST_VALUE) if user else None


def model_name(model: str, asked: Asked) -> str:
    """For the log: of the model that is asked for, or that says it has answered. A sentence is no name of one."""
    return _name(model, _presented(asked.headers))


def client_of(headers: Mapping[str, str]) -> str | None:
    """The start of its user-agent: `AsyncOpenAI/Python 3.1.0`."""
    return _clean(headers.get("user-agent", ""), _presented(headers), _LONGEST_CLIENT) or None


def _of_header(text: str) -> Iterator[tuple[str, str]]:
    """Members and percent-encoding as in W3C Baggage §3.2.1.1; a member without a value is left out."""
    for member in text.split(","):
        name, equals, value = member.partition(";")[0].partition("=")
        if name.strip() and equals:
            yield unquote(name.strip()), unquote(value.strip())


def _of_body(metadata: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    return ((name, value) for name, value in metadata.items() if isinstance(value, str))


def _name(model: str, presented: str | None) -> str:
    return _STRUCK if _BLANK.search(model) else _clean(model, presented, LONGEST_VALUE)


def _presented(headers: Mapping[str, str]) -> str | None:
    try:
        return presented_key(headers).reveal()
    except Unauthenticated:
        return None


def _clean(text: str, presented: str | None, longest: int) -> str:
    """The beginning, unless there is a key in it, or as much of one as fits."""
    if presented is not None and presented in text:
        return _STRUCK
    pieces = _PIECES.split(text[: longest + _LONGEST_KEY])
    return _STRUCK if any(_is_key(piece) for piece in pieces if piece) else text[:longest]


def _is_key(text: str) -> bool:
    return is_ours(Secret(text)) or keys.owner(Secret(text)) is not None
