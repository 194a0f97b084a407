"""What SIGTERM, SIGINT and our own SIGURG do to a backend.

SIGTERM and SIGINT stop it in order; a second one ends it at once. SIGURG, which does nothing
unless somebody asks for it, is how another thread raises :class:`bridgekit.Cancelled` in the
main thread: a handler that raises gets through even to ``time.sleep``. Windows has none; there
the handler of SIGINT does it, and does not get through to what blocks.
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident, interrupt_main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bridgekit.backend.loop import Loop

__all__ = ["SIGINT", "SIGTERM", "Signals"]

SIGINT, SIGTERM = 2, 15


class Signals:
    """The handlers of one loop; they live in the main thread or not at all."""

    def __init__(self, loop: Loop, wakeup: int) -> None:
        self._loop = loop
        self._main = get_ident()
        self._seen = 0
        self.harmless = b"\0"  # bytes in the wakeup pipe that need nobody's attention
        self._asked = False
        self._old: list[tuple[int, Any]] = []
        self._masks: dict[int, Any] = {}
        try:
            import _signal  # type: ignore[import-not-found]
        except ImportError:  # pragma: no cover - every CPython has it
            return
        self._module = _signal
        self._urgent = int(getattr(_signal, "SIGURG", 0))
        self.harmless += bytes([self._urgent])
        try:
            for number in (SIGTERM, SIGINT):
                self._old.append((number, _signal.signal(number, self._stop)))
            if self._urgent:
                self._old.append((self._urgent, _signal.signal(self._urgent, self._interrupt)))
        except ValueError:  # not the main thread of the main interpreter
            self._main = 0
            return
        if sys.platform != "win32":
            try:
                _signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
            except (ValueError, OSError):
                pass

    def interrupt_main(self) -> bool:
        """Have the loop's handler run in the main thread now; False where that cannot be done."""
        if not self._main:
            return False
        if sys.platform != "win32" and self._urgent:
            self._module.pthread_kill(self._main, self._urgent)
        else:
            self._asked = True
            interrupt_main()
        return True

    def restore(self) -> None:
        """Put back what was there before."""
        for number, handler in self._old:
            if handler is not None:
                self._module.signal(number, handler)
        if self._main and sys.platform != "win32":
            self._module.set_wakeup_fd(-1)
        self._old = []
        self._main = 0

    def hold(self) -> None:
        """Let no signal in from here until :meth:`let_go`; this thread is about to fork.

        One for the copy that came before the copy has its own handlers would find ours, and be
        lost: whoever waits for the end of the workers that it has told to end would wait for ever.
        """
        if self._main and sys.platform != "win32":
            numbers = [number for number, _ in self._old]
            mask = self._module.pthread_sigmask(self._module.SIG_BLOCK, numbers)
            self._masks[get_ident()] = mask

    def let_go(self) -> None:
        """Let in again, in this thread, what :meth:`hold` has kept out."""
        mask = self._masks.pop(get_ident(), None)
        if mask is not None and sys.platform != "win32":
            self._module.pthread_sigmask(self._module.SIG_SETMASK, mask)

    def _stop(self, number: int, frame: object) -> None:
        if self._asked:
            self._asked = False
            self._loop.interrupt_here(frame)
            return
        self._seen += 1
        if self._seen > 1:
            os._exit(128 + number)
        self._loop.stop("signal", 128 + number if number == SIGINT else 0)
        self._loop.interrupt_here(frame)

    def _interrupt(self, number: int, frame: object) -> None:
        self._loop.interrupt_here(frame)
