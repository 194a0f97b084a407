"""Which event goes to whom, and how much of it waits for a slow reader.

Topic rule: in a pattern ``*`` stands for any run of characters (dots included) and everything
else for itself. Topics that start with ``$`` (``$/progress``, ``$/log``, ``$/output``) are
bridgekit's own; only patterns that start with ``$`` match them, so ``"*"`` is every topic of the
backend's author.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Literal, TypeAlias

from bridgekit.wire.bursts import Run
from bridgekit.wire.messages import Event

__all__ = ["Drop", "Router", "Subscription", "matcher"]

Drop: TypeAlias = Literal["oldest", "newest"]
Handler: TypeAlias = Callable[[Event], object]
Queue: TypeAlias = Callable[[Event, int], object]
QueueMany: TypeAlias = Callable[[list[Event] | Run, int], object]
_Target: TypeAlias = tuple[Callable[[str], bool], Handler | None, Queue | None, QueueMany | None]
_Found: TypeAlias = tuple[tuple[Handler, ...], tuple[Queue, ...], tuple[QueueMany, ...] | None]

MAX_EVENTS = 1000
MAX_BYTES = 4 * 1024 * 1024
"""Bytes on the wire; the Python objects of many small values take up to twenty times that."""

_CACHED_TOPICS = 1024

logger = logging.getLogger("bridgekit")


def matcher(pattern: str) -> Callable[[str], bool]:
    """Return a function that tells whether a topic matches ``pattern``.

    Raises ValueError for a pattern that is not a non-empty string.
    """
    if not isinstance(pattern, str) or not pattern:
        raise ValueError(f"{pattern!r} is not a topic: it must be a non-empty string")
    reserved = pattern.startswith("$")
    if pattern == "*":
        return lambda topic: not topic.startswith("$")
    if "*" not in pattern:
        return lambda topic: topic == pattern
    match = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL).fullmatch
    return lambda topic: topic.startswith("$") == reserved and match(topic) is not None


class Router:
    """Hands each event to the targets whose pattern matches its topic, in order of arrival."""

    def __init__(self) -> None:
        self._targets: list[_Target] = []
        self._cache: dict[str, _Found] = {}
        self._rest: Iterator[Event] | None = None  # of those that are being handed out
        self._diverted: list[Event] = []
        self._taps: list[Tap] = []

    def tap(self, handler: Handler) -> Tap:
        """Return a router for one source of events; :meth:`Tap.close` it in the end.

        ``handler`` gets the ``$/...`` events of that source, everybody here gets all events of
        all sources.
        """
        tap = Tap(self, handler)
        self._taps.append(tap)
        return tap

    def add(
        self,
        pattern: str,
        handler: Handler | None = None,
        queue: Queue | None = None,
        queue_many: QueueMany | None = None,
    ) -> Callable[[], None]:
        """Send matching events to a handler or a queue until the returned function runs.

        A handler is called with the event, a queue's ``put`` with the event and its size, and
        its ``put_many``, if it is given, with several events and the size of each.
        """
        entry = (matcher(pattern), handler, queue, queue_many)
        self._targets.append(entry)
        self._forget()

        def remove() -> None:
            if entry in self._targets:
                self._targets.remove(entry)
                self._forget()

        return remove

    def dispatch(self, event: Event, cost: int) -> None:
        """Hand ``event`` out; what a handler raises is logged and stops nobody else."""
        found = self._cache.get(event.topic)
        handlers, queues, _ = found if found is not None else self._find(event.topic)
        for handler in handlers:
            try:
                handler(event)
            except Exception:
                logger.exception("a handler of event %r raised", event.topic)
        for put in queues:
            put(event, cost)

    def dispatch_many(self, events: list[Event] | Run, cost: int) -> None:
        """As :meth:`dispatch` for each of ``events``, which are of one topic."""
        topic = next(iter(events)).topic
        found = self._cache.get(topic)
        handlers, queues, many = found if found is not None else self._find(topic)
        if not handlers and many is not None:
            for put_many in many:
                put_many(events, cost)
        elif len(handlers) == 1 and not queues:
            self._handle_many(handlers[0], events, cost)
        else:
            for event in events:
                self.dispatch(event, cost)

    def _handle_many(self, handler: Handler, events: list[Event] | Run, cost: int) -> None:
        """Call the only handler with each of ``events``, as long as it is the only one."""
        outer, self._rest = self._rest, iter(events)
        try:
            for event in self._rest:
                try:
                    handler(event)
                except Exception:
                    logger.exception("a handler of event %r raised", event.topic)
        finally:
            self._rest = outer
        diverted, self._diverted = self._diverted, []
        for event in diverted:
            self.dispatch(event, cost)

    def _forget(self) -> None:
        """The targets are others from the next event on."""
        self._cache.clear()
        if self._rest is not None:
            self._diverted += self._rest
        for tap in self._taps:
            tap._forget()

    def _find(self, topic: str) -> _Found:
        matching = [entry for entry in self._targets if entry[0](topic)]
        handlers = tuple(handler for _, handler, _, _ in matching if handler is not None)
        queues = tuple(queue for _, _, queue, _ in matching if queue is not None)
        many = tuple(many for _, _, queue, many in matching if queue is not None and many)
        found = (handlers, queues, many if len(many) == len(queues) else None)
        if len(self._cache) >= _CACHED_TOPICS:
            self._cache.clear()
        self._cache[topic] = found
        return found


class Tap(Router):
    """The router of one worker's events, see :meth:`Router.tap`."""

    def __init__(self, outer: Router, handler: Handler) -> None:
        super().__init__()
        self._outer = outer
        self._handler = handler

    def close(self) -> None:
        """No event will come from this source any more."""
        if self in self._outer._taps:
            self._outer._taps.remove(self)

    def _find(self, topic: str) -> _Found:
        handlers, queues, many = self._outer._find(topic)
        if topic.startswith("$/"):
            handlers = (self._handler, *handlers)
        if len(self._cache) >= _CACHED_TOPICS:
            self._cache.clear()
        found = self._cache[topic] = (handlers, queues, many)
        return found


