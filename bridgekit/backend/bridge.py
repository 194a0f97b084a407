"""``PythonBridge``, the class that a backend's author subclasses."""

from __future__ import annotations

from _thread import RLock

from bridgekit.errors import BridgeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from bridgekit.backend.host import HostProxy
    from bridgekit.backend.loop import Loop

__all__ = ["PythonBridge"]

_MOST_EARLY = 10_000
"""Events that are kept from before :meth:`PythonBridge.run`."""

EARLY = RLock()
"""Held while such events are kept or sent, so that none is lost or overtaken by a later one."""


class PythonBridge:
    """A backend: its public methods can be called by the host that started the process.

    ::

        class Counter(PythonBridge):
            def add(self, a: int, b: int) -> int:
                return a + b

        if __name__ == "__main__":
            Counter().run()

    Plain methods run alone, on the main thread, in order of arrival. Generator methods stream,
    ``async def`` methods run on an event loop of their own thread, and ``@expose(concurrent=
    True)`` puts a plain one on a worker thread. ``state`` is a dict for whatever the backend
    wants to remember between calls; a dict of that name in the class is what it begins with,
    copied for each instance. Override :meth:`on_start` and :meth:`on_stop` for work
    around the whole life, :meth:`ready` and :meth:`shutdown` for what those commands answer.
    """

    wire = "native"
    """The wire format this backend speaks when neither its host nor its user chose one."""

    max_concurrent = 16
    """How many calls of concurrent methods run at a time; the others wait."""

    state: dict[str, Any]
    _bridgekit_loop: Optional[Loop]
    _bridgekit_stopped: bool
    _bridgekit_early: list[tuple[str, Any]]

    def __new__(cls, *args: Any, **options: Any) -> Any:
        # Not in __init__: a subclass may forget to call it. Long names: the short ones are the
        # authors', who often have a method ``_loop`` or an attribute ``host``.
        self = super().__new__(cls)
        state = getattr(cls, "state", None)
        if isinstance(state, dict):
            self.state = state.copy()
        elif not hasattr(cls, "state"):
            self.state = {}
        self._bridgekit_loop = None
        self._bridgekit_stopped = False
        self._bridgekit_early = []
        return self

    def __init__(self) -> None:
        pass

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "_running" in cls.__dict__:  # as older bridges declared it; ours must stay in charge
            del cls._running

    @property
    def _running(self) -> bool:
        """Whether the backend is not about to end; set it to False to end it.

        The call that is running is answered first, and the stop hook runs.
        """
        loop = self._bridgekit_loop
        return not self._bridgekit_stopped and (loop is None or loop.ending is None)

    @_running.setter
    def _running(self, value: bool) -> None:
        if value:
            return
        self._bridgekit_stopped = True
        if self._bridgekit_loop is not None:
            self._bridgekit_loop.stop("stopped")

    @_running.deleter
    def _running(self) -> None:
        raise AttributeError("_running belongs to PythonBridge")

    @property
    def host(self) -> HostProxy:
        """The functions that the host offers: ``self.host.name(a=1)``.

        See :class:`bridgekit.backend.host.HostProxy` for timeouts and ``async`` use.
        """
        if "_bridgekit_host" in self.__dict__:
            return self.__dict__["_bridgekit_host"]  # type: ignore[no-any-return]
        from bridgekit.backend.host import HostProxy

        return HostProxy(self)

    @host.setter
    def host(self, value: Any) -> None:
        self.__dict__["_bridgekit_host"] = value  # older bridges have a use of their own for it

    def run(self) -> None:
        """Serve the host on stdin and stdout until it says shutdown, goes away, or SIGTERM.

        Call it last, from the main thread, under ``if __name__ == "__main__":``. Raises
        BridgeError when the class cannot be served, and SystemExit when the end was no success.
        """
        from bridgekit.backend.runner import run

        run(self)

    def send_event(self, topic: str, data: Any = None) -> None:
        """Tell the host something, from any thread; ``topic`` is any text not starting with $.

        Sent inside a call, the event is tied to that call. Raises EncodeError when ``data``
        cannot be sent. Blocks when the host has stopped reading.
        """
        if topic.__class__ is not str or topic[:1] == "$":
            raise ValueError(f"a topic is text that does not start with '$', not {topic!r}")
        loop = self._bridgekit_loop
        if loop is None:
            with EARLY:
                loop = self._bridgekit_loop
                if loop is None:
                    if len(self._bridgekit_early) >= _MOST_EARLY:
                        raise BridgeError(f"more than {_MOST_EARLY} events were sent before run()")
                    self._bridgekit_early.append((topic, data))
                    return
        loop.send_event(topic, data)

    def ready(self) -> dict[str, Any]:
        """Return what the ready frame and the ``ready`` command say; override to say more."""
        from bridgekit.backend.runner import python_version

        return {"status": "ready", "python_version": python_version()}

    def shutdown(self) -> Any:
        """End the backend; return what the ``shutdown`` command answers.

        The stop hook runs before that answer is sent.
        """
        self._running = False
        return {"status": "shutdown"}

    def on_start(self) -> Any:
        """Runs on the main thread before the backend says that it is ready; may be async."""

    def on_stop(self) -> Any:
        """Runs once on the main thread before the backend ends, however it ends; may be async.

        Not when the process is killed.
        """
