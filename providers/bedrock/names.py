"""Names that Bedrock is strict about, and marks that others know.

A name that is made over is made over in the same way each time: in a call and its result, and when it is sent again.
"""

from __future__ import annotations

import hashlib
import re

# Marks reasoning that Claude made, in OpenRouter's vocabulary, so that it is sent back to Claude and nobody else.
CLAUDE_REASONING = "anthropic-claude-v1"
# Marks a redacted block that is no text and has Bedrock's own form: for Converse alone.
BEDROCK_REASONING = "bedrock-converse-v1"

# ToolUseBlock takes dots and colons in an id, of which Claude refuses both. No other model is known to.
_TOOL_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_CLAUDE_TOOL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_NOT_IN_TOOL_NAME = re.compile(r"[^a-zA-Z0-9_-]")

_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}$")
_NOT_IN_DOCUMENT_NAME = re.compile(r"[^A-Za-z0-9\s()\[\]-]", re.ASCII)
_SPACE = re.compile(r"\s+", re.ASCII)
# Of Bedrock's 200, less than a number to tell two of one name apart.
_LONGEST_DOCUMENT_NAME = 180


def tool_id(call_id: str, *, strict: bool) -> str:
    """`strict`: as Claude takes it."""
    if (_CLAUDE_TOOL_ID if strict else _TOOL_ID).fullmatch(call_id):
        return call_id
    return f"call_{_digest(call_id)}"


def is_tool_name(name: str) -> bool:
    return _TOOL_NAME.fullmatch(name) is not None


def tool_name(name: str) -> str:
    """For a call of an earlier turn, which nobody has to find by that name any more."""
    if is_tool_name(name):
        return name
    return f"{_NOT_IN_TOOL_NAME.sub('_', name)[:31]}_{_digest(name)}"


def document_name(filename: str | None, taken: set[str]) -> str:
    """A name that is not in `taken`, and is then: letters, digits, hyphens, brackets and single white space.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html; two of one name are refused.
    """
    plain = _NOT_IN_DOCUMENT_NAME.sub("-", _EXTENSION.sub("", filename or ""))
    plain = _SPACE.sub(" ", plain).strip()[:_LONGEST_DOCUMENT_NAME].strip() or "document"
    name, number = plain, 1
    while name in taken:
        number += 1
        name = f"{plain} ({number})"
    taken.add(name)
    return name


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
