"""What differs from asking the makers themselves: the place, the credential, and a few members of the body."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from providers.base import Translated
from providers.errors import InvalidRequest
from providers.jsonwalk import MalformedJson, child, children, dump, load_object, without
from providers.members import REMOVED, patch_members
from providers.vertex.credential import credential_of
from providers.vertex.place import models_url

if TYPE_CHECKING:
    from providers.base import Target
    from providers.jsonwalk import JsonObject

# The versions that Google's and Anthropic's own SDKs ask for: Google's `v1` refuses what is still in preview.
_GEMINI_API: Final = "v1beta1"
_CLAUDE_API: Final = "v1"

_CLAUDE_VERSION: Final = "vertex-2023-10-16"

# `claude-opus-4-1@20250805` is one segment of the path; what needs quoting there is no name.
_CLAUDE: Final = re.compile(r"claude-[A-Za-z0-9._-]+(?:@[A-Za-z0-9._-]+)?")


def gemini(translated: Translated, target: Target) -> Translated:
    """`translated`: for Google's own API, whose URL says behind its version which method of which model is meant."""
    asked = translated.request
    method = asked.url.removeprefix(f"{target.profile.base_url}/v1beta/")
    request = replace(
        asked,
        url=f"{models_url(target, _GEMINI_API)}/publishers/google/{method}",
        body=_without_call_ids(asked.body),
        auth=credential_of(target),
    )
    return Translated(request, translated.dropped)


def claude(translated: Translated, target: Target, *, as_written: bool = False) -> Translated:
    """`translated`: for Anthropic's own API. Model and version change places between URL, headers and body.

    `as_written`: the body is the client's own, of which every other byte stays.

    https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai
    """
    if _CLAUDE.fullmatch(target.model) is None:
        raise InvalidRequest("This is no name of a Claude on Vertex AI.", param="model", code="model_not_found")
    asked = translated.request
    method = "streamRawPredict" if asked.streaming else "rawPredict"
    request = replace(
        asked,
        url=f"{models_url(target, _CLAUDE_API)}/publishers/anthropic/models/{target.model}:{method}",
        headers={name: value for name, value in asked.headers.items() if name != "anthropic-version"},
        body=_versioned(asked.body, as_written=as_written),
        auth=credential_of(target),
    )
    return Translated(request, translated.dropped)


def _versioned(body: bytes, *, as_written: bool) -> bytes:
    """The version first, where there is a choice: a longer conversation then has a body that begins alike."""
    if as_written:
        return patch_members(body, {"model": REMOVED, "anthropic_version": _CLAUDE_VERSION})
    return dump({"anthropic_version": _CLAUDE_VERSION, **without(_read(body), "model")})


def _without_call_ids(body: bytes) -> bytes:
    """Vertex AI refuses the `id` of calls and results (400, `Unknown name "id"`), which it matches by their order.

    https://github.com/vercel/ai/issues/15664, https://github.com/pydantic/pydantic-ai/issues/5081
    """
    if b'"functionCall"' not in body and b'"functionResponse"' not in body:
        return body
    written = _read(body)
    for turn in children(written, "contents"):
        for part in children(turn, "parts"):
            for kind in ("functionCall", "functionResponse"):
                child(part, kind).pop("id", None)
    return dump(written)


def _read(body: bytes) -> JsonObject:
    """What another translator wrote. It is sound, but a call's arguments stand deeper in it than in the client's."""
    try:
        return load_object(body)
    except MalformedJson:
        raise InvalidRequest("The arguments of a tool call are nested too deeply.", param="messages") from None
