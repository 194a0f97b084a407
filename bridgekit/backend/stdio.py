"""Moves the wire to private descriptors, so that nothing else in the process can touch it.

``print``, C code, ``os.write(1, ...)``, a child's ``echo`` and a method that reads stdin all
use descriptors 0, 1 and 2. After :func:`claim`, 0 is the null device and 1 is stderr; the wire
lives on duplicates that no child process inherits. ``sys.stdout`` hands each piece of text to
the host as an event where the host asked for that, and to stderr where not, at once either way:
nothing that was printed is lost when the process is killed in the next instant. ``print``, which
writes its arguments, the spaces between them and the newline one by one, is made to write once.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
from codecs import utf_8_decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Optional

__all__ = ["Capture", "Wire", "claim", "claimed"]


class Wire:
    """The two descriptors that belong to the host, and what took the place of stdout."""

    __slots__ = ("capture", "reader", "writer")

    def __init__(self, reader: int, writer: int, capture: Capture) -> None:
        self.reader = reader
        self.writer = writer
        self.capture = capture


class Capture(io.RawIOBase):
    """What lies under ``sys.stdout``: every write goes out at once.

    ``emit`` is set once the host has asked for output as events; it returns whether it took the
    text. The rest goes to stderr.
    """

    def __init__(self) -> None:
        super().__init__()
        self.emit: Optional[Callable[[str], bool]] = None
        self._tail = b""

    def writable(self) -> bool:
        """Text can be written here."""
        return True

    def fileno(self) -> int:
        """Descriptor 1, which is stderr by now: what a child process may be given."""
        return 1

    def write(self, data: Any) -> int:
        """Pass ``data`` on before returning."""
        size = len(data)
        if self.emit is not None:
            joined = self._tail + bytes(data)
            text, used = utf_8_decode(joined, "backslashreplace", False)
            self._tail = joined[used:]
            if self.emit(text):
                return size
            data, self._tail = joined, b""
        _write_all(2, bytes(data))
        return size


class Print:
    """``print``, with one write for all of it where it would write to the captured stdout.

    An object and no function, so that a bridge which keeps it as an attribute exposes no method.
    """

    def __init__(self, ordinary: Any, stdout: Any) -> None:
        self._ordinary = ordinary
        self._stdout = stdout
        self.__doc__ = ordinary.__doc__

    def __call__(
        self, *values: object, sep: Any = " ", end: Any = "\n", file: Any = None, flush: Any = False
    ) -> None:
        """See the ordinary ``print``; its errors are ours."""
        target = sys.stdout if file is None else file
        if target is not self._stdout:
            self._ordinary(*values, sep=sep, end=end, file=file, flush=flush)
            return
        whole = io.StringIO(newline="\n")
        self._ordinary(*values, sep=sep, end=end, file=whole)
        target.write(whole.getvalue())


_wire: Optional[Wire] = None


def claimed() -> Optional[Wire]:
    """Return the wire if it was claimed already."""
    return _wire


def claim() -> Wire:
    """Take stdin and stdout for the wire; later calls return the same."""
    global _wire
    if _wire is not None:
        return _wire
    _open_missing()
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(0, os.O_BINARY)
        msvcrt.setmode(1, os.O_BINARY)
    reader, writer = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    _wire = Wire(reader, writer, Capture())
    _replace_stdout(_wire.capture)
    return _wire


def _open_missing() -> None:
    """A process may be started without some of 0, 1 and 2; a later dup must not land there."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _replace_stdout(capture: Capture) -> None:
    old = sys.stdout
    if old is not None:
        try:  # whoever kept the old object loses nothing either: its text joins stderr
            old.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        except (AttributeError, ValueError, OSError):
            pass
    sys.stdout = io.TextIOWrapper(
        capture,
        encoding="utf-8",
        errors="backslashreplace",
        newline="\n",
        write_through=True,
    )
    builtins.print = Print(builtins.print, sys.stdout)


def _write_all(descriptor: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        pass  # nobody reads stderr any more; printing must not fail for that
