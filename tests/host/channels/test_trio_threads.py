"""The class is put together rightly; test_threads.py runs it."""

from bridgekit.host.channels import threads, trio, trio_threads


def test_threads_come_before_readiness() -> None:
    order = trio_threads.Channel.__mro__
    assert order.index(threads.ThreadedPipes) < order.index(trio.Channel)
