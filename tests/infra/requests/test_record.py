from __future__ import annotations

import json
from dataclasses import fields

from infra.requests.record import BUCKETS, NO_ORG, AttemptRecord, RequestRecord
from providers.usage import Usage


def test_a_document_is_json_and_leaves_out_what_is_not_known() -> None:
    record = RequestRecord("id", "openai-chat", at=1.5, operation="chat")
    expected = {"request_id": "id", "dialect": "openai-chat", "at": 1.5, "operation": "chat"}
    assert record.document() == {**expected, "request_bytes": 0, "response_bytes": 0}
    assert json.loads(json.dumps(record.document())) == record.document()


def test_nought_and_no_are_something_to_say() -> None:
    document = RequestRecord("id", "d", cost_nano_usd=0, stream=False, status=0).document()
    assert (document["cost_nano_usd"], document["stream"], document["status"]) == (0, False, 0)


def test_a_mark_is_said_only_where_it_is_so() -> None:
    assert {"cold_start", "usage_estimated"} & RequestRecord("id", "d").document().keys() == set()
    document = RequestRecord("id", "d", cold_start=True, usage_estimated=True).document()
    assert (document["cold_start"], document["usage_estimated"]) == (True, True)


def test_what_has_parts_is_written_part_by_part() -> None:
    record = RequestRecord("id", "d", dropped=("seed",), unkept=("store",), bug=("KeyError",), tags={"team": "core"})
    record.usage = Usage(input=7, reasoning=0, extra={"cost": "what the provider says is not ours to keep"})
    record.attempts = [AttemptRecord("eu", "openai", "gpt-4", 1.0, error="timeout")]
    document = record.document()
    assert document["usage"] == {"input": 7, "reasoning": 0}
    assert document["attempts"] == [
        {"endpoint": "eu", "provider": "openai", "model": "gpt-4", "began_ms": 1.0, "error": "timeout"}
    ]
    assert [document[name] for name in ("dropped", "unkept", "bug", "tags")] == [
        ["seed"], ["store"], ["KeyError"], {"team": "core"}
    ]  # fmt: skip


def test_every_member_of_a_record_finds_its_way_into_the_document() -> None:
    values = {each.name: "x" for each in fields(RequestRecord)}
    full = RequestRecord(**values)  # type: ignore[arg-type]
    full.attempts, full.usage, full.tags = [AttemptRecord("e", "p", "m", 0.0)], Usage(input=1), {"a": "b"}
    full.dropped = full.unkept = full.bug = ("x",)
    assert full.document().keys() == values.keys()


def test_the_failed_attempts_are_told_with_their_word() -> None:
    record = RequestRecord("id", "d")
    record.attempts = [AttemptRecord("eu", "p", "m", 0.0, error="timeout"), AttemptRecord("us", "p", "m", 1.0)]
    assert record.failed == ("eu:timeout",)


def test_what_belongs_to_no_org_has_a_place_that_no_org_can_have() -> None:
    from infra.control.key_text import ORG_ID

    assert RequestRecord("id", "d").owner == NO_ORG
    assert RequestRecord("id", "d", org="acme").owner == "acme"
    assert ORG_ID.fullmatch(NO_ORG) is None


def test_the_buckets_are_those_of_the_usage() -> None:
    assert set(BUCKETS) == {each.name for each in fields(Usage)} - {"extra"}
