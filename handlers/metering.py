"""What an answer used and how it ended, seen as it passes: reported by the provider, or likely where nothing was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from handlers.tab import Counted
from providers import estimate
from providers.events import (
    Finished,
    ProviderFields,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from providers.growing import Growing
from providers.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from providers.chat import ChatRequest
    from providers.events import Event

# English and code come to about four characters a token. An answer that was cut off reports nothing better.
_CHARACTERS_A_TOKEN: Final = 4


class Meter:
    """Sees every event of an answer, whoever reads it to its end and whoever does not."""

    __slots__ = ("_characters", "_reported", "began", "finish", "model")

    def __init__(self) -> None:
        self._reported = Growing(Usage.updated)
        self._characters = 0
        self.began = False
        """Whether any choice has begun: an answer without one says nothing, however well it ends."""
        self.finish: str | None = None
        """Why the first choice that ended did."""
        self.model: str | None = None
        """Which model the provider says it is."""

    def read(self, events: Iterable[Event]) -> None:
        for event in events:
            self.began = self.began or _is_of_a_choice(event)
            match event:
                case UsageReported(usage):
                    self._reported.add(usage)
                case TextDelta(_, text) | RefusalDelta(_, text) | ToolCallDelta(_, text) | ReasoningDelta(_, text):
                    self._characters += len(text)
                case Finished(reason):
                    self.finish = self.finish or reason
                case Started(_, model):
                    self.model = model or self.model
                case _:
                    pass

    def usage(self, chat: ChatRequest) -> Counted | None:
        """None where nothing was answered. `chat`: what was asked, for the likely number where nothing was reported.

        What a stream reports at its start (Anthropic's `message_start`) says nothing of what was said after it.
        """
        told = -(-self._characters // _CHARACTERS_A_TOKEN)
        reported = self._reported.whole()
        if reported is None:
            likely = Usage(input=estimate.input_tokens(chat), output=told)
            return Counted(likely, estimated=True) if told else None
        if self.finish is not None or reported.completion >= told:
            return Counted(reported)
        return Counted(reported.updated(Usage(output=told)), estimated=True)

    def replayed(self) -> Counted | None:
        """What the provider reported when a stored answer was new."""
        reported = self._reported.whole()
        return None if reported is None else Counted(reported)


def _is_of_a_choice(event: Event) -> bool:
    return not isinstance(event, Started | UsageReported | ProviderFields) or (
        isinstance(event, ProviderFields) and event.scope != "completion"
    )
