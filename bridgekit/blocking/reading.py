"""Who reads a wire that many threads wait on: leader, followers, janitor.

Whoever waits and finds no leader leads: it reads the wire and settles every call that comes by,
until what it waits for is done, and passes the lead on. The others follow: they sleep until they
are settled or made leader. When nobody waits, the janitor watches the wire.

The lead is an entry in a dict, taken with ``setdefault``: one C call, which the GIL makes
atomic, so that a lone caller (:mod:`bridgekit.blocking.lone`) needs no lock for it. Giving it up
and enlisting as a follower each look for the other afterwards, so no follower is left alone.
"""

from __future__ import annotations

import math
import threading
import time
from _thread import allocate_lock
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bridgekit.blocking import pipes
from bridgekit.blocking.bell import Bell
from bridgekit.blocking.calls import Awaited, LoneCall, release
from bridgekit.blocking.inbox import CHUNK, Inbox, Torn
from bridgekit.blocking.outbox import Outbox
from bridgekit.blocking.raising import raised_by_handler
from bridgekit.host.many import BatchSizer

if TYPE_CHECKING:
    from bridgekit.blocking.janitor import Janitor
    from bridgekit.host.launchers.child import ChildProcess
    from bridgekit.host.session import Session

__all__ = ["ENDED", "JANITOR", "LONGEST", "POLICY", "Reading"]

LONGEST = pipes.LONGEST
"""Seconds that one system call waits at most; then the leader looks whether it was failed
meanwhile, which happens while it sleeps only for a process that not even SIGKILL ends."""
_AGAIN = 0.1
"""Seconds until a sleeper that could not be woken is to be woken again."""
_LAST_WORDS = 4 * 1024 * 1024
"""Bytes of the wire that are read after the end of the process."""

_monotonic = time.monotonic


class _Role:
    """A leader that is no waiting caller."""

    done = False
    waiter = None


JANITOR = _Role()
POLICY = "the policy is at work"
"""Shuts the gate of a channel."""
ENDED = _Role()
"""Leads for good once the stream has ended: nobody reads any more."""


