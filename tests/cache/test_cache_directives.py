import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.directives import MAX_TTL, CacheDirectives, DirectiveError, parse_directives


def test_no_header_means_auto_for_seven_days() -> None:
    assert parse_directives(None, None, None) == CacheDirectives(mode="auto", ttl=604_800)


@pytest.mark.parametrize(
    ("value", "mode"), [("auto", "auto"), ("always", "always"), ("never", "never"), (" ALWAYS\t", "always")]
)
def test_the_three_modes_in_any_case_and_with_white_space(value: str, mode: str) -> None:
    assert parse_directives(value, None, None).mode == mode


@pytest.mark.parametrize("value", ["", "yes", "true", "auto,never", "alway"])
def test_any_other_mode_is_refused_by_name(value: str) -> None:
    with pytest.raises(DirectiveError) as caught:
        parse_directives(value, None, None)
    assert caught.value.header == "x-bt-use-cache"
    assert str(caught.value) == "x-bt-use-cache: must be auto, always or never"


@pytest.mark.parametrize(("value", "ttl"), [("1", 1), ("604800", 604_800), (" 60 ", 60), ("007", 7)])
def test_a_ttl_in_range(value: str, ttl: int) -> None:
    assert parse_directives(None, value, None).ttl == ttl


@pytest.mark.parametrize("value", ["", "0", "604801", "-1", "+5", "1.5", "1e3", "1_000", "٣", "²", "ten", "9" * 5000])
def test_any_other_ttl_is_refused_by_name(value: str) -> None:
    with pytest.raises(DirectiveError, match=f"whole number of seconds from 1 to {MAX_TTL}") as caught:
        parse_directives(None, value, None)
    assert caught.value.header == "x-bt-cache-ttl"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("no-cache", CacheDirectives(no_cache=True)),
        ("No-Store", CacheDirectives(no_store=True)),
        ("only-if-cached", CacheDirectives(only_if_cached=True)),
        ("max-age=0", CacheDirectives(max_age=0)),
        ('max-age="60"', CacheDirectives(max_age=60)),
        ("max-age = 60", CacheDirectives(max_age=60)),
        ("min-fresh=5", CacheDirectives(min_fresh=5)),
        ("no-cache,max-age=10 ,  only-if-cached", CacheDirectives(no_cache=True, max_age=10, only_if_cached=True)),
        ("max-stale, max-stale=5, no-transform, foo=bar, x", CacheDirectives()),
        ('ext="no-store, no-cache", max-age=3', CacheDirectives(max_age=3)),
        (r'ext="a\", no-store", max-age=3', CacheDirectives(max_age=3)),
        (r'max-age="\6\0"', CacheDirectives(max_age=60)),
        ("no-cached, xno-store, max-age-x=1", CacheDirectives()),
        ('no-cache="set-cookie"', CacheDirectives(no_cache=True)),
        ("", CacheDirectives()),
        (",, ,", CacheDirectives()),
    ],
)
def test_rfc_9111_request_directives(value: str, expected: CacheDirectives) -> None:
    assert parse_directives(None, None, value) == expected


def test_of_repeated_directives_the_strictest_counts() -> None:
    assert parse_directives(None, None, "max-age=60, max-age=5, min-fresh=1, min-fresh=9") == CacheDirectives(
        max_age=5, min_fresh=9
    )


@pytest.mark.parametrize("number", ["", "=", "=x", "=-1", "=1.5", '="', "=٣"])
def test_a_number_that_cannot_be_read_counts_as_the_strictest(number: str) -> None:
    asked = parse_directives(None, None, f"max-age{number}, min-fresh{number}")
    assert asked.max_age == 0
    # An open quotation mark may swallow what follows it.
    assert asked.min_fresh in ({2**31} if number != '="' else {2**31, None})


@pytest.mark.parametrize("digits", ["2147483648", "2147483649", "1" + "0" * 19, "1" + "0" * 30, "1" + "0" * 5000])
def test_a_huge_number_means_two_to_the_31(digits: str) -> None:
    assert parse_directives(None, None, f"max-age={digits}").max_age == 2**31


@given(st.text())
def test_no_cache_control_value_is_ever_an_error(value: str) -> None:
    assert parse_directives(None, None, value).mode == "auto"


@given(st.text(max_size=40), st.text(max_size=12))
def test_our_own_headers_parse_or_raise_a_directive_error(use_cache: str, ttl: str) -> None:
    try:
        parsed = parse_directives(use_cache, ttl, None)
    except DirectiveError:
        return
    assert parsed.mode == use_cache.strip().lower()
    assert parsed.ttl == int(ttl)
