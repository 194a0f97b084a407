"""The class is put together rightly; test_threads.py runs it."""

from bridgekit.host.channels import asyncio, asyncio_threads, threads


def test_threads_come_before_readiness() -> None:
    order = asyncio_threads.Channel.__mro__
    assert order.index(threads.ThreadedPipes) < order.index(asyncio.Channel)
