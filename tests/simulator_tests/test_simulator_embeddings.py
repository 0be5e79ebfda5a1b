"""The official OpenAI SDK against the simulated embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openai as sdk
import pytest

from tests.simulator import Simulator, Status

if TYPE_CHECKING:
    from openai import AsyncOpenAI

SMALL = "text-embedding-3-small"


async def test_a_vector_depends_on_its_input_alone(openai: AsyncOpenAI) -> None:
    first = await openai.embeddings.create(model=SMALL, input=["a", "b"])
    again = await openai.embeddings.create(model=SMALL, input=["b"])
    assert first.data[1].embedding == again.data[0].embedding != first.data[0].embedding
    assert len(again.data[0].embedding) == 1536
    assert len((await openai.embeddings.create(model=SMALL, input=[1, 2], dimensions=8)).data[0].embedding) == 8


async def test_numbers_and_base64_say_the_same(openai: AsyncOpenAI) -> None:
    packed = await openai.embeddings.create(model=SMALL, input="a", dimensions=8)
    listed = await openai.embeddings.create(model=SMALL, input="a", dimensions=8, encoding_format="float")
    assert packed.data[0].embedding == pytest.approx(listed.data[0].embedding, rel=1e-7)


async def test_it_refuses_as_openai_does(openai: AsyncOpenAI, simulator: Simulator) -> None:
    with pytest.raises(sdk.NotFoundError):
        await openai.embeddings.create(model="gpt-4", input="a")
    with pytest.raises(sdk.BadRequestError):
        await openai.embeddings.create(model=SMALL, input="a", extra_body={"encoding_format": "int8"})
    simulator.next(Status(503))
    with pytest.raises(sdk.InternalServerError):
        await openai.embeddings.create(model=SMALL, input="a")
