"""The handle and the stream of a manager that has instruments, for plain blocking code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bridgekit.blocking.handle import Backend
from bridgekit.blocking.stream import Stream
from bridgekit.errors import CallCancelled
from bridgekit.host.arguments import checked_items
from bridgekit.host.instruments import Instruments, ObservedCall

if TYPE_CHECKING:
    from bridgekit.blocking.channel import Channel

__all__ = ["handle_for"]


def handle_for(instruments: Instruments) -> type[Backend]:
    """Return the class of handles that tell ``instruments``; the plain one if there are none."""
    if not instruments:
        return Backend
    return type("Backend", (_ObservedBackend,), {"_instruments": instruments})


class _ObservedBackend(Backend):
    _instruments: Instruments

    def _opened(self, channel: Channel) -> None:
        """Nothing: each call is to be told of."""

    def call(self, method: str, params: Any = None, **options: Any) -> Any:
        told = self._instruments.call(self.name, method, "call")
        try:
            result = super().call(told.name, params, **options)
        except BaseException as error:
            told.end(error)
            raise
        told.end()
        return result

    def call_many(self, method: str, items: Iterable[Any], **options: Any) -> list[Any]:
        items = list(checked_items(items))
        told = self._instruments.call(self.name, method, "many", len(items))
        try:
            results = super().call_many(told.name, items, **options)
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

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except StopIteration:
            self._told.end()
            raise
        except BaseException as error:
            self._told.end(error)
            raise

    def close(self) -> None:
        super().close()
        self._told.end(CallCancelled("its consumer left the stream"))

    def __del__(self) -> None:
        super().__del__()
        self._told.end(CallCancelled("its consumer left the stream"))
