"""How hosts of this wire are told how much to think: the controls of `providers.compatible`, each with its source.

Looked up too, and left with `reasoning_effort` as it is written:

- Hugging Face has it, `none` included: schemas.apis.io/schemas/hugging-face, its own description. It is a router; what
  becomes of it is the chosen host's affair. DeepInfra likewise: docs.deepinfra.com/chat/reasoning.
- Perplexity has it for sonar-deep-research, without `none`: docs.perplexity.ai/api-reference.
- Nebius (docs.tokenfactory.nebius.com/api-reference) and Writer (dev.writer.com/api-reference/completion-api) document
  nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.openai.effort import Control

if TYPE_CHECKING:
    from providers.jsonwalk import JsonObject

_THINK: Final[JsonObject] = {"thinking": {"type": "enabled"}}
_DO_NOT_THINK: Final[JsonObject] = {"thinking": {"type": "disabled"}}

# Members for variables of the model's chat template, by vLLM's name for them and by Baseten's.
_TEMPLATE: Final = "chat_template_kwargs"
_TEMPLATE_OF_BASETEN: Final = "chat_template_args"


def _switch(member: str, word: str, models: str, *, budget: tuple[str, ...] | None = None) -> Control:
    """`{member: {word: true | false}}`, and nothing finer."""
    return Control(models=models, efforts=False, on={member: {word: True}}, off={member: {word: False}}, budget=budget)


# alibabacloud.com/help/en/model-studio/deep-thinking: a switch, and a budget that is a limit from above.
ALIBABA: Final = (
    Control(efforts=False, on={"enable_thinking": True}, off={"enable_thinking": False}, budget=("thinking_budget",)),
)

# docs.baseten.co/inference/model-apis/reasoning: these are switched; DeepSeek, gpt-oss and GLM-5.2 take efforts.
BASETEN: Final = (_switch(_TEMPLATE_OF_BASETEN, "enable_thinking", r"kimi-k2\.|glm-4|glm-5(\.1)?$"),)

# support.crusoecloud.com/hc/en-us/articles/51230217080347: by DeepSeek's own word. Of others nothing is documented.
CRUSOE: Final = (_switch(_TEMPLATE, "thinking", "deepseek-v4"),)

# api-docs.deepseek.com/guides/thinking_mode: every effort but `none`. Reasoning must come back with tool calls, and is
# ignored elsewhere.
DEEPSEEK: Final = (Control(off=_DO_NOT_THINK),)

# docs.fireworks.ai/guides/reasoning: an effort, or Anthropic's form of a budget.
FIREWORKS: Final = (Control(on=_THINK, budget=("thinking", "budget_tokens")),)

# github.com/mlhher/late-cli/discussions/92
LLAMACPP: Final = (Control(budget=("thinking_budget_tokens",)),)

# github.com/agno-agi/agno, thinking mode of Kimi: K2 is switched, K3 always reasons.
MOONSHOT: Final = (Control(models="kimi-k2", efforts=False, on=_THINK, off=_DO_NOT_THINK),)

# docs.api.nvidia.com/nim/reference, nemotron-3-super-120b-a12b and nemotron-3-nano-omni-30b-a3b-reasoning: a switch,
# and a limit. GLM: github.com/anomalyco/opencode/issues/13584, which quotes its page. Older Nemotrons are told in the
# system prompt (docs.nvidia.com/nim/large-language-models), and of others nothing is documented.
NVIDIA: Final = (
    _switch(_TEMPLATE, "enable_thinking", "nemotron-3", budget=("reasoning_budget",)),
    _switch(_TEMPLATE, "enable_thinking", "glm"),
)

# openrouter.ai/docs/use-cases/reasoning-tokens, and Vercel's AI Gateway:
# vercel.com/docs/ai-gateway/sdks-and-apis/openai-chat-completions/reasoning
OPENROUTERS: Final = (Control(budget=("reasoning", "max_tokens")),)

# docs.together.ai/docs/inference/chat/reasoning: models that can do both are switched; gpt-oss takes efforts; the
# others always reason, or never.
TOGETHER: Final = (_switch("reasoning", "enabled", r"deepseek-v|glm-|kimi-k2\.|qwen3\.|cogito"),)

# huggingface.co/poolside/Laguna-S-2.1-NVFP4/discussions/9
VLLM: Final = (Control(budget=("thinking_token_budget",)),)

# mimo.mi.com/docs/en-US/quick-start/usage-guide/other/deep-thinking: a switch. Reasoning must come back with tool
# calls, or it is a 400.
XIAOMI: Final = (Control(efforts=False, on=_THINK, off=_DO_NOT_THINK),)

# docs.z.ai/guides/capabilities/thinking-mode: a switch; efforts from GLM-5.2 on, which older ones ignore:
# github.com/nesquena/hermes-webui/releases/tag/exp-v0.52.105.
ZAI: Final = (
    Control(models=r"glm-(5\.[2-9]|[6-9]|\d\d)", off=_DO_NOT_THINK),
    Control(efforts=False, on=_THINK, off=_DO_NOT_THINK),
)
