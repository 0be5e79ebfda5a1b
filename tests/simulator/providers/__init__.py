"""The providers that are simulated, a wire format a module: its rules, its words and its framing, and no I/O."""

from tests.simulator.providers.anthropic import Anthropic
from tests.simulator.providers.base import Provider, Refused, Turn
from tests.simulator.providers.openai import OpenAI
from tests.simulator.providers.perplexity import Perplexity

PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in (OpenAI(), Anthropic(), Perplexity())}

__all__ = ["PROVIDERS", "Anthropic", "OpenAI", "Perplexity", "Provider", "Refused", "Turn"]
