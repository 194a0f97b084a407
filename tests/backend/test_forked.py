"""A method may fork: the copies say nothing to the host, and die of a signal as usual."""

from __future__ import annotations

import sys

import pytest

from tests.backend.conftest import Start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork")

BODY = """
hooks = []
os.register_at_fork(after_in_child=lambda hooks=hooks: [hook() for hook in hooks])

def on_stop(self):
    print("stopped", file=sys.stderr)

def pool(self):
    import multiprocessing
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map(abs, [-1, 2, -3])

def forked(self):
    child = os.fork()
    if child == 0:
        print("printed in the copy")
        self.send_event("copied")
        return "said by the copy"
    return os.waitpid(child, 0)[1]

def sleeper(self):
    import signal
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, b"x")
        time.sleep(60)
        os._exit(1)
    os.read(reader, 1)
    os.kill(child, signal.SIGTERM)
    return os.waitpid(child, 0)[1]

def early(self):
    # Its signal comes before the copy has handlers of its own.
    ready, go = os.pipe(), os.pipe()
    def wait():
        os.write(ready[1], b"x")
        os.read(go[0], 1)
    self.hooks.append(wait)
    child = os.fork()
    if child == 0:
        os._exit(1)
    del self.hooks[:]
    os.read(ready[0], 1)
    os.kill(child, 15)
    os.write(go[1], b"x")
    return os.waitpid(child, 0)[1]

def add(self, a):
    return a + 1
"""


@pytest.mark.parametrize("hello", [True, False])
def test_a_forked_copy_keeps_off_the_wire(start: Start, hello: bool) -> None:
    host = start(BODY, hello=hello, flags=["-W", "ignore::DeprecationWarning"])
    assert host.call("forked") == 0
    assert host.call("add", [1]) == 2
    assert host.frames == []
    host.call("shutdown")
    assert host.wait() == 0
    assert sorted(host.errors().split("\n")) == ["", "printed in the copy", "stopped"]


def test_a_signal_ends_a_forked_copy(start: Start) -> None:
    host = start(BODY, flags=["-W", "ignore::DeprecationWarning"])
    assert host.call("sleeper") == 15


@pytest.mark.parametrize("lane", ["", "@expose(concurrent=True)\n"])
def test_a_signal_that_comes_as_the_copy_is_made_ends_it(start: Start, lane: str) -> None:
    body = BODY.replace("def early", f"{lane}def early")
    host = start(body, flags=["-W", "ignore::DeprecationWarning"])
    assert host.call("early") == 15
    assert host.call("early") == 15
    assert host.call("add", [1]) == 2


def test_a_pool_of_forked_workers_ends_with_its_block(start: Start) -> None:
    host = start(BODY, flags=["-W", "ignore::DeprecationWarning"])
    assert host.call("pool") == [1, 2, 3]
    assert host.call("add", [1]) == 2