class Reading:
    """The reading half of a channel.

    ``lock`` guards the session, the followers and the unwritten bytes; it is never held while
    waiting, nor while code of the user's runs. ``lost`` is called, in the janitor's thread, when
    the stream from the child has ended.
    """

    def __init__(
        self, session: Session, child: ChildProcess, janitor: Janitor, lost: Callable[[], None]
    ) -> None:
        self.session = session
        self.child = child
        self.lock = threading.RLock()
        self.inbox = Inbox(session, child.stdout)
        self.outbox = Outbox(child)
        self.sizers: dict[str, BatchSizer] = {}
        self.lead: dict[int, Any] = {}
        self.followers: dict[Any, None] = {}
        self.stdin = child.stdin
        self.stdout = child.stdout
        self.watched = self.ticking = self.exit_seen = False
        # Nobody follows, nothing is unwritten, the janitor neither watches nor slept in, calls
        # are welcome: a lone caller asks for all of it at once, without the lock.
        self.calm = False
        # Why callers have to ask the policy for a place; a lone caller looks whether it is empty.
        self.gate: list[Any] = [POLICY]
        self.visitor: dict[int, Any] = {}
        self.closed = self.congested = False
        self.relieve: Callable[[], None] = lambda: None
        self.eased: Callable[[], bool] = lambda: True
        self._janitor = janitor
        self._lost = lost
        poller = pipes.Poller()
        poller.register(child.stdout, pipes.IN)
        poller.register(child.exit_fd, pipes.IN)
        self.poll = poller.poll
        self._poller = poller
        self._poll_both: Any = None
        self.bell = Bell()
        self._prune_at = 64

    # -- waiting ---------------------------------------------------------------------------------

    def wait(self, awaited: Awaited, deadline: float = math.inf) -> bool:
        """Wait until ``awaited.done``, reading the wire meanwhile if nobody else does.

        Returns False when ``deadline`` passes first.
        """
        try:
            with self.lock:
                if awaited.done:
                    return True
                leads = self._lead_or_enlist(awaited)
            if leads:
                self._read_for_all(awaited, deadline, deadline - _monotonic())
            else:
                self._follow(awaited, deadline)
        except BaseException:
            while True:
                try:
                    self.tidy(awaited, None)
                    break
                except KeyboardInterrupt:  # before it had begun
                    continue
            raise
        return awaited.done

    def tidy(self, awaited: Any, call: Any) -> None:
        """Put everything right after a wait that was torn off."""
        raise NotImplementedError

    def _send_outgoing(self) -> None:
        raise NotImplementedError

    def _expire(self) -> None:
        raise NotImplementedError

    def _on_writable(self) -> None:
        raise NotImplementedError

    def _lead_or_enlist(self, awaited: Awaited) -> bool:
        """Make ``awaited`` leader, or else a follower (lock held); return whether it leads."""
        lead = self.lead
        if lead.setdefault(0, awaited) is not awaited:
            self._enlist(awaited)
            # A lone caller gives the lead up without the lock; it may have seen no follower.
            if lead.setdefault(0, awaited) is not awaited:
                return False
            self.followers.pop(awaited, None)
        if self.watched:
            self._unwatch()
        return True

    def _enlist(self, awaited: Awaited) -> None:
        """Let ``awaited`` follow (lock held): it sleeps on a lock of its own."""
        waiter = allocate_lock()
        waiter.acquire()
        awaited.waiter = waiter
        self.calm = False
        followers = self.followers
        followers[awaited] = None
        if len(followers) > self._prune_at:
            for each in [each for each in followers if each.done]:
                del followers[each]
            self._prune_at = 64 + 2 * len(followers)

    def _follow(self, awaited: Awaited, deadline: float) -> None:
        """Sleep until settled, made leader, or overdue."""
        while not awaited.done:
            left = deadline - _monotonic()
            if left <= 0:
                with self.lock:
                    self._expire()
                    self.leave(awaited)
                return
            awaited.waiter.acquire(True, min(LONGEST, left))
            if self.lead.get(0) is awaited:
                self._read_for_all(awaited, deadline, deadline - _monotonic())
                return
        if self.lead.get(0) is awaited:  # made leader and settled, both since it woke
            self.leave(awaited)

    def leave(self, awaited: Awaited) -> None:
        """``awaited`` is not waited for any more, whatever was made of it meanwhile."""
        with self.lock:
            self.followers.pop(awaited, None)
            if self.lead.get(0) is awaited:
                self.pass_on()

    # -- leading ---------------------------------------------------------------------------------

    def _read_for_all(
        self, awaited: Awaited, deadline: float, left: float, fresh: bool = False
    ) -> None:
        """Read for everybody until ``awaited`` is done or its deadline, ``left`` away, is over.

        ``fresh``: something was read already.
        """
        while True:
            if not fresh:
                self._poll_and_read(0 if awaited.done else left)
            fresh = False
            with self.lock:
                if self._deliver(awaited, deadline):
                    break
                left = min(deadline, self.session.next_deadline) - _monotonic()
            if self.congested:
                self.relieve()
        if self.congested:
            self.relieve()
        if not awaited.done and self.lead.get(0) is ENDED:
            with self.lock:
                self._enlist(awaited)
            self._follow(awaited, deadline)

    def _poll_and_read(self, left: float) -> None:
        poll = self.poll if not self.outbox.size else self._poll_with_stdin()
        for descriptor, _ in poll(0 if left <= 0 else min(left, LONGEST) * 1000):
            if descriptor == self.stdout:
                self._read()
            elif descriptor == self.stdin:
                with self.lock:
                    self.outbox.flush()
            elif descriptor == self.bell.reader:
                self.bell.silence()
            else:
                self.exit_seen, self.calm = True, False

    def _deliver(self, awaited: Awaited, deadline: float) -> bool:
        """Hand out what was read (lock held); return whether ``awaited`` need lead no more."""
        alive = self.inbox.deliver()
        if self.session.outgoing:
            self._send_outgoing()
        overdue = False
        if not awaited.done:
            now = _monotonic()
            overdue = now >= deadline
            if overdue or now >= self.session.next_deadline:
                self._expire()
        if not alive or self.exit_seen:
            self._end()
            return True
        if awaited.done or overdue:
            self.pass_on()
            return True
        return False

    def _read(self) -> None:
        try:
            self.inbox.read()
        except OSError as error:
            if raised_by_handler(error):
                raise
            if not isinstance(error, BlockingIOError):
                self.inbox.chunks.append(b"")

    def _poll_with_stdin(self) -> Any:
        if self._poll_both is None:
            poller = pipes.Poller()
            poller.register(self.stdin, pipes.OUT)
            poller.register(self.stdout, pipes.IN)
            poller.register(self.child.exit_fd, pipes.IN)
            if self.bell.reader >= 0:
                poller.register(self.bell.reader, pipes.IN)
            self._poll_both = poller.poll
        return self._poll_both

    # -- giving the lead away (all with the lock held) ---------------------------------------------

    def pass_on(self) -> None:
        """Give the lead to a follower, or leave the wire to the janitor."""
        lead, followers = self.lead, self.followers
        if lead.get(0) is ENDED:
            return
        if self.exit_seen:
            self._end()
            return
        while followers:
            follower = next(iter(followers))
            if not follower.done:
                lead[0] = follower
                release(follower)
                del followers[follower]  # last: who leads and is listed was not woken yet
                return
            del followers[follower]
        self.calm = (
            not self.outbox.size
            and not self.watched
            and not self.gate
            and self.session._refusal is None
        )
        lead.pop(0, None)
        self.have_ticks()
        if self.outbox.size:
            self._janitor.want_write(self.stdin, self._on_writable)

    def have_ticks(self) -> None:
        """Have the janitor look from time to time whether calls go on (lock held)."""
        if not self.ticking:
            self.ticking = True
            self._seen = self.session.table._last
            self._janitor.activate(self)  # type: ignore[arg-type]

    def look_after(self) -> None:
        """A lone caller has given the lead up: see to followers that came meanwhile."""
        with self.lock:
            if not self.lead:
                self.pass_on()

    def _end(self) -> None:
        """Nobody reads any more: take what is left and leave the rest to the worker."""
        if self.lead.get(0) is ENDED:
            return
        self._unwatch()
        self.lead[0] = ENDED
        limit = _LAST_WORDS
        if self.exit_seen:
            pipes.drain(self.stdout)
        try:
            while limit > 0 and self.inbox.deliver():
                self.inbox.read()
                limit -= CHUNK
        except (OSError, Torn):
            pass
        self.session.receive_eof()
        self._janitor.soon(self._lost)

    def end(self) -> bool:
        """The process has ended: stop reading, unless a leader is about to see it itself.

        Returns whether nobody reads any more.
        """
        with self.lock:
            self.exit_seen = True
            self.calm = False  # whoever leads looks twice before it leaves
            if self.lead.setdefault(0, JANITOR) is JANITOR:
                self._end()
            self._knock(self.lead.get(0))  # others may hold the pipe's other end
            return self.lead.get(0) is ENDED

    # -- who sleeps in a read (all with the lock held) ---------------------------------------------

    def _keep_deadline(self) -> None:
        """Wake a leader that sleeps in a read when its call is overdue, or has slept long."""
        call = self.lead.get(0)
        if call.__class__ is not LoneCall or not call.asleep:
            return
        moment = min(call.deadline, _monotonic() + LONGEST)
        if moment < self.inbox.knocker.alarm:
            self._set_alarm(moment, call.id)

    def _set_alarm(self, moment: float, call_id: Any) -> None:
        self.inbox.knocker.alarm, self.inbox.knocker.alarmed = moment, call_id
        self._janitor.at(moment, self._on_alarm)

    def _on_alarm(self) -> None:
        knocker = self.inbox.knocker
        with self.lock:
            if _monotonic() < knocker.alarm:
                return  # there was a later call whose time was shorter
            knocker.alarm = math.inf
            call = self.lead.get(0)
            if call.__class__ is LoneCall and call.id == knocker.alarmed:
                self._knock(call)
            else:
                self._keep_deadline()

    def _knock(self, call: Any) -> None:
        if call.__class__ is LoneCall and call.asleep and not self.inbox.knocker.knock():
            self._set_alarm(_monotonic() + _AGAIN, call.id)

    def _unwatch(self) -> None:
        if self.watched:
            self.watched = False
            self._janitor.unwatch(self.stdout)

    def close(self) -> None:
        """Drop what is unwritten; the descriptors are the child's to close."""
        self.closed = True
        with self.lock:
            self.calm = False
            self._unwatch()
            self._janitor.unwatch(self.stdin)
            self.lead[0] = ENDED
            self.outbox.close()
            self.bell.close()
            self.inbox.knocker.close()
            self.stdin = -1

    def disown(self) -> None:
        """This is a forked copy: nobody else runs here, and nothing here is ours."""
        self.lock = threading.RLock()
        self.calm = False
        self.stdin = -1
        self.lead[0] = ENDED
        self.watched = False
        self.outbox.disown()
        self.bell.disown()
        self.inbox.knocker.close()