class Subscription:
    """A bounded queue of events; subclass per face for the waiting.

    It holds at most ``max_events`` events and about ``max_bytes`` bytes of them (one event of
    any size always fits). What does not fit is dropped and counted in ``dropped``: the oldest
    waiting events (``drop="oldest"``, the default) or the one that just came (``"newest"``).
    """

    def __init__(
        self,
        max_events: int = MAX_EVENTS,
        max_bytes: int = MAX_BYTES,
        drop: Drop = "oldest",
    ) -> None:
        for name, most in (("max_events", max_events), ("max_bytes", max_bytes)):
            if not isinstance(most, int) or most < 1:
                raise ValueError(f"{name}={most!r:.80} is not allowed: it must be 1 or more")
        if drop not in ("oldest", "newest"):
            raise ValueError(f"drop={drop!r} is not allowed: it must be 'oldest' or 'newest'")
        self.dropped = 0
        self.ended = False
        self._queue: deque[tuple[Event, int]] = deque()
        self._bytes = 0
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._drop_newest = drop == "newest"

    def wake(self) -> None:
        """Hook: an event came, or the last one did."""

    def put(self, event: Event, cost: int) -> None:
        """Take one event, dropping what does not fit."""
        queue = self._queue
        full = len(queue) >= self._max_events or self._bytes + cost > self._max_bytes
        if full and queue:
            if self._drop_newest:
                self.dropped += 1
                return
            while queue and (
                len(queue) >= self._max_events or self._bytes + cost > self._max_bytes
            ):
                self._bytes -= queue.popleft()[1]
                self.dropped += 1
        queue.append((event, cost))
        self._bytes += cost
        if len(queue) == 1:
            self.wake()

    def put_many(self, events: list[Event] | Run, cost: int) -> None:
        """Take several events, each of which cost ``cost``."""
        queue, count = self._queue, len(events)
        fits = (
            len(queue) + count <= self._max_events and self._bytes + cost * count <= self._max_bytes
        )
        if not fits:
            for event in events:
                self.put(event, cost)
            return
        queue.extend(zip(events, repeat(cost), strict=False))
        self._bytes += cost * count
        if len(queue) == count:
            self.wake()

    def take(self) -> Event | None:
        """Return the next event, or None when none waits."""
        if not self._queue:
            return None
        event, cost = self._queue.popleft()
        self._bytes -= cost
        return event

    def end(self) -> None:
        """No event will come any more; those that wait can still be taken."""
        self.ended = True
        self.wake()

    def __len__(self) -> int:
        return len(self._queue)
