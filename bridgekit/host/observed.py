"""The handle and the stream of a manager that has instruments, on an event loop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bridgekit.errors import CallCancelled
from bridgekit.host.arguments import checked_items
from bridgekit.host.handle import Backend
from bridgekit.host.instruments import Instruments, ObservedCall
from bridgekit.host.stream import Stream

__all__ = ["handle_for"]


def handle_for(instruments: Instruments) -> type[Backend]:
    """Return the class of handles that tell ``instruments``; the plain one if there are none."""
    if not instruments:
        return Backend
    return type("Backend", (_ObservedBackend,), {"_instruments": instruments})


class _ObservedBackend(Backend):
    _instruments: Instruments

    async def call(self, method: str, params: Any = None, **options: Any) -> Any:
        told = self._instruments.call(self.name, method, "call")
        try:
            result = await super().call(told.name, params, **options)
        except BaseException as error:
            told.end(error)
            raise
        told.end()
        return result

    async def call_many(self, method: str, items: Iterable[Any], **options: Any) -> list[Any]:
        items = list(checked_items(items))
        told = self._instruments.call(self.name, method, "many", len(items))
        try:
            results = await super().call_many(told.name, items, **options)
        except BaseException as error:
            told.end(error)
            raise
        told.end()
        return results

    def stream(self, method: str, params: Any = None, **options: Any) -> Stream[Any]:
        told = self._instruments.call(self.name, method, "stream")
        stream = super().stream(told.name, params, **options)
        stream.__class__ = _ObservedStream
        stream._told = told  # type: ignore[attr-defined]
        return stream


class _ObservedStream(Stream[Any]):
    _told: ObservedCall

    async def __anext__(self) -> Any:
        try:
            return await super().__anext__()
        except StopAsyncIteration:
            self._told.end()
            raise
        except BaseException as error:
            self._told.end(error)
            raise

    def _cancel(self) -> None:
        super()._cancel()
        self._told.end(CallCancelled("its consumer left the stream"))

    def __del__(self) -> None:
        super().__del__()
        self._told.end(CallCancelled("its consumer left the stream"))
