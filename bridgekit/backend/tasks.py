"""The event loop for ``async def`` methods, on a thread of its own. Loaded with the first one."""

from __future__ import annotations

import asyncio
from _thread import allocate_lock, get_ident, start_new_thread
from time import monotonic

from bridgekit.backend.call import key_of, set_current
from bridgekit.backend.invoke import ASYNC_GENERATOR, COROUTINE, GENERATOR, invoke
from bridgekit.backend.streams import Credit, collect
from bridgekit.errors import Cancelled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from bridgekit.backend.call import Call
    from bridgekit.backend.loop import Loop

__all__ = ["Tasks"]

_STOP_WAIT = 1.0
"""Seconds that cancelled tasks have to clean up when the backend ends."""


class Tasks:
    """Runs coroutines; any thread may hand them in."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.events = asyncio.new_event_loop()
        self.thread = 0
        self._jobs: set[Job] = set()
        self._flushing = False
        start_new_thread(self._main, ())

    def _main(self) -> None:
        self.thread = get_ident()
        asyncio.set_event_loop(self.events)
        self.events.run_forever()

    def submit(self, call: Call, params: Any) -> None:
        """Run an ``async def`` method."""
        self._begin(Job(self, call, params=params))

    def adopt(self, call: Call, awaitable: Any) -> None:
        """Finish what a method on another thread has returned."""
        self._begin(Job(self, call, awaitable=awaitable))

    def complete(self, coroutine: Any) -> Any:
        """Run a coroutine from another thread and wait for its result."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self.events)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # an interrupt ends the wait, and what is waited for
            raise

    def stop(self) -> None:
        """Cancel what still runs and give it a moment to clean up."""
        done = allocate_lock()
        done.acquire()

        async def cancel_all() -> None:
            jobs = list(self._jobs)
            tasks = [job.task for job in jobs]
            for job in jobs:
                job.stop()
            if tasks:
                await asyncio.wait(tasks, timeout=_STOP_WAIT)
            done.release()

        self.events.call_soon_threadsafe(lambda: self.events.create_task(cancel_all()))
        done.acquire(True, 2 * _STOP_WAIT)

    def deliver(self, reply: bytes) -> None:
        """Send an answer together with the others of this turn of the event loop."""
        if reply:
            self._loop.outbox.put(reply)
            if not self._flushing:
                self._flushing = True
                self.events.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        self._loop.outbox.flush()

    def _begin(self, job: Job) -> None:
        self._loop.active[key_of(job.id)] = job
        self.events.call_soon_threadsafe(self._start, job)

    def _start(self, job: Job) -> None:
        self._jobs.add(job)
        job.task = self.events.create_task(job.run(self._loop))
        job.task.add_done_callback(lambda _: self._jobs.discard(job))


class Job:
    """One asynchronous call."""

    def __init__(self, tasks: Tasks, call: Call, params: Any = None, awaitable: Any = None) -> None:
        self._tasks = tasks
        self.call = call
        self.id = call.id
        self.task: Any = None
        self._params = params
        self._awaitable = awaitable
        self._credit: Optional[Credit] = None
        self._gate: Any = None
        self._begun = self._stopped = False

    async def run(self, loop: Loop) -> None:
        """Run it, as a task."""
        call = self.call
        self._begun = True
        set_current(call)
        try:
            if call._cancelled or self._stopped:
                raise Cancelled("the call was cancelled before it began")
            result = self._awaitable
            if result is None:
                result = invoke(call._entry, self._params)  # type: ignore[arg-type]
            if result.__class__ is COROUTINE:
                result = await result
            if result.__class__ is ASYNC_GENERATOR:
                result = await self._stream(loop, result)
            elif result.__class__ is GENERATOR:
                result = collect(result)
            reply = loop.settle(call, result)
        except asyncio.CancelledError as error:
            call.raised = monotonic()
            ours = Cancelled("the call was cancelled") if call._cancelled or loop.ending else error
            reply = loop.settle_error(call, ours)
        except BaseException as error:
            reply = loop.settle_error(call, error, self._params)
        self._tasks.deliver(reply)
        loop.forget(call)

    async def _stream(self, loop: Loop, generator: Any) -> Any:
        call = self.call
        if "stream" not in loop.features or call.batch is not None:
            return [item async for item in generator]
        self._gate = asyncio.Event()
        self._credit = credit = Credit()
        credit.unlimited = loop.eof
        try:
            async for value in generator:
                credit.seq += 1
                data = loop.event_bytes("$/item", {"seq": credit.seq, "value": value}, call.id)
                credit.sent(len(data))
                loop.outbox.post(data)
                while not credit.left:
                    self._gate.clear()
                    if not credit.left:
                        await self._gate.wait()
        finally:
            await generator.aclose()

    def acknowledge(self, seq: Any) -> None:
        """The consumer of this call's stream has taken items."""
        if self._credit is not None:
            self._credit.acknowledge(seq)
            self._tasks.events.call_soon_threadsafe(self._gate.set)

    def at_eof(self) -> None:
        """No more acknowledgements will come."""
        if self._credit is not None:
            self._credit.unlimited = True
            self._tasks.events.call_soon_threadsafe(self._gate.set)

    def cancel(self) -> None:
        """Cancel the task, wherever it waits."""
        self.call._cancelled = True
        entry = self.call._entry
        if entry is None or entry.marks.cancel != "flag":
            self._tasks.events.call_soon_threadsafe(self.stop)

    def stop(self) -> None:
        """End the task, on the event loop. One that has not begun must begin, to answer."""
        self._stopped = True
        if self._begun:
            self.task.cancel()
