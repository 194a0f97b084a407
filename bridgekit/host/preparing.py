"""What must be waited for before a backend can be planned, kept off the event loop."""

from __future__ import annotations

import anyio.to_thread

from bridgekit.host.scripts import script_python, unprepared_script
from bridgekit.policy.spec import BackendSpec

__all__ = ["prepare"]


async def prepare(spec: BackendSpec) -> None:
    """Let uv install what the spec's script says it needs, in a thread; usually nothing.

    Raises BackendStartError. Cancelling leaves uv to end by itself.
    """
    script = unprepared_script(spec.target, spec.python, spec.cwd)
    if script is not None:
        await anyio.to_thread.run_sync(script_python, script, abandon_on_cancel=True)
