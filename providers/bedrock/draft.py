"""What is known while a request is being put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from providers.jsonwalk import text

if TYPE_CHECKING:
    from providers.bedrock.profile import Model
    from providers.jsonwalk import JsonObject

_LOST_CACHE = "messages[].content[].cache_control"


@dataclass(slots=True)
class Draft:
    """`documents`: the names given out so far."""

    model: Model
    documents: set[str] = field(default_factory=set)
    _dropped: dict[str, None] = field(default_factory=dict)

    def drop(self, name: str) -> None:
        self._dropped[name] = None

    @property
    def dropped(self) -> tuple[str, ...]:
        """Names of what is left out, each once, in the order in which it was met."""
        return tuple(self._dropped)

    def cached(self, blocks: list[JsonObject], cache: JsonObject | None, lost: str = _LOST_CACHE) -> list[JsonObject]:
        """`blocks`, and after them the cache point that `cache_control` is: all that stands before it is cached.

        `lost`: what to name where the model takes none there, or where there is nothing to stand behind.
        """
        if cache is None:
            return blocks
        in_tools = lost.startswith("tools")
        if not blocks or self.model.cache == "nowhere" or (in_tools and self.model.cache == "content"):
            self.drop(lost)
            return blocks
        point: JsonObject = {"type": "default"}
        ttl = text(cache, "ttl")
        if ttl is not None:
            if self.model.cache == "everywhere":
                point["ttl"] = ttl
            else:
                self.drop(f"{lost}.ttl")
        return [*blocks, {"cachePoint": point}]
