"""Hosts that speak OpenAI's chat completions, or its embeddings: one row each, saying only what differs from OpenAI.

Base URLs are those of the host's own documentation or SDK; `providers.openai.controls` has the sources of how they are
told how much to think. "Recorded" means that the behaviour is in the recorded
traffic that the tests replay; elsewhere the source stands beside the fact.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from providers.openai import controls
from providers.openai.host import EmbeddingsHost, Host, ResponsesHost

if TYPE_CHECKING:
    from collections.abc import Mapping

# Many hosts name their limit on output tokens only by the older name, and ignore or refuse the newer.
_OLD_LIMIT: Final = ("max_completion_tokens", "max_tokens")

_PLAIN_THOUGHT: Final = frozenset({"reasoning_content", "top_k"})

# Of answers that clients send back as they came: from OpenAI (whose null is a member too), another provider, or a hit.
# Hosts whose messages are closed objects answer 4xx to them.
_OF_OTHERS: Final = frozenset({"refusal", "annotations", "reasoning_details"})

# At hosts of open models a model's chat template decides, and most know no `developer`: they refuse it, or leave the
# message out (github.com/vllm-project/vllm/pull/43590, github.com/sgl-project/sglang/issues/40082). All know `system`.
_DEVELOPER_OF_OPEN_MODELS: Final = False

# Who seals thinking in the Responses API, by the names that OpenRouter gives them:
# openrouter.ai/docs/agent-sdk/typescript/api-reference/models/reasoningformat.
_XAIS: Final = "xai-responses-v1"
_SEALERS: Final = frozenset({"openai-responses-v1", "azure-openai-responses-v1", _XAIS})

# Its Responses API is documented; that it seals thinking, or takes any back, is not.
_PLAIN_RESPONSES: Final = ResponsesHost(seals=False, formats=frozenset())

_ROWS: Final = (
    Host(
        name="perplexity",
        base_url="https://api.perplexity.ai",
        # Recorded: no stream has `[DONE]`. Its documentation knows no `n`: if it gives one answer to a request for two,
        # a stream of it is an error, for nobody could tell it from one that was cut.
        end="finish",
        stream_options="leave",  # recorded: every chunk has usage
        # docs.perplexity.ai, pricing: reasoning tokens are billed beside output tokens, and outnumber them.
        reasoning_apart=True,
        renames=(_OLD_LIMIT,),  # docs.perplexity.ai/api-reference: `max_tokens`
        embeddings=EmbeddingsHost(path="/v1/embeddings", int8=True),  # recorded
    ),
    Host(
        name="groq",
        base_url="https://api.groq.com/openai/v1",
        # Its own name, which only models that reason take: github.com/vercel/ai/pull/8057.
        recalls=((r"gpt-oss|qwen", "reasoning"),),
        # 400: console.groq.com/docs/openai; and any member it does not know, such as thoughts by a name other than its
        # own: github.com/janhq/jan/issues/8136, github.com/ServiceStack/llms/issues/17.
        refuses_in_messages=_OF_OTHERS | {"name", "reasoning_content"},
        usage_under="x_groq",  # recorded: streams without stream_options report it there
        knows=frozenset({"top_k"}),
    ),
    Host(
        name="together",
        base_url="https://api.together.xyz/v1",
        controls=controls.TOGETHER,
        developer_role=_DEVELOPER_OF_OPEN_MODELS,
        renames=(_OLD_LIMIT,),
        knows=_PLAIN_THOUGHT,
        # 400 for both, github.com/ogx-ai/ogx/pull/3559.
        embeddings=EmbeddingsHost(dimensions=False, refuses=frozenset({"user"})),
    ),
    Host(
        name="fireworks",
        base_url="https://api.fireworks.ai/inference/v1",
        controls=controls.FIREWORKS,
        # docs.fireworks.ai/api-reference/post-chatcompletions: system, user, assistant; and a message has the members
        # that are listed there, and no others.
        developer_role=False,
        refuses_in_messages=_OF_OTHERS,
        knows=_PLAIN_THOUGHT,
        embeddings=EmbeddingsHost(),  # docs.fireworks.ai/guides/querying-embeddings-models
        responses=_PLAIN_RESPONSES,  # docs.fireworks.ai/api-reference/post-responses
    ),
    Host(
        name="xai",
        base_url="https://api.x.ai/v1",
        reasoning_apart=True,  # recorded: prompt + completion + reasoning is the total
        responses=ResponsesHost(format=_XAIS, formats=frozenset({_XAIS})),  # recorded
        knows=frozenset({"reasoning_content"}),
    ),
    Host(
        name="deepseek",
        base_url="https://api.deepseek.com",
        controls=controls.DEEPSEEK,
        renames=(_OLD_LIMIT,),  # api-docs.deepseek.com/api/create-chat-completion: `max_tokens`
        developer_role=False,  # github.com/earendil-works/pi/issues/1048: 400, unknown variant `developer`
        knows=frozenset({"reasoning_content"}),
        # Recorded: thinking is plain text, both ways.
        responses=ResponsesHost(seals=False, formats=frozenset(), reads=True),
    ),
    Host(
        name="cerebras",
        base_url="https://api.cerebras.ai/v1",
        recalls=(("", "reasoning"),),
        developer_role=False,  # inference-docs.cerebras.ai/resources/openai: not exposed; system has its rank
        # 400 for members it does not know, such as thoughts by a name other than its own, `reasoning`:
        # github.com/QwenLM/qwen-code/issues/11045, github.com/proxysoul/Empryo/pull/209.
        refuses_in_messages=_OF_OTHERS | {"reasoning_content"},
    ),
    Host(
        name="openrouter",
        base_url="https://openrouter.ai/api/v1",
        controls=controls.OPENROUTERS,
        knows=frozenset({"cache_control", "reasoning_details", "reasoning", "top_k"}),
        embeddings=EmbeddingsHost(tokens=True),  # openrouter.ai/docs/api-reference/embeddings: text or tokens
        responses=ResponsesHost(formats=_SEALERS, names_format=True),  # recorded
    ),
    Host(
        name="mistral",
        base_url="https://api.mistral.ai/v1",
        # docs.mistral.ai/capabilities/reasoning: the models that think; recorded: it is part of the content.
        recalls=((r"magistral|mistral-small|mistral-medium|mistral-large-4", "parts"),),
        # 422 extra_forbidden, github.com/openai/openai-agents-python/issues/442; recorded: the last chunk has usage.
        stream_options="refuse",
        # 422 for the newer name, github.com/editor-code-assistant/eca/issues/231; docs.mistral.ai/api: `random_seed`.
        renames=(_OLD_LIMIT, ("seed", "random_seed")),
        developer_role=False,  # docs.mistral.ai/api: system, user, assistant, tool
        short_call_ids=True,  # 400, code 3280: github.com/nearai/ironclaw/issues/1241
        # 422 extra_forbidden for members it does not define: github.com/mistralai/platform-docs-public/issues/7.
        refuses=frozenset({"user", "store", "safety_identifier"}),
        # 422: github.com/charmbracelet/crush/issues/1590, github.com/OpenMinis/OpenMinis/issues/87.
        refuses_in_messages=_OF_OTHERS | {"reasoning_content"},
        responses=_PLAIN_RESPONSES,  # docs.mistral.ai/api/endpoint/responses: `store` false, nothing kept
        # docs.mistral.ai/api/endpoint/embeddings; recorded: `output_dimension`.
        embeddings=EmbeddingsHost(
            base64=True, renames=(("dimensions", "output_dimension"),), refuses=frozenset({"user"})
        ),
    ),
    Host(
        name="huggingface",
        base_url="https://router.huggingface.co/v1",
        developer_role=_DEVELOPER_OF_OPEN_MODELS,
        knows=_PLAIN_THOUGHT,
        responses=_PLAIN_RESPONSES,  # huggingface.co/docs/inference-providers/guides/responses-api
    ),
    Host(
        name="moonshot",
        base_url="https://api.moonshot.ai/v1",
        controls=controls.MOONSHOT,
        developer_role=False,  # github.com/openclaw/openclaw/issues/8579: 400, ROLE_UNSPECIFIED
        knows=frozenset({"reasoning_content"}),
    ),
    Host(
        name="alibaba",
        base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        controls=controls.ALIBABA,
        developer_role=False,  # github.com/haru/redmine_ai_helper/issues/242: 400
        knows=_PLAIN_THOUGHT,
        # alibabacloud.com/help/en/model-studio/embedding-interfaces-compatible-with-openai
        embeddings=EmbeddingsHost(),
    ),
    Host(
        name="zai",
        base_url="https://api.z.ai/api/paas/v4",
        controls=controls.ZAI,
        renames=(_OLD_LIMIT,),  # docs.z.ai/api-reference/llm/chat-completion: `max_tokens`
        developer_role=False,  # github.com/vastsa/PI-Desktop/issues/30: 400, 1214 Incorrect role information
        knows=frozenset({"reasoning_content"}),
    ),
    Host(
        name="nvidia",
        base_url="https://integrate.api.nvidia.com/v1",
        controls=controls.NVIDIA,
        developer_role=_DEVELOPER_OF_OPEN_MODELS,
        renames=(_OLD_LIMIT,),
        knows=_PLAIN_THOUGHT,
        embeddings=EmbeddingsHost(base64=True),  # docs.nvidia.com/nim/nemo-retriever/text-embedding
    ),
    Host(
        name="nebius",
        base_url="https://api.tokenfactory.nebius.com/v1",
        developer_role=_DEVELOPER_OF_OPEN_MODELS,
        knows=_PLAIN_THOUGHT,
        embeddings=EmbeddingsHost(),  # docs.tokenfactory.nebius.com/api-reference/embeddings
    ),
    Host(
        name="baseten",
        base_url="https://inference.baseten.co/v1",
        controls=controls.BASETEN,
        developer_role=_DEVELOPER_OF_OPEN_MODELS,
        knows=_PLAIN_THOUGHT,
    ),
    Host(
        name="writer",
        base_url="https://api.writer.com/v1",
        path="/chat",  # recorded
        end="finish",  # recorded: no stream has `[DONE]`
        renames=(_OLD_LIMIT,),  # dev.writer.com/api-reference/completion-api/chat-completion: `max_tokens`
    ),
    Host(
        name="xiaomi",
        base_url="https://api.xiaomimimo.com/v1",
        controls=controls.XIAOMI,
        knows=frozenset({"reasoning_content"}),
    ),
    Host(
        name="crusoe",
        base_url="https://api.inference.crusoecloud.com/v1",
        controls=controls.CRUSOE,
        developer_role=_DEVELOPER_OF_OPEN_MODELS,
        knows=_PLAIN_THOUGHT,
    ),
    Host(
        name="deepinfra",
        base_url="https://api.deepinfra.com/v1/openai",  # deepinfra.com/docs/openai_api
        developer_role=_DEVELOPER_OF_OPEN_MODELS,
        embeddings=EmbeddingsHost(),  # the same page
    ),
    Host(
        name="vercel_gateway",
        base_url="https://ai-gateway.vercel.sh/v1",
        controls=controls.OPENROUTERS,
        knows=frozenset({"cache_control", "reasoning_details", "reasoning"}),  # recorded: signed blocks both ways
        embeddings=EmbeddingsHost(),  # vercel.com/docs/ai-gateway/openai-compat/embeddings
        responses=_PLAIN_RESPONSES,  # vercel.com/docs/ai-gateway/sdks-and-apis/responses
    ),
    Host(
        name="ollama",
        base_url="http://localhost:11434/v1",
        developer_role=_DEVELOPER_OF_OPEN_MODELS,
        renames=(_OLD_LIMIT,),  # docs.ollama.com/api/openai-compatibility lists `max_tokens` only
        embeddings=EmbeddingsHost(),  # the same page: strings and arrays of them
        responses=_PLAIN_RESPONSES,  # the same page: stateless
    ),
    Host(
        name="vllm",
        base_url="http://localhost:8000/v1",
        controls=controls.VLLM,
        developer_role=_DEVELOPER_OF_OPEN_MODELS,
        knows=_PLAIN_THOUGHT,
        embeddings=EmbeddingsHost(tokens=True),  # docs.vllm.ai/en/latest/serving/openai_compatible_server.html
    ),
    Host(
        name="llamacpp",
        base_url="http://localhost:8080/v1",
        controls=controls.LLAMACPP,
        developer_role=_DEVELOPER_OF_OPEN_MODELS,
        knows=_PLAIN_THOUGHT,
        embeddings=EmbeddingsHost(tokens=True),  # github.com/ggml-org/llama.cpp, tools/server/README.md
    ),
    Host(
        name="voyage",
        base_url="https://api.voyageai.com/v1",
        path=None,
        # docs.voyageai.com/reference/embeddings-api: base64, or numbers where nothing is said.
        embeddings=EmbeddingsHost(
            base64=True,
            names_float=False,
            renames=(("dimensions", "output_dimension"),),
            refuses=frozenset({"user"}),
        ),
    ),
)

HOSTS: Final[Mapping[str, Host]] = MappingProxyType({host.name: host for host in _ROWS})
