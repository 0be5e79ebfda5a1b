"""The same conversation to the same endpoint, so that the provider's own prompt cache keeps hitting.

A provider caches what a prompt begins with, per account: requests that begin alike should arrive alike. Nothing is
remembered for that. Every endpoint draws a number from a hash of its name and the prompt's beginning, and the best
draw wins (rendezvous hashing): each sandbox comes to the same order alone, and when an endpoint goes, only its own
conversations move.
"""

from __future__ import annotations

import math
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from providers.chat import Document, FunctionTool, Image, System, Text, User

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.chat import ChatRequest, Content, Message, Tool

_BITS: Final = 53  # of the hash: as many as a float holds exactly


def prefix_of(chat: ChatRequest) -> bytes:
    """A hash of what stays the same while a conversation grows.

    That is model, tools, and the messages up to the first of the user. Later turns only ever follow it, so that they
    go where the earlier ones are cached. It ends no sooner, for a whole team often shares one system prompt, and
    would share one endpoint. Cache marks are left out: clients move them forward with every turn.
    """
    # Nothing but bytes comes out, within one release all draw alike, and `repr` tells apart all that differs.
    stable = (chat.model, tuple(map(_unmarked_tool, chat.tools)), tuple(map(_unmarked_message, _opening(chat))))
    return sha256(repr(stable).encode()).digest()


def order(weights: Mapping[str, int], prefix: bytes) -> list[str]:
    """The names, best draw first: each comes first in a share of all prefixes that is its share of the weights.

    To remove one leaves the order of the others as it is. Weight 0 comes after all others.
    """
    return sorted(weights, key=lambda name: (weights[name] <= 0, _arrival(name, weights[name], prefix), name))


def _arrival(name: str, weight: int, prefix: bytes) -> float:
    """A race of exponential clocks: with rate w, one rings first with the probability of w over the sum of all."""
    drawn = int.from_bytes(sha256(len(prefix).to_bytes(8) + prefix + name.encode()).digest()[:8]) >> (64 - _BITS)
    uniform = (drawn + 0.5) / 2**_BITS  # never 0, and 1 only by rounding, of which the logarithm is 0 and no error
    return -math.log(uniform) / max(weight, 1)


def _opening(chat: ChatRequest) -> tuple[Message, ...]:
    first = next((number for number, message in enumerate(chat.messages) if isinstance(message, User)), None)
    return chat.messages if first is None else chat.messages[: first + 1]


def _unmarked_message(message: Message) -> Message:
    if isinstance(message, System | User):
        return replace(message, content=tuple(map(_unmarked_part, message.content)))
    return message


def _unmarked_part(part: Content) -> Content:
    return replace(part, cache=None) if isinstance(part, Text | Image | Document) else part


def _unmarked_tool(tool: Tool) -> Tool:
    return replace(tool, cache=None) if isinstance(tool, FunctionTool) else tool
