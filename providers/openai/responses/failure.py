"""What goes wrong inside an answer that began with status 200: `response.failed`, an `error` event, a lost protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.errors import UpstreamProtocolError
from providers.jsonwalk import text
from providers.openai.errors import error_within

if TYPE_CHECKING:
    from providers.errors import UpstreamError
    from providers.jsonwalk import Json

# Codes of `response.error` that are about the request: another try, or another host, would hear the same.
_OF_THE_REQUEST: Final = frozenset({
    "invalid_prompt", "data_residency_mismatch", "bio_policy", "misalignment_policy_violation", "invalid_image",
    "invalid_image_format", "invalid_base64_image", "invalid_image_url", "image_too_large", "image_too_small",
    "image_parse_error", "image_content_policy_violation", "invalid_image_mode", "image_file_too_large",
    "unsupported_image_media_type", "empty_image_file", "failed_to_download_image", "image_file_not_found",
})  # fmt: skip


def failure(error: Json, provider: str) -> UpstreamError:
    """`error`: most often an object with `code` and `message`; its class follows the code."""
    if isinstance(error, dict) and text(error, "code") in _OF_THE_REQUEST:
        return error_within({"status_code": 400, **error}, provider)
    return error_within(error, provider)


def protocol_error(reason: str, provider: str) -> UpstreamProtocolError:
    """`reason` completes "the provider sent …" and quotes nothing of what was sent."""
    return UpstreamProtocolError(f"the provider sent {reason}", provider=provider)
