"""Where pipes can be polled, the names stand for the system's own calls and cost nothing."""

from __future__ import annotations

import os
import select
import selectors

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
