"""The pipes of Windows, run here: a host program over blocking pipes that only threads touch."""

from __future__ import annotations

from tests.blocking.script import run

WITH_THREADS = """
import importlib.util, types
import bridgekit
where = os.path.join(os.path.dirname(bridgekit.__file__), "blocking", "threads.py")
spec = importlib.util.spec_from_file_location("bridgekit.blocking.threads", where)
threads = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = threads
spec.loader.exec_module(threads)
pipes = types.ModuleType("bridgekit.blocking.pipes")
vars(pipes).update({name: getattr(threads, name) for name in threads.__all__})
pipes.IN, pipes.OUT, pipes.LONGEST = 1, 4, 0.5
for name in [name for name in sys.modules if name.startswith("bridgekit.blocking")]:
    if name != spec.name:
        del sys.modules[name]
vars(sys.modules["bridgekit"]).pop("blocking", None)
sys.modules[pipes.__name__] = pipes
from bridgekit.blocking import ProcessManager
from bridgekit.host.launchers import posix
make = posix._open_pipes

def blocking_pipes(opened):
    theirs, ours = make(opened)
    for descriptor in ours[:3]:
        os.set_blocking(descriptor, True)
    return theirs, ours

posix._open_pipes = blocking_pipes
del os.pidfd_open  # an exit is seen by reading a pipe
"""


def over_threads(code: str) -> str:
    return run(WITH_THREADS + code)


def test_a_whole_life() -> None:
    out = over_threads("""
with ProcessManager(stop_grace=2.0) as manager:
    menu = manager.spawn(MENU)
    assert [menu.call("add", [n, 1]) for n in range(200)] == list(range(1, 201))
    assert menu.call_many("add", [[1, 1]] * 500) == [2] * 500
    value = "x" * 3_000_000
    assert menu.call("echo", [value], timeout=60) == value
    assert list(menu.stream("rows", {"n": 200})) == list(range(200))
    try:
        menu.call("sleep", [60], timeout=0.05)
    except CallTimeout:
        print("timeout")
    try:
        menu.call("die", [3])
    except BackendDied as error:
        print("my last words" in str(error), error.exit_code)
    assert manager.spawn(MENU).call("add", [1, 2]) == 3
    assert len(threads._readers) >= 4
print("stopped")
""")
    assert out.split("\n") == ["timeout", "True 3", "stopped", ""]


def test_many_threads_share_a_wire() -> None:
    out = over_threads("""
with ProcessManager(stop_grace=2.0) as manager:
    menu = manager.spawn(MENU)
    right = []
    def work():
        for n in range(100):
            right.append(menu.call("add", [n, 1], timeout=60) == n + 1)
    crowd = [threading.Thread(target=work) for _ in range(8)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
print(len(right), all(right))
""")
    assert out == "800 True\n"


def test_a_backend_that_reads_nothing_can_be_stopped() -> None:
    out = over_threads("""
with ProcessManager(stop_grace=0.5) as manager:
    deaf = manager.spawn([sys.executable, "-c", '''
import os, sys, time
os.write(1, b'{"id":0,"cmd":"ready","status":"success","result":{}}' + bytes(1))
time.sleep(600)
'''])
    try:
        deaf.call("echo", ["x" * 3_000_000], timeout=1)
    except CallTimeout:
        print("timeout")
print("stopped")
""")
    assert out == "timeout\nstopped\n"
