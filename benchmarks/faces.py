"""One way to measure every face of the host: the blocking one is used from threads of its own.

``async with open_manager(face) as manager`` gives a manager whose methods are awaited. With
``"blocking"`` each of them runs in a worker thread, which adds a tenth of a millisecond: for
figures that count in milliseconds and more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

__all__ = ["FACES", "loop_of", "open_manager"]

FACES = ("asyncio", "trio", "blocking")
_THREADS = 200


def loop_of(face: str) -> str:
    """The event loop to measure ``face`` on."""
    return "asyncio" if face == "blocking" else face


class _Awaited:
    """Awaits the methods of something blocking; what else it has is handed out as it is."""

    def __init__(self, inner: Any, limiter: Any) -> None:
        self._inner = inner
        self._limiter = limiter

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        return self._awaited(value) if callable(value) else value

    def _awaited(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def run(*args: Any, **options: Any) -> Any:
            import anyio.to_thread

            step = partial(function, *args, **options)
            result = await anyio.to_thread.run_sync(step, limiter=self._limiter)
            return _Awaited(result, self._limiter) if hasattr(result, "terminate") else result

        return run


@asynccontextmanager
async def open_manager(face: str, **options: Any) -> AsyncIterator[Any]:
    """Open a manager of ``face``."""
    if face != "blocking":
        from bridgekit import ProcessManager

        async with ProcessManager(**options) as manager:
            yield manager
        return
    import anyio
    import anyio.to_thread

    from bridgekit.blocking import ProcessManager as BlockingManager

    blocking = BlockingManager(**options)
    try:
        yield _Awaited(blocking, anyio.CapacityLimiter(_THREADS))
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(blocking.close)
