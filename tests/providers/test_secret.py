from __future__ import annotations

import copy
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Iterable
from dataclasses import asdict
from string import Template

import pytest

from providers.base import Credential
from providers.secret import Secret

VALUE = "sk-do-not-print-me"


def test_no_way_of_printing_shows_the_value() -> None:
    secret = Secret(VALUE)
    credential = Credential(secret)
    record = logging.LogRecord("n", logging.INFO, "p", 1, "%s %r", (secret, credential), None)
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>40}",
        f"{secret:>40}",
        "%s" % secret,  # noqa: UP031
        "{}".format(secret),  # noqa: UP032
        Template("$s").substitute(s=secret),
        repr([secret]),
        repr(credential),
        pprint.pformat({"k": credential}),
        record.getMessage(),
    ]
    assert [text for text in shown if VALUE in text] == []
    assert str(secret) == "***"


def test_a_traceback_with_local_variables_does_not_show_it() -> None:
    secret = Secret(VALUE)
    with pytest.raises(TypeError) as raised:
        json.dumps([secret])
    shown = "".join(traceback.TracebackException.from_exception(raised.value, capture_locals=True).format())
    assert "secret = ***" in shown
    assert VALUE not in shown


def test_it_is_neither_json_nor_iterable_nor_a_mapping() -> None:
    secret = Secret(VALUE)
    with pytest.raises(TypeError):
        json.dumps(secret)
    assert not isinstance(secret, Iterable)
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_cannot_be_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(Secret(VALUE), protocol)


def test_it_cannot_be_copied_even_inside_a_dataclass() -> None:
    for copied in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="copied"):
            copied(Secret(VALUE))
    with pytest.raises(TypeError, match="copied"):
        asdict(Credential(Secret(VALUE)))


def test_it_compares_and_hashes_by_value_and_never_as_its_text() -> None:
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret("other")
    assert Secret(VALUE) != VALUE
    assert len({Secret(VALUE), Secret(VALUE)}) == 1
    assert hash(Secret(VALUE)) != hash(VALUE)


def test_only_reveal_gives_it() -> None:
    assert Secret(VALUE).reveal() == VALUE
