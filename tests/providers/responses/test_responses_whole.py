"""A whole answer where it is not as recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.completion import TextPart
from providers.errors import UpstreamDown, UpstreamProtocolError, UpstreamRejected
from providers.registry import speaking

OPENAI = speaking("openai", "responses")


def whole(**response: Any) -> bytes:
    return json.dumps({"id": "resp_1", "object": "response", **response}).encode()


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"choices":[]}', b'{"output":{}}'])
def test_what_is_no_response_is_an_error(body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError) as raised:
        OPENAI.response(body)
    assert raised.value.provider == "openai"


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_an_answer_that_has_not_come_to_its_end_is_an_error(status: str) -> None:
    with pytest.raises(UpstreamProtocolError):
        OPENAI.response(whole(status=status, output=[]))


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        ({"status": "failed", "error": {"code": "server_error", "message": "because"}, "output": []}, UpstreamDown),
        ({"status": "failed", "error": {"code": "invalid_image", "message": "x"}, "output": []}, UpstreamRejected),
        ({"status": "cancelled", "output": []}, UpstreamDown),
        ({"error": "because"}, UpstreamDown),
    ],
)
def test_pitfall_19_an_answer_that_failed_is_an_error(response: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        OPENAI.response(whole(**response))


def test_a_host_that_says_no_status_has_come_to_the_end() -> None:
    done = OPENAI.response(whole(output=[{"type": "message", "content": [{"type": "output_text", "text": "a"}]}, 7]))
    (choice,) = done.choices
    assert choice.parts == (TextPart("a"),)
    assert choice.finish is not None
    assert (choice.finish.reason, done.usage) == ("stop", None)


def test_pitfall_22_the_results_of_a_call_name_what_the_answer_gave_as_its_id() -> None:
    call = {"type": "function_call", "id": "fc_9", "call_id": "call_9", "name": "f", "arguments": "{}"}
    (choice,) = OPENAI.response(whole(status="completed", output=[call])).choices
    (part,) = choice.parts
    assert getattr(part, "id", None) == "call_9"
