"""Starts a child on Windows. Written and reviewed, but never run: no test machine has Windows.

A Job Object that kills on close holds the child and whatever it starts: the host's handle is
the only one, so the job ends with the host, however that ends. A new process group lets a
console's Ctrl-C reach the host alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from bridgekit.errors import BackendStartError
from bridgekit.host.exits import Exit
from bridgekit.host.launchers.child import ChildProcess

if TYPE_CHECKING:
    from bridgekit.host.launchers import LaunchPlan

__all__ = ["launch"]

_EXTENDED_LIMITS = 9  # JobObjectExtendedLimitInformation
_KILL_ON_JOB_CLOSE = 0x2000

if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    class _BasicLimits(ctypes.Structure):
        _fields_ = [
            ("PerProcessUserTimeLimit", ctypes.c_int64),
            ("PerJobUserTimeLimit", ctypes.c_int64),
            ("LimitFlags", wintypes.DWORD),
            ("MinimumWorkingSetSize", ctypes.c_size_t),
            ("MaximumWorkingSetSize", ctypes.c_size_t),
            ("ActiveProcessLimit", wintypes.DWORD),
            ("Affinity", ctypes.c_size_t),
            ("PriorityClass", wintypes.DWORD),
            ("SchedulingClass", wintypes.DWORD),
        ]

    class _ExtendedLimits(ctypes.Structure):
        _fields_ = [
            ("BasicLimitInformation", _BasicLimits),
            ("IoInfo", ctypes.c_uint64 * 6),
            ("ProcessMemoryLimit", ctypes.c_size_t),
            ("JobMemoryLimit", ctypes.c_size_t),
            ("PeakProcessMemoryUsed", ctypes.c_size_t),
            ("PeakJobMemoryUsed", ctypes.c_size_t),
        ]

    class _Watch:
        """Windows keeps a process's status for as long as a handle to it is open.

        It holds the job too; closing that kills what the process has left behind.
        """

        def __init__(self, process: subprocess.Popen[bytes], job: int) -> None:
            self._process = process
            self._job = job
            self._reader = -1
            self._closed = False

        @property
        def descriptor(self) -> int:
            """A pipe that ends with the process; a thread waits for it from the first look on."""
            if self._reader < 0 and not self._closed:
                self._reader, writer = os.pipe()
                threading.Thread(target=self._tell, args=(writer,), daemon=True).start()
            return self._reader

        def _tell(self, writer: int) -> None:
            self._process.wait()
            os.close(writer)

        def collect(self) -> Exit | None:
            code = self._process.poll()
            if code is None:
                return None
            self._close_job()
            return Exit(code)

        def ended(self) -> bool:
            return self._process.poll() is not None

        def wait(self, timeout: float | None) -> bool:
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                return False
            return True

        def holds_number(self) -> bool:
            return True

        def close(self) -> None:
            self._closed = True
            self._close_job()
            reader, self._reader = self._reader, -1
            if reader >= 0:
                os.close(reader)

        def _close_job(self) -> None:
            job, self._job = self._job, 0
            if job:
                ctypes.WinDLL("kernel32").CloseHandle(wintypes.HANDLE(job))

    def launch(plan: LaunchPlan) -> ChildProcess:
        """Start the process; raise :class:`BackendStartError` when the system refuses."""
        if not plan.limits.none:
            raise BackendStartError(
                f"backend {plan.name!r} could not be started: limits cannot be set on Windows",
                backend=plan.name,
            )
        try:
            process = subprocess.Popen(
                plan.argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=dict(plan.env),
                cwd=plan.cwd,
                creationflags=subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW,
            )
        except (OSError, ValueError) as error:
            raise BackendStartError(
                f"backend {plan.name!r} could not be started: {plan.argv[0]}: {error}",
                backend=plan.name,
            ) from error
        try:
            job = _job_for(int(process._handle))  # type: ignore[attr-defined]
        except BaseException:
            process.kill()
            raise
        pipes = tuple(_own(stream) for stream in (process.stdin, process.stdout, process.stderr))
        return ChildProcess(
            plan,
            process,
            (pipes[0], pipes[1], pipes[2]),
            watch=_Watch(process, job),
            own_group=False,
        )

    def _own(stream: object) -> int:
        """Take the descriptor out of a file object of ``subprocess``."""
        descriptor = os.dup(stream.fileno())  # type: ignore[attr-defined]
        stream.close()  # type: ignore[attr-defined]
        return descriptor

    def _job_for(process: int) -> int:
        """Put the process into a new job that dies with us; return the job's handle."""
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateJobObjectW.restype = wintypes.HANDLE
        job = kernel.CreateJobObjectW(None, None)
        limits = _ExtendedLimits()
        limits.BasicLimitInformation.LimitFlags = _KILL_ON_JOB_CLOSE
        done = job and kernel.SetInformationJobObject(
            wintypes.HANDLE(job),
            _EXTENDED_LIMITS,
            ctypes.byref(limits),
            ctypes.sizeof(limits),
        )
        if not done or not kernel.AssignProcessToJobObject(
            wintypes.HANDLE(job), wintypes.HANDLE(process)
        ):
            raise ctypes.WinError(ctypes.get_last_error())
        return int(job)

else:

    def launch(plan: LaunchPlan) -> ChildProcess:
        """Refuse: this launcher is for Windows."""
        raise BackendStartError("the launcher 'windows' works on Windows only", backend=plan.name)
