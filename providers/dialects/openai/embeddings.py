"""OpenAI's embeddings as a client speaks them: https://platform.openai.com/docs/api-reference/embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn, TypeGuard, get_args

from providers import vectors
from providers.chat import Source
from providers.dialects.reader import read_body
from providers.embedding import WIRE, EmbeddingRequest, EncodingFormat
from providers.jsonwalk import dump

if TYPE_CHECKING:
    from providers.dialects.reader import Reader
    from providers.embedding import Embeddings, Input, Tokens
    from providers.jsonwalk import Json, JsonObject
    from providers.usage import Usage

# OpenAI's own bound, and every client's that cuts its texts into requests.
MAX_INPUTS: Final = 2048

_TYPED: Final = frozenset({"model", "input", "dimensions", "encoding_format", "input_type", "user"})
# Hosts' words for the type of the numbers: Mistral's and Voyage's, and NVIDIA's.
_NUMBER_TYPES: Final = ("output_dtype", "embedding_type")


def parse_embedding_request(body: bytes) -> EmbeddingRequest:
    """Raises `InvalidRequest`, naming the member at fault in `param`."""
    reader = read_body(body)
    value = reader.value
    model = reader.need_text("model")
    inputs = _inputs(reader)
    dimensions = reader.integer("dimensions")
    if dimensions is not None and dimensions < 1:
        reader.invalid("dimensions", "it must be at least 1")
    wanted = reader.text("encoding_format")
    types = [reader.text(name) for name in _NUMBER_TYPES]
    return EmbeddingRequest(
        model=model,
        inputs=inputs,
        source=Source(WIRE, body, value),
        dimensions=dimensions,
        encoding_format=wanted if _is_known(wanted) else "float",
        input_type=reader.text("input_type"),
        native=not (wanted is None or _is_known(wanted)) or any(kind not in (None, "float") for kind in types),
        user=reader.text("user"),
        extra={name: member for name, member in value.items() if name not in _TYPED and member is not None},
    )


def embeddings_body(answer: Embeddings, encoding_format: EncodingFormat, model: str) -> bytes:
    """`model`: where the provider does not name one. The vectors are not JSON yet, and need no second writing."""
    if encoding_format == "base64":
        written = [f'"{vectors.to_base64(vector)}"' for vector in answer.vectors]
    else:
        written = [vectors.to_json(vector) for vector in answer.vectors]
    items = ",".join(
        f'{{"object":"embedding","index":{index},"embedding":{text}}}' for index, text in enumerate(written)
    )
    rest: JsonObject = {"model": answer.model or model, **answer.fields}
    if answer.usage is not None:
        rest["usage"] = _usage_object(answer.usage)
    return b'{"object":"list","data":[' + items.encode("ascii") + b"]," + dump(rest)[1:]


def _usage_object(usage: Usage) -> JsonObject:
    """An embedding has no completion, so OpenAI names none."""
    total = usage.prompt + usage.completion
    return {"prompt_tokens": usage.prompt, "total_tokens": total, **usage.extra}


def _is_known(word: str | None) -> TypeGuard[EncodingFormat]:
    return word in get_args(EncodingFormat)


def _inputs(reader: Reader) -> tuple[Input, ...]:
    """A string, tokens, or a list of either kind, never mixed."""
    value = reader.value.get("input")
    match value:
        case None:
            return reader.missing("input")
        case str():
            return (value,)
        case []:
            return reader.invalid("input", "it is empty")
        case [int(), *_]:
            return (_tokens(reader, value),)
        case [*_]:
            if len(value) > MAX_INPUTS:
                reader.invalid("input", f"it has {len(value)} items, over the {MAX_INPUTS} that a request may have")
            return tuple(_each(reader, value))
        case _:
            return reader.mistyped("input", "a string or an array")


def _each(reader: Reader, items: list[Json]) -> list[Input]:
    if all(isinstance(item, str) for item in items):
        return [item for item in items if isinstance(item, str)]
    if not all(isinstance(item, list) and item for item in items):
        _mixed(reader)
    return [_tokens(reader, item) for item in items]


def _tokens(reader: Reader, items: Json) -> Tokens:
    ids = tuple(item for item in items if type(item) is int and item >= 0) if isinstance(items, list) else ()
    if not isinstance(items, list) or len(ids) != len(items):
        _mixed(reader)
    return ids


def _mixed(reader: Reader) -> NoReturn:
    reader.invalid("input", "it must be a string, an array of strings, or tokens as an array of integers or of arrays")
