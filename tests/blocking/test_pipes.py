"""Where pipes can be polled, the names stand for the system's own calls and cost nothing."""

from __future__ import annotations

import os
import select
import selectors
import sys

import pytest

from bridgekit.blocking import pipes, threads


def test_the_names_are_the_system_s_own() -> None:
    assert pipes.read is os.read
    assert pipes.write is os.write
    assert pipes.Poller is select.poll
    assert pipes.Selector is selectors.DefaultSelector
    assert (pipes.IN, pipes.OUT) == (select.POLLIN, select.POLLOUT)


def test_threads_offer_the_same_names() -> None:
    assert set(pipes.__all__) - set(threads.__all__) == {"IN", "LONGEST", "OUT"}
    assert set(threads.__all__) <= set(pipes.__all__)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux opens a pipe again")
def test_a_pipe_opened_again_has_flags_of_its_own() -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    second = pipes.again(reader, os.O_RDONLY)
    try:
        assert os.get_blocking(second)
        assert not os.get_inheritable(second)
        os.write(writer, b"x")
        assert os.read(second, 9) == b"x"
    finally:
        for descriptor in (reader, writer, second):
            os.close(descriptor)
    with pytest.raises(OSError, match=r"proc|again"):
        pipes.again(reader, os.O_RDONLY)


def test_threads_cannot_open_a_pipe_again() -> None:
    with pytest.raises(OSError, match="cannot open a pipe again"):
        threads.again(0, os.O_RDONLY)
