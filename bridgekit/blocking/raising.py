"""Tells what a system call raised from what a signal handler of the author's raised in it."""

from __future__ import annotations

import os

__all__ = ["raised_by_handler"]

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep


def raised_by_handler(error: BaseException) -> bool:
    """Whether ``error`` comes from code that is not of this room, and so is not ours to handle.

    A handler runs between any two bytecodes of the main thread and in the middle of a system call,
    and may raise OSError too: TimeoutError is what ``signal.alarm`` is mostly made to raise.
    """
    trace = error.__traceback__
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    return not trace.tb_frame.f_code.co_filename.startswith(_OURS)
