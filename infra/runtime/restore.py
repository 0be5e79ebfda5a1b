"""SnapStart: what a runtime owes the platform around the snapshot.

After the imports it runs the hooks registered for before the snapshot, last registered first, and asks
``/restore/next``, which returns in a restored copy of the process. Then come the hooks for after the restore. AWS
documents the calls for runtimes in container images; its own Python runtime does the same on the managed one.

Start-up proper (the ASGI lifespan) belongs after the restore: a socket opened before it is dead, and randomness drawn
before it is the same in every copy.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from infra.runtime.fault import Fault

if TYPE_CHECKING:
    from infra.runtime.api import RuntimeApi

# The exit codes of AWS's own Python runtime.
EXIT_BEFORE_SNAPSHOT = 64
EXIT_AFTER_RESTORE = 65

Hook = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class RestoreError(Exception):
    """A hook failed and the platform has been told; the process is to exit with ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


async def snapshot_and_restore(api: RuntimeApi) -> None:
    """Returns in the restored process.

    Raises:
        RestoreError: a hook failed.
    """
    try:
        _run(_hooks("get_before_snapshot", last_first=True))
        await api.restore_next()
    except Exception as exc:
        fault = Fault.with_text(exc)
        fault.log()
        api.close()
        await api.fail_init(Fault("Runtime.BeforeSnapshotError", fault.message, fault.stack))
        raise RestoreError(EXIT_BEFORE_SNAPSHOT) from exc
    # The connection that asked was opened before the snapshot.
    api.close()
    try:
        _run(_hooks("get_after_restore", last_first=False))
    except Exception as exc:  # noqa: BLE001 - `refuse` raises on
        await refuse(api, exc)


async def refuse(api: RuntimeApi, exc: Exception) -> None:
    """Tells the platform that the restored process cannot serve. Always raises RestoreError."""
    fault = Fault.with_text(exc)
    fault.log()
    await api.fail_restore(Fault("Runtime.AfterRestoreError", fault.message, fault.stack))
    raise RestoreError(EXIT_AFTER_RESTORE) from exc


def _hooks(getter: str, *, last_first: bool) -> Iterable[Hook]:
    # AWS's registry ships with the managed runtime. If nothing has imported it, nothing can have registered.
    registry = sys.modules.get("snapshot_restore_py")
    if registry is None:
        return ()
    hooks: list[Hook] = list(getattr(registry, getter)())
    return reversed(hooks) if last_first else hooks


def _run(hooks: Iterable[Hook]) -> None:
    for hook, args, kwargs in hooks:
        hook(*args, **kwargs)
