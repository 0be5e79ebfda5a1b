"""Every stream translator of every provider against bytes that nobody meant to send.

Whatever comes: only errors of ours escape, the same is heard however the bytes were cut, the client is told in JSON,
and neither time nor memory runs away. Providers are found by name, their wires by what they read (`fuzz_wire`).

`make fuzz` looks longer: SABIR_FUZZ is the number of examples of each property and reader.
"""

from __future__ import annotations

import os
import random
import tracemalloc
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from providers.errors import UpstreamProtocolError
from tests.providers.fuzz_reader import Reader, check, cut, hear, readers
from tests.providers.fuzz_wire import FuzzedEvent, framing_of, seeds_of, words_of
from tests.providers.wires import speaker, wires

if TYPE_CHECKING:
    from collections.abc import Callable

_EXAMPLES: Final = int(os.environ.get("SABIR_FUZZ") or 12)
_long = settings(
    max_examples=_EXAMPLES,
    deadline=None,
    derandomize="SABIR_FUZZ" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)
pytestmark = pytest.mark.timeout(120 if "SABIR_FUZZ" not in os.environ else 0)

every_reader = pytest.mark.parametrize("reader", readers(), ids=str)
# Where hosts of one wire differ by data alone, one of them stands for all.
every_translator = pytest.mark.parametrize("name", {type(speaker(name).stream()): name for name in wires()}.values())
every_way = pytest.mark.parametrize("reader", {type(each.open()): each for each in readers()}.values(), ids=str)

# -- what may stand in JSON -----------------------------------------------------------------------------------------

NASTY: Final[st.SearchStrategy[Any]] = st.sampled_from(
    [
        *(
            None,
            True,
            False,
            0,
            -1,
            1,
            2**31,
            2**63,
            -(2**63),
            10**18,
            1.5,
            -0.0,
            1e308,
            "",
            "0",
            "-1",
            "null",
            "[DONE]",
        ),
        *(b"1e999", b"-1e999", b"1" * 4_000, b"9" * 5_000, b"0.1e-400", b"1.0", b"1E400", b"-0"),
        *(b"NaN", b"Infinity", b"01", b"{", b"]", b'"\\ud800"', b'"\xff"', b'"\\u0000"', b"\xef\xbb\xbf1"),
        *(
            [],
            {},
            [[]],
            [None],
            [{}],
            {"": {}},
            [1, "a", None, {}],
            "x" * 3_000,
            "\N{SNOWMAN}\u2028\u0085\ud83d\ude00"[:3],
        ),
        *(b"[" * 120 + b"]" * 120, b'{"a":' * 100 + b"1" + b"}" * 100, b"[" * 3_000 + b"]" * 3_000, b"[" * 100_000),
    ]
)


def json_of(words: tuple[str, ...]) -> st.SearchStrategy[Any]:
    word = st.sampled_from([*words, "tomorrow"])
    return st.recursive(
        NASTY | word | st.text(max_size=5) | st.integers(-2, 5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(word, inner, max_size=6),
        max_leaves=12,
    )


def grammar(name: str) -> st.SearchStrategy[list[FuzzedEvent]]:
    """Events in the words of this wire, in any order and with anything as their value."""
    words = words_of(name)
    kind = st.sampled_from(["", *words])
    said = st.dictionaries(st.sampled_from(words), json_of(words), max_size=6) | json_of(words) | NASTY
    typed = st.tuples(kind, st.fixed_dictionaries({"type": kind, "index": st.integers(-1, 3) | NASTY}), said)
    mixed = typed.map(lambda parts: (parts[0], {**(parts[2] if isinstance(parts[2], dict) else {}), **parts[1]}))
    return st.lists(st.tuples(kind, said) | mixed | st.sampled_from([("", b"[DONE]"), ("", b"")]), max_size=10)


# -- what may happen to a recording ---------------------------------------------------------------------------------


def mutated(name: str) -> st.SearchStrategy[list[FuzzedEvent]]:
    """A stream as it once came, with events lost, doubled, swapped, changed and made up."""

    @st.composite
    def draw_events(draw: st.DrawFn) -> list[FuzzedEvent]:
        events = list(draw(st.sampled_from(seeds_of(name))))
        for _ in range(draw(st.integers(0, 6))):
            place = draw(st.integers(0, max(0, len(events) - 1)))
            change = draw(st.sampled_from(_CHANGES))
            change(draw, events, place, words_of(name))
        return events

    return draw_events()


_Words = tuple[str, ...]


def _lose(draw: st.DrawFn, events: list[FuzzedEvent], place: int, words: _Words) -> None:
    del events[place : place + 1]


def _truncate(draw: st.DrawFn, events: list[FuzzedEvent], place: int, words: _Words) -> None:
    del events[place:]


def _double(draw: st.DrawFn, events: list[FuzzedEvent], place: int, words: _Words) -> None:
    events[place:place] = events[place : place + draw(st.integers(1, 3))]


def _swap(draw: st.DrawFn, events: list[FuzzedEvent], place: int, words: _Words) -> None:
    events[place : place + 2] = reversed(events[place : place + 2])


def _shuffle(draw: st.DrawFn, events: list[FuzzedEvent], place: int, words: _Words) -> None:
    random.Random(draw(st.integers(0, 999))).shuffle(events)  # noqa: S311


def _invent(draw: st.DrawFn, events: list[FuzzedEvent], place: int, words: _Words) -> None:
    events.insert(place, draw(st.tuples(st.sampled_from(["", *words]), json_of(words))))


def _change(draw: st.DrawFn, events: list[FuzzedEvent], place: int, words: _Words) -> None:
    """One value of one event becomes another, or moves under another name."""
    for kind, said in events[place : place + 1]:
        events[place] = (kind, _changed(draw, said, words))


def _changed(draw: st.DrawFn, value: Any, words: _Words) -> Any:
    if isinstance(value, dict) and value and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(sorted(value)))
        rest = {name: inner for name, inner in value.items() if name != key}
        match draw(st.integers(0, 9)):
            case 0:
                return rest
            case 1:
                return {**rest, draw(st.sampled_from([*words, "tomorrow"])): value[key]}
            case _:
                return {**value, key: _changed(draw, value[key], words)}
    if isinstance(value, list) and value and draw(st.integers(0, 4)):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], _changed(draw, value[place], words), *value[place + draw(st.integers(0, 1)) :]]
    return draw(NASTY | st.sampled_from([*words, "tomorrow"]) | json_of(words))


