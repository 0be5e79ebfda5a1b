"""What Lambda tells the runtime in the environment (developer guide, "Defined runtime environment variables")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Settings:
    """``handler`` is ``package.module.attribute``; ``concurrency`` is 1 but on Lambda Managed Instances."""

    api_address: str
    handler: str
    concurrency: int = 1
    streaming: bool = True
    snap_start: bool = False

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Settings:
        """Raises KeyError outside of Lambda, where the two variables without a default are absent."""
        return cls(
            api_address=env["AWS_LAMBDA_RUNTIME_API"],
            handler=env["_HANDLER"],
            concurrency=int(env.get("AWS_LAMBDA_MAX_CONCURRENCY") or 1),
            # `sam local` sets this and answers 502 to anything but whole proxy JSON.
            streaming=env.get("AWS_SAM_LOCAL") != "true",
            snap_start=env.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start",
        )
