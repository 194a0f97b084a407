"""The policy of one manager under threads: one lock, and no interrupt in the middle of a step.

A step of the policy must be done whole. A KeyboardInterrupt (or whatever a signal handler raises)
rises between any two bytecodes of the main thread, so that thread takes no step itself: it has
the janitor take it, and waits. Every other thread takes the lock. Locks are taken in one order:
the hub's, then a channel's, then a backend's for events; who holds a channel's lock (every hook
of a session does) asks the janitor where it needs the hub's.
"""

from __future__ import annotations

import logging
import threading
from _thread import allocate_lock, get_ident, start_new_thread
from collections.abc import Callable
from typing import Any, TypeVar

from bridgekit.blocking import janitor
from bridgekit.host.hub import ChangeQueue, Hub
from bridgekit.host.lifeline import forget_after_fork
from bridgekit.policy.lifecycle import StateChange

__all__ = ["Changes", "Errand", "SharedHub"]

T = TypeVar("T")

OURS = "an internal error; please report this to the authors of bridgekit"

logger = logging.getLogger("bridgekit")

_LOOK = 0.25
"""Seconds after which who waits for an errand looks whether the janitor has gone home."""


class Errand:
    """A step that is taken once, by whoever comes first; ``waiter`` is released then."""

    def __init__(self, hub: SharedHub, step: Callable[[], Any], *, awaited: bool = True) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = False
        self.waiter = allocate_lock()
        self.waiter.acquire()
        self._hub = hub
        self._step = step
        self._awaited = awaited
        self._claims = [True]

    def __call__(self) -> None:
        """Take the step, unless that was done already."""
        try:
            self._claims.pop()
        except IndexError:
            return
        try:
            with self._hub.lock:
                self.result = self._step()
        except BaseException as error:
            self.error = error
            if not self._awaited:
                logger.exception(OURS)
        self.done = True
        self.waiter.release()

    def outcome(self) -> Any:
        """Return what the step returned, or raise what it raised."""
        error, self.error = self.error, None
        if error is None:
            return self.result
        try:
            raise error
        finally:
            del error, self


class SharedHub(Hub):
    """What the backends of one blocking manager share; ``lock`` guards all of their policy."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.lock = threading.RLock()
        self.janitor: janitor.Janitor | None = None
        self._users: set[object] = set()
        self._main = threading.main_thread().ident
        forget_after_fork(self)

    # -- the janitor, while there is something to look after -----------------------------------------

    def hire(self, user: object) -> janitor.Janitor:
        """Keep the janitor for ``user``, however often it asks; :meth:`dismiss` it in the end.

        Interrupted, it raises that when it is done: half a janitor would never go home.
        """
        held = self.lock._is_owned()  # type: ignore[attr-defined]
        if get_ident() != self._main or self.janitor is not None or held:
            return self._hire(user)
        errand = Errand(self, lambda: self._hire(user))
        interrupt: KeyboardInterrupt | None = None
        begun = False
        while not errand.done:
            try:
                if not begun:
                    begun = True
                    start_new_thread(errand, ())
                errand.waiter.acquire()
            except KeyboardInterrupt as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt
        return errand.outcome()  # type: ignore[no-any-return]

    def _hire(self, user: object) -> janitor.Janitor:
        with self.lock:
            self._users.add(user)
            if self.janitor is None:
                self.janitor = janitor.hire()
            return self.janitor

    def dismiss(self, user: object) -> None:
        """``user`` needs it no more."""
        with self.lock:
            self._users.discard(user)
            if not self._users and self.janitor is not None:
                servant, self.janitor = self.janitor, None
                servant.dismiss()

    def close(self) -> None:
        """End all listening; nobody needs the janitor any more."""
        super().close()
        self._users.clear()
        self.dismiss(None)

    def is_main(self) -> bool:
        """Whether this is the thread in which interrupts rise."""
        return get_ident() == self._main

    # -- steps ---------------------------------------------------------------------------------------

    def run(self, step: Callable[[], T]) -> T:
        """Take ``step`` with the policy to itself, and return or raise what it does.

        Interrupted, it raises that, and the step is taken all the same.
        """
        servant = self.janitor
        if get_ident() != self._main or servant is None:
            with self.lock:
                return step()
        errand = Errand(self, step)
        servant.soon(errand)
        while not errand.done:
            if not errand.waiter.acquire(True, _LOOK) and servant.gone:
                errand()
        return errand.outcome()  # type: ignore[no-any-return]

    def post(self, step: Callable[[], object]) -> None:
        """Have ``step`` taken before any that follows in this thread, without waiting for it.

        What it raises is logged. Interrupted, it raises that, and ``step`` may be taken or not.
        """
        servant = self.janitor
        if get_ident() == self._main and servant is not None:
            errand = Errand(self, step, awaited=False)
            servant.soon(errand)
            if servant.over:
                errand()
            return
        try:
            with self.lock:
                step()
        except Exception:
            logger.exception(OURS)

    def disown(self) -> None:
        """This is a forked copy: its drivers refuse all calls, and nobody else holds the lock."""
        self.lock = threading.RLock()
        self.janitor = None
        self._users.clear()
        self._main = get_ident()
        for driver in tuple(self.drivers):
            driver.disown()  # type: ignore[attr-defined]
        self.close()


class Changes(ChangeQueue):
    """Each change of state since it was made: ``for change in manager.changes()``.

    Changes that a slow reader leaves are kept up to a bound, then the oldest are dropped and
    counted in ``dropped``. The iteration ends with the manager, or with :meth:`close`.
    """

    def __init__(self, hub: SharedHub) -> None:
        super().__init__()
        self._hub = hub
        self._bell = allocate_lock()
        self._bell.acquire()
        hub.run(lambda: hub.listen(self))

    def wake(self) -> None:
        try:
            self._bell.release()
        except RuntimeError:  # it rings already
            pass

    def __iter__(self) -> Changes:
        return self

    def __next__(self) -> StateChange:
        while True:
            change = self.take()
            if change is not None:
                return change
            if self.ended:
                raise StopIteration
            self._bell.acquire()

    def close(self) -> None:
        """Listen no more."""
        self._hub.run(lambda: self._hub.unlisten(self))