_CHANGES: Final[list[Callable[..., None]]] = [
    *(_lose, _truncate, _double, _swap, _shuffle, _invent),
    *(_change, _change, _change, _change),
]

# -- the properties -------------------------------------------------------------------------------------------------

places = st.lists(st.integers(0, 2**16), max_size=6)


def fuzz(reader: Reader, body: bytes, cuts: list[int]) -> None:
    whole = hear(reader, [body])
    check(reader, whole)
    assert hear(reader, cut(body, cuts)).said == whole.said
    if len(body) <= 4_000:
        assert hear(reader, [body[place : place + 1] for place in range(len(body))]).said == whole.said


@every_reader
def test_any_bytes(reader: Reader) -> None:
    @_long
    @given(
        st.binary(max_size=200)
        | st.sampled_from([b"{", b"[", b"<", b"data: "]).flatmap(
            lambda head: st.binary(max_size=60).map(lambda tail: head + tail)
        ),
        places,
    )
    def prop(body: bytes, cuts: list[int]) -> None:
        fuzz(reader, body, cuts)

    prop()


@every_reader
def test_events_in_the_words_of_the_wire(reader: Reader) -> None:
    framing = framing_of(reader.provider)

    @_long
    @given(grammar(reader.provider), places)
    def prop(events: list[FuzzedEvent], cuts: list[int]) -> None:
        fuzz(reader, b"".join(map(framing.pack, events)), cuts)

    prop()


@every_reader
def test_real_streams_with_their_events_changed(reader: Reader) -> None:
    framing = framing_of(reader.provider)

    @_long
    @given(mutated(reader.provider), places)
    def prop(events: list[FuzzedEvent], cuts: list[int]) -> None:
        fuzz(reader, b"".join(map(framing.pack, events)), cuts)

    prop()


@every_reader
def test_real_streams_with_their_bytes_changed(reader: Reader) -> None:
    framing = framing_of(reader.provider)
    flips = st.lists(st.tuples(st.integers(0, 2**20), st.integers(1, 255)), max_size=4)

    @_long
    @given(st.sampled_from(seeds_of(reader.provider)), flips, st.integers(0, 2**20), places)
    def prop(seed: tuple[FuzzedEvent, ...], changes: list[tuple[int, int]], end: int, cuts: list[int]) -> None:
        body = bytearray(b"".join(map(framing.pack, seed)))
        for place, bits in changes:
            body[place % len(body)] ^= bits
        fuzz(reader, bytes(body[: end % (2 * len(body)) + 1]), cuts)

    prop()


# -- nothing without an end -----------------------------------------------------------------------------------------

# What a translator may keep or say for each byte that it was given: an object of Python's for a short word takes some
# fifty. The whole is bounded by `infra.upstream.MAX_STREAM`.
_MOST_KEPT: Final = 64
_MOST_SAID: Final = 30
_SLACK: Final = 256 * 1024
_REPEATS: Final = 600


@every_way
def test_an_event_that_never_ends_is_an_error(reader: Reader) -> None:
    heard = hear(reader, [b"data: " + b"x" * 2**20] * 34)
    assert isinstance(heard.raised, UpstreamProtocolError)


def numbered(value: Any, number: int) -> Any:
    """The same, but no two are: every object has a member of its own, every number and id is another."""
    if isinstance(value, dict):
        members = {key: numbered(inner, number) for key, inner in value.items()}
        return {**members, f"new{number}": number, **({"id": f"id{number}"} if "id" in value else {})}
    if isinstance(value, list):
        return [numbered(inner, number) for inner in value]
    return number if type(value) is int else value


@pytest.mark.parametrize("new", [False, True], ids=["alike", "unlike"])
@every_translator
def test_no_event_repeated_without_end_makes_more_than_it_is(name: str, new: bool) -> None:
    pack = framing_of(name).pack
    (seed, *_) = seeds_of(name)
    for place, (kind, said) in enumerate(seed):
        stream, size, spoken, kept = speaker(name).stream(), 0, 0, 0
        bodies = [pack(event) for event in seed[:place]]
        bodies += [pack((kind, numbered(said, number) if new else said)) for number in range(_REPEATS)]
        tracemalloc.start()
        try:
            for body in bodies:
                size += len(body)
                spoken += sum(len(repr(event)) for event in stream.feed(body))
            kept, _ = tracemalloc.get_traced_memory()
        except UpstreamProtocolError:
            pass  # it was cut short, which is an end too
        finally:
            tracemalloc.stop()
        assert kept <= _MOST_KEPT * size + _SLACK
        assert spoken <= _MOST_SAID * size + _SLACK
