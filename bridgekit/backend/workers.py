"""Worker threads for methods that are declared concurrent. Loaded with the first such call."""

from __future__ import annotations

from _queue import SimpleQueue
from _thread import allocate_lock, get_ident, start_new_thread
from time import monotonic

from bridgekit.backend.call import key_of, set_current
from bridgekit.backend.invoke import GENERATOR, LATER, invoke
from bridgekit.backend.streams import Credit, collect
from bridgekit.errors import Cancelled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from bridgekit.backend.call import Call
    from bridgekit.backend.loop import Loop

__all__ = ["Workers"]


class Workers:
    """A bounded set of threads; one is started when a call comes and all are busy."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._jobs: Any = SimpleQueue()
        self._most = max(1, int(loop.bridge.max_concurrent))
        self._threads = 0
        self._free = 0
        self._lock = allocate_lock()

    def submit(self, call: Call, params: Any) -> None:
        """Run the call on a worker as soon as one is free."""
        job = Job(self._loop, call, params)
        self._loop.active[key_of(call.id)] = job
        with self._lock:
            if self._free:
                self._free -= 1
                start = False
            else:
                start = self._threads < self._most
                self._threads += start
        self._jobs.put(job)
        if start:
            start_new_thread(self._work, ())

    def stop(self) -> None:
        """Interrupt what still runs; the threads end with the process."""
        for job in list(self._loop.active.values()):
            if isinstance(job, Job):
                job.cancel()

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                job.run()
            except Cancelled:  # it came late, between two calls
                pass
            set_current(None)
            del job
            with self._lock:
                if self._jobs.empty():
                    self._free += 1


class Job:
    """One concurrent call."""

    def __init__(self, loop: Loop, call: Call, params: Any) -> None:
        self._loop = loop
        self.call = call
        self.id = call.id
        self._params = params
        self._lock = allocate_lock()  # held while the thread is or stops being interruptible
        self._thread = 0
        self._credit: Optional[Credit] = None
        self._gate = allocate_lock()

    def run(self) -> None:
        """Run it, on a worker's thread."""
        loop, call = self._loop, self.call
        set_current(call)
        try:
            try:
                with self._lock:
                    self._thread = get_ident()
                if call._cancelled:  # who cancels marks first, and looks for the thread then
                    raise Cancelled("the call was cancelled before it began")
                result = invoke(call._entry, self._params)  # type: ignore[arg-type]
                if result.__class__ is GENERATOR:
                    result = self._stream(result)
                elif result.__class__ in LATER:
                    self._not_interruptible()
                    loop.async_lane().adopt(call, result)
                    return
                self._not_interruptible()
                reply = loop.settle(call, result)
            except BaseException as error:
                self._not_interruptible()
                reply = loop.settle_error(call, error, self._params)
        except Cancelled as error:  # it came as the call was ending in another way
            self._not_interruptible()
            reply = loop.settle_error(call, error, self._params)
        if reply:
            loop.outbox.push(reply)
        loop.forget(call)

    def _not_interruptible(self) -> None:
        """Nothing is raised here from now on; what was on its way arrives, and is dropped.

        It must arrive: taken back, it would leave older CPythons on the lookout for it for ever,
        which costs every thread time.
        """
        try:
            with self._lock:
                self._thread = 0
            for _ in (1, 2):  # a jump back is where Python raises what is due
                pass
        except Cancelled:
            self._thread = 0

    def _stream(self, generator: Any) -> Any:
        loop, call = self._loop, self.call
        if "stream" not in loop.features or call.batch is not None:
            return collect(generator)
        self._gate.acquire()  # before anybody can look for it, to open it
        self._credit = credit = Credit()
        credit.unlimited = loop.eof
        try:
            while True:
                try:
                    value = next(generator)
                except StopIteration as end:
                    return end.value
                credit.seq += 1
                data = loop.event_bytes("$/item", {"seq": credit.seq, "value": value}, call.id)
                credit.sent(len(data))
                loop.outbox.post(data)
                while not credit.left:
                    loop.outbox.flush()
                    self._gate.acquire()
                    if call._cancelled:
                        raise Cancelled("the call was cancelled")
        finally:
            generator.close()

    def acknowledge(self, seq: Any) -> None:
        """The consumer of this call's stream has taken items."""
        if self._credit is not None:
            self._credit.acknowledge(seq)
            self._open()

    def at_eof(self) -> None:
        """No more acknowledgements will come."""
        if self._credit is not None:
            self._credit.unlimited = True
            self._open()

    def cancel(self) -> None:
        """Drop the call if it waits, interrupt it if it runs."""
        self.call._cancelled = True
        self._open()
        entry = self.call._entry
        if self._thread and not (entry is not None and entry.marks.cancel == "flag"):
            self._loop.helper.press(self.call, self._interrupt)

    def _open(self) -> None:
        if self._credit is not None and self._gate.locked():
            try:
                self._gate.release()
            except RuntimeError:
                pass

    def _interrupt(self, call: Call) -> None:
        with self._lock:
            if self._thread and not call.raised:
                call.raised = monotonic()
                _raise_in(self._thread, Cancelled)


def _raise_in(thread: int, kind: type) -> None:
    """Raise in another thread at its next bytecode; C code and sleep are not interrupted."""
    import ctypes

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind))
