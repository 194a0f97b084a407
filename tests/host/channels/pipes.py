"""A child that is nothing but pipes, for tests of channels."""

from __future__ import annotations

import os

__all__ = ["Pipes"]


class Pipes:
    """A child that is only its pipes; ``inbox`` and ``outbox`` are its own ends."""

    def __init__(self) -> None:
        self.inbox, self.stdin = os.pipe()
        self.stdout, self.outbox = os.pipe()
        for fd in (self.inbox, self.stdin, self.stdout, self.outbox):
            os.set_blocking(fd, False)
        self.exit_fd = -1
        self.grown = 0

    def grow_pipes(self) -> None:
        self.grown += 1

    def close_stdin(self) -> None:
        os.close(self.stdin)
        self.stdin = -1

    def received(self) -> bytes:
        data = b""
        try:
            while chunk := os.read(self.inbox, 1 << 20):
                data += chunk
        except BlockingIOError:
            pass
        return data

    def answer(self, call_id: int, result: str) -> None:
        os.write(
            self.outbox,
            b'{"id":%d,"status":"success","result":"%b"}\0'
            % (
                call_id,
                result.encode(),
            ),
        )

    def close(self) -> None:
        for fd in (self.inbox, self.stdin, self.stdout, self.outbox):
            try:
                os.close(fd)
            except OSError:
                pass
