"""Strategies for neutral chat requests that OpenAI's wire can say."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from providers.chat import (
    Assistant,
    Audio,
    ChatRequest,
    Document,
    FileId,
    FunctionTool,
    Image,
    Inline,
    JsonSchema,
    Message,
    NamedTool,
    NativeTool,
    Reasoning,
    Refusal,
    ResponseFormat,
    Source,
    System,
    Text,
    ToolCall,
    ToolResult,
    Url,
    User,
)

OWN = Source("openai-chat", b"{}")

words = st.text(max_size=12)
names = st.text(min_size=1, max_size=8)
objects: st.SearchStrategy[dict[str, Any]] = st.dictionaries(words, st.integers() | words, max_size=2)
caches = st.none() | st.just({"type": "ephemeral"})
media = st.sampled_from(["image/png", "application/pdf", "audio/ogg"])
base64s = st.text(alphabet="ABCabc123+/=", max_size=12)
urls = st.builds(Url, st.just("https://example.test/").flatmap(lambda root: words.map(root.__add__)))
inlines = st.builds(Inline, media, base64s)
texts = st.builds(Text, words, caches)
images = st.builds(Image, urls | inlines, st.none() | st.sampled_from(["low", "high"]), caches)
documents = st.builds(Document, urls | inlines | st.builds(FileId, names), st.none() | names, caches)
asked = st.one_of(texts, images, documents, st.builds(Audio, base64s, st.sampled_from(["wav", "mp3"])))
content = st.lists(asked, min_size=1, max_size=3).map(tuple)
plain = st.lists(texts, min_size=1, max_size=2).map(tuple)
thoughts = st.builds(Reasoning, words, words, words, words, words)
calls = st.builds(ToolCall, names, names, names, st.sampled_from(["function", "custom"]), caches)
answers = st.lists(texts | st.builds(Refusal, words), max_size=3).map(tuple)
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(System, plain, st.none() | names),
    st.builds(User, content, st.none() | names),
    st.builds(ToolResult, names, plain, st.none() | st.booleans(), caches),
    st.builds(
        Assistant, answers.filter(bool), st.lists(thoughts, max_size=3).map(tuple), st.just(()), st.none() | names
    ),
    st.builds(Assistant, answers, st.just(()), st.lists(calls, min_size=1, max_size=3).map(tuple)),
)
tools = st.one_of(
    st.builds(FunctionTool, names, st.none() | words, st.none() | objects, st.none() | st.booleans(), caches),
    st.just(NativeTool("web_search", {"type": "web_search", "depth": 0})),
)
formats: st.SearchStrategy[ResponseFormat | None] = st.one_of(
    st.none(),
    st.just("text"),
    st.just("json_object"),
    st.builds(JsonSchema, names, objects, st.none() | words, st.none() | st.booleans()),
)
floats = st.none() | st.floats(0, 2)
integers = st.none() | st.integers(0, 9)
flags = st.none() | st.booleans()


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    return ChatRequest(
        model=draw(names),
        messages=tuple(draw(st.lists(messages, min_size=1, max_size=4))),
        source=OWN,
        tools=tuple(draw(st.lists(tools, max_size=2))),
        tool_choice=draw(st.sampled_from([None, "auto", "none", "required", NamedTool("f")])),
        parallel_tool_calls=draw(flags),
        response_format=draw(formats),
        temperature=draw(floats),
        top_p=draw(floats),
        top_k=draw(integers),
        frequency_penalty=draw(floats),
        presence_penalty=draw(floats),
        seed=draw(integers),
        stop=draw(st.none() | st.lists(words, max_size=2).map(tuple)),
        n=draw(integers),
        logprobs=draw(flags),
        top_logprobs=draw(integers),
        max_tokens=draw(integers),
        reasoning_effort=draw(st.sampled_from([None, "none", "low", "max"])),
        reasoning_budget=draw(integers),
        stream=(stream := draw(st.booleans())),
        include_usage=stream,  # a stream that we ask for always reports it
        user=draw(st.none() | words),
        metadata=draw(st.none() | objects),
        extra=draw(st.dictionaries(words.map("x_".__add__), st.integers() | words, max_size=2)),
    )
