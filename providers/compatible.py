"""Hosts that speak OpenAI's chat completions: one row each, saying only what differs from OpenAI.

Base URLs are those of the host's own documentation or SDK. "Recorded" means that the behaviour is in the recorded
traffic that the tests replay; elsewhere the source stands beside the fact.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from providers.openai.host import Host

if TYPE_CHECKING:
    from collections.abc import Mapping

# Many hosts name their limit on output tokens only by the older name, and ignore or refuse the newer.
_OLD_LIMIT: Final = ("max_completion_tokens", "max_tokens")

_PLAIN_THOUGHT: Final = frozenset({"reasoning_content", "top_k"})

_ROWS: Final = (
    Host(
        name="perplexity",
        base_url="https://api.perplexity.ai",
        end="finish",  # recorded: no stream has `[DONE]`
        stream_options="leave",  # recorded: every chunk has usage
        # docs.perplexity.ai, pricing: reasoning tokens are billed beside output tokens, and outnumber them.
        reasoning_apart=True,
        renames=(_OLD_LIMIT,),  # docs.perplexity.ai/api-reference: `max_tokens`
    ),
    Host(
        name="groq",
        base_url="https://api.groq.com/openai/v1",
        refuses_in_messages=frozenset({"name"}),  # console.groq.com/docs/openai: 400
        usage_under="x_groq",  # recorded: streams without stream_options report it there
        knows=frozenset({"top_k"}),
    ),
    Host(name="together", base_url="https://api.together.xyz/v1", renames=(_OLD_LIMIT,), knows=_PLAIN_THOUGHT),
    Host(name="fireworks", base_url="https://api.fireworks.ai/inference/v1", knows=_PLAIN_THOUGHT),
    Host(
        name="xai",
        base_url="https://api.x.ai/v1",
        reasoning_apart=True,  # recorded: prompt + completion + reasoning is the total
        knows=frozenset({"reasoning_content"}),
    ),
    Host(
        name="deepseek",
        base_url="https://api.deepseek.com",
        renames=(_OLD_LIMIT,),  # api-docs.deepseek.com/api/create-chat-completion: `max_tokens`
        developer_role=False,  # github.com/earendil-works/pi/issues/1048: 400, unknown variant `developer`
        knows=frozenset({"reasoning_content"}),
    ),
    Host(
        name="cerebras",
        base_url="https://api.cerebras.ai/v1",
        developer_role=False,  # inference-docs.cerebras.ai/resources/openai: not exposed; system has its rank
    ),
    Host(
        name="openrouter",
        base_url="https://openrouter.ai/api/v1",
        knows=frozenset({"cache_control", "reasoning_details", "reasoning", "top_k"}),
    ),
    Host(
        name="mistral",
        base_url="https://api.mistral.ai/v1",
        # 422 extra_forbidden, github.com/openai/openai-agents-python/issues/442; recorded: the last chunk has usage.
        stream_options="refuse",
        # 422 for the newer name, github.com/editor-code-assistant/eca/issues/231; docs.mistral.ai/api: `random_seed`.
        renames=(_OLD_LIMIT, ("seed", "random_seed")),
        developer_role=False,  # docs.mistral.ai/api: system, user, assistant, tool
        # 422 extra_forbidden for members it does not define: github.com/mistralai/platform-docs-public/issues/7.
        refuses=frozenset({"user", "store", "safety_identifier"}),
        # 422, github.com/charmbracelet/crush/issues/1590.
        refuses_in_messages=frozenset({"reasoning_content", "reasoning_details"}),
    ),
    Host(name="huggingface", base_url="https://router.huggingface.co/v1", knows=_PLAIN_THOUGHT),
    Host(name="moonshot", base_url="https://api.moonshot.ai/v1", knows=frozenset({"reasoning_content"})),
    Host(
        name="alibaba",
        base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        developer_role=False,  # github.com/haru/redmine_ai_helper/issues/242: 400
        knows=_PLAIN_THOUGHT,
    ),
    Host(
        name="zai",
        base_url="https://api.z.ai/api/paas/v4",
        renames=(_OLD_LIMIT,),  # docs.z.ai/api-reference/llm/chat-completion: `max_tokens`
        knows=frozenset({"reasoning_content"}),
    ),
    Host(name="nvidia", base_url="https://integrate.api.nvidia.com/v1", renames=(_OLD_LIMIT,), knows=_PLAIN_THOUGHT),
    Host(name="nebius", base_url="https://api.tokenfactory.nebius.com/v1", knows=_PLAIN_THOUGHT),
    Host(name="baseten", base_url="https://inference.baseten.co/v1", knows=_PLAIN_THOUGHT),
    Host(
        name="writer",
        base_url="https://api.writer.com/v1",
        path="/chat",  # recorded
        end="finish",  # recorded: no stream has `[DONE]`
        renames=(_OLD_LIMIT,),  # dev.writer.com/api-reference/completion-api/chat-completion: `max_tokens`
    ),
    Host(name="xiaomi", base_url="https://api.xiaomimimo.com/v1", knows=frozenset({"reasoning_content"})),
    Host(name="crusoe", base_url="https://api.inference.crusoecloud.com/v1", knows=_PLAIN_THOUGHT),
    Host(
        name="vercel_gateway",
        base_url="https://ai-gateway.vercel.sh/v1",
        knows=frozenset({"cache_control", "reasoning_details", "reasoning"}),  # recorded: signed blocks both ways
    ),
    Host(
        name="ollama",
        base_url="http://localhost:11434/v1",
        renames=(_OLD_LIMIT,),  # docs.ollama.com/api/openai-compatibility lists `max_tokens` only
    ),
    Host(name="vllm", base_url="http://localhost:8000/v1", knows=_PLAIN_THOUGHT),
    Host(name="llamacpp", base_url="http://localhost:8080/v1", knows=_PLAIN_THOUGHT),
)

HOSTS: Final[Mapping[str, Host]] = MappingProxyType({host.name: host for host in _ROWS})
