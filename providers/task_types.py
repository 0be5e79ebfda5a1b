"""What Google's embeddings may be made for, at AI Studio and on Vertex AI.

https://ai.google.dev/gemini-api/docs/embeddings#task-types
"""

from __future__ import annotations

from typing import Final

_TASKS: Final = {
    "query": "RETRIEVAL_QUERY",
    "search_query": "RETRIEVAL_QUERY",
    "document": "RETRIEVAL_DOCUMENT",
    "passage": "RETRIEVAL_DOCUMENT",
    "search_document": "RETRIEVAL_DOCUMENT",
}


def task_type(word: str) -> str:
    """Google's name for what others call so. A word without one is taken for Google's own, whatever its case."""
    return _TASKS.get(word.lower(), word.upper())
