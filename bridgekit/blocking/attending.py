"""The janitor's part in reading a wire: while no caller reads it, and what a full pipe left over."""

from __future__ import annotations

import time
from typing import Any

from bridgekit.blocking.inbox import CHUNK
from bridgekit.blocking.reading import ENDED, JANITOR, Reading

__all__ = ["Attending"]

_READS = 16
"""Chunks that are read in one go before others have their turn."""
_HOLD = 0.005
"""Seconds that the janitor leaves a wire alone whose events' handlers are behind."""

_monotonic = time.monotonic


class Attending(Reading):
    """A wire that the janitor watches when nobody leads; see :mod:`bridgekit.blocking.reading`."""

    _held = False
    _seen: Any = None

    def tick(self) -> None:
        """Have the janitor look at the next deadline, whoever waits for it."""
        raise NotImplementedError

    def attend(self) -> None:
        """Have the janitor watch the wire at once, if nobody reads it."""
        with self.lock:
            if not self.lead and not self.watched:
                self._watch()

    def _hold(self) -> None:
        """Handlers are behind: read no more for a moment (the janitor cannot wait for them)."""
        with self.lock:
            self._held = True
            self._unwatch()
            if self.lead.get(0) is JANITOR:
                self.pass_on()
        self._janitor.at(_monotonic() + _HOLD, self._go_on)

    def _go_on(self) -> None:
        if self.congested and not self.eased():
            self._janitor.at(_monotonic() + _HOLD, self._go_on)
            return
        self._held = False
        self.attend()

    def settle_down(self) -> bool:
        """Whether the janitor need not look again: it watches the wire, or somebody leads."""
        last = self.session.table._last
        if last != self._seen:
            self._seen = last
            return False
        with self.lock:
            self.ticking = self.calm = False
            if not self.lead and not self.watched:
                if self.exit_seen:
                    self._janitor.soon(self._lost)
                else:
                    self._watch()
            self._keep_deadline()
        return True

    def _watch(self) -> None:
        if self._held:
            return
        self.watched, self.calm = True, False
        self._janitor.watch(self.stdout, self._on_readable)

    def _on_readable(self) -> None:
        with self.lock:
            if self.lead.setdefault(0, JANITOR) is not JANITOR:
                self._unwatch()
                return
        for _ in range(_READS):
            self._read()
            with self.lock:
                full = bool(self.inbox.chunks) and len(self.inbox.chunks[-1]) == CHUNK
                if not self.inbox.deliver():
                    self._end()
                    return
                self._send_outgoing()
                if self.session.state == "starting":
                    self.tick()
            if self.congested and not self.eased():
                self._hold()
                return
            if not full or self.followers:
                break
        with self.lock:
            if self.followers:
                self._unwatch()
                self.pass_on()
                return
            self.lead.pop(0, None)
            if self.exit_seen:
                self._janitor.soon(self._lost)
            if self.outbox.size:
                self._janitor.want_write(self.stdin, self._on_writable)

    def _on_writable(self) -> None:
        with self.lock:
            if self.outbox.flush() or self.lead.get(0) is ENDED:
                self._janitor.unwatch(self.stdin)
                if self.outbox.broken:
                    self._janitor.soon(self._lost)
