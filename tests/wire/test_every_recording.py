"""No recording lies there unread: each is replayed by a family of tests, or its API is one that Sabir does not serve.

A recording of an API known here that nobody replays turns this red, and so does a row that is about nothing any more.
Of an API that is new in the folder it says so, by a skip: that somebody records more breaks nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from providers.registry import find, names
from tests.providers.anthropic import recording as anthropic
from tests.providers.bedrock import recording as bedrock
from tests.providers.cohere import recording as cohere
from tests.providers.google import recording as google
from tests.providers.responses import recording as responses
from tests.providers.test_token_count import RECORDED as COUNTED
from tests.wire.chat_replay import is_error, is_stream, is_whole
from tests.wire.recordings import FOLDER, OWN, Recording, recordings
from tests.wire.test_embeddings_wire import of_embeddings

if TYPE_CHECKING:
    from collections.abc import Collection

ROOT: Final = Path(__file__).parents[2]

# What each family of tests replays: the very lists that it is parametrised with.
FAMILIES: Final[dict[str, Collection[str]]] = {
    "tests/wire/test_openai_chat_wire.py": [
        each.path for each in recordings() if is_stream(each) or is_whole(each) or is_error(each)
    ],
    "tests/wire/test_embeddings_wire.py": [each.path for each in recordings() if of_embeddings(each)],
    "tests/providers/anthropic/test_anthropic_recorded_answers.py": anthropic.CASES,
    "tests/providers/bedrock/test_bedrock_recorded_answers.py": [*bedrock.CASES, *bedrock.REFUSED_ELSEWHERE],
    "tests/providers/cohere/test_cohere_recorded_answers.py": cohere.CASES,
    "tests/providers/google/test_google_recorded_answers.py": google.CASES,
    "tests/providers/responses/test_responses_recorded_answers.py": responses.CASES,
    "tests/providers/test_token_count.py": COUNTED,
}

# By the folder of the API. Sabir serves chat completions, embeddings and counts, and asks the providers for these alone.
NOT_SERVED: Final = {
    "audio.transcriptions": "text from sound is no chat",
    "cachedContents": "a store at Google, which a client fills itself; a chat names what is in it by `cached_content`",
    "completions": "OpenAI's API before chat, closed to new models: a prompt goes on, and nobody answers",
    "conversations": "state kept at OpenAI",
    "images": "pictures",
    "interactions": "Google's other API, with state kept there; Gemini is asked by generateContent",
    "models": "GET /v1/models is answered from the catalogue, and no provider is asked",
    "moderations": "a judgement, not an answer",
    "ocr": "a document's text, not an answer",
    "ollama.chat": "Ollama's own API; it is asked by OpenAI's, which it has too",
    "rerank": "an order of documents",
    "responses.compact": "state kept at OpenAI, shortened",
    "responses.retrieve": "an answer that was kept at OpenAI, asked for again",
    "workers-ai": "Cloudflare's own API; it is no provider here, and has OpenAI's beside it",
}

# Answers by their wire: the forms of single models under InvokeModel. A chat is asked by Converse.
NOT_ASKED: Final = {
    "invoke-amazon": "Titan's own form, for a prompt that goes on",
    "invoke-unknown": "an imported model's own form, which is that of OpenAI's API before chat",
}

# Single ones of an API that is otherwise replayed, by a part of their path.
NOT_REPLAYED: Final = {
    "anthropic-claude-v2-1-invoke": "Anthropic's API before messages, which Bedrock keeps for Claude 2: a prompt goes on",
    "openai/count_tokens": "a count of what the Responses API would read; docs/tokens.md says why it is not asked",
}


def api_of(recording: Recording) -> str:
    return recording.path.split("/")[1]


def reasons_for(recording: Recording) -> list[str]:
    """Why it is not replayed."""
    said = [NOT_SERVED.get(api_of(recording)), NOT_ASKED.get(recording.wire) if recording.status == 200 else None]
    said += [reason for part, reason in NOT_REPLAYED.items() if part in recording.path]
    return [reason for reason in said if reason]


def of_the_folder() -> list[Recording]:
    """All but what `make record` wrote, which is of the wires that are replayed by name of wire."""
    found = [each for each in recordings() if not each.path.startswith(str(OWN))]
    if not found:
        pytest.skip(f"no recorded traffic at {FOLDER.name}")
    return found


def test_every_recording_is_replayed_or_its_api_is_not_served() -> None:
    replayed = {path for paths in FAMILIES.values() for path in paths}
    unread = [each for each in of_the_folder() if each.path not in replayed and not reasons_for(each)]
    both = [each.path for each in of_the_folder() if each.path in replayed and reasons_for(each)]
    known = {api_of(each) for each in of_the_folder() if each.path in replayed}
    assert ([each.path for each in unread if api_of(each) in known], both) == ([], [])
    if unread:
        pytest.skip(f"APIs that nobody has looked at yet: {', '.join(sorted({api_of(each) for each in unread}))}")


def test_no_family_is_empty_and_no_reason_is_about_nothing() -> None:
    found = of_the_folder()
    for file, paths in FAMILIES.items():
        assert paths, file
        assert (ROOT / file).is_file()
        assert set(paths) <= {each.path for each in recordings()}, file
    assert {api_of(each) for each in found if api_of(each) in NOT_SERVED} == NOT_SERVED.keys()
    assert {each.wire for each in found if each.wire in NOT_ASKED} == NOT_ASKED.keys()
    for part in NOT_REPLAYED:
        assert [each for each in found if part in each.path], part


def test_every_recorded_provider_can_be_asked_by_name_but_for_four() -> None:
    """These are reached as `openai` or `vllm` at their own base URL, and are replayed so; of Cloudflare there is only
    its own API."""
    without_a_row = {each.provider for each in of_the_folder()} - set(names())
    assert without_a_row >= {"cloudflare", "copilot", "gpustack", "snowflake"}
    replayed = {path for paths in FAMILIES.values() for path in paths}
    for provider in {each.provider for each in of_the_folder()} - without_a_row:
        assert find(provider).name == provider
        assert any(each.path in replayed for each in of_the_folder() if each.provider == provider), provider
