"""What a bundle is built for."""

from __future__ import annotations

from dataclasses import dataclass

# Amazon Linux 2023, under Lambda's Python 3.12 and later, has glibc 2.34; a wheel for any older one runs there too.
GLIBC_MINORS = (34, 31, 28, 17)
PROCESSORS = {"arm64": "aarch64", "x86_64": "x86_64"}


@dataclass(frozen=True, slots=True)
class Target:
    """``python`` is major.minor; ``arch`` is Lambda's name for the processor."""

    python: str
    arch: str

    @property
    def processor(self) -> str:
        """The name that wheels use."""
        return PROCESSORS[self.arch]

    @property
    def uv_platform(self) -> str:
        return f"{self.processor}-manylinux_2_{GLIBC_MINORS[0]}"

    @property
    def pip_platforms(self) -> list[str]:
        """pip takes each of them literally, where uv knows that the newest includes the others."""
        return [f"manylinux_2_{minor}_{self.processor}" for minor in GLIBC_MINORS] + [f"manylinux2014_{self.processor}"]
