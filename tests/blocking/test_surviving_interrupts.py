"""Ctrl-C in every wait of a start, a call, a restart and a stop: nothing is left behind."""

from __future__ import annotations

import textwrap

import pytest

from tests.blocking.script import run

HEAD = """
import faulthandler
faulthandler.dump_traceback_later(50, exit=True)
from tests.host.supervision_support import MOODY, AT_ONCE
def soon(condition, begun):
    # Interrupts the main thread once that waits, which it does when the condition holds.
    def watch():
        begun.wait()
        while not condition():
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)
    thread = threading.Thread(target=watch)
    thread.start()
    return thread
def attempt(function, condition):
    begun = threading.Event()
    thread = soon(condition, begun)
    try:
        begun.set()
        function()
        print("not interrupted")
    except KeyboardInterrupt:
        print("interrupted")
    thread.join()
def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
def until(condition):
    while not condition():
        time.sleep(0.001)
def ended():
    # All that a manager had is gone.
    until(lambda: threading.active_count() == 1)
    try:
        print("left:", os.waitpid(-1, os.WNOHANG))
    except ChildProcessError:
        pass
"""
WAITS = {
    "a start that hangs": """
        hang = [sys.executable, "-c", "import time; time.sleep(1000)"]
        manager = ProcessManager(start_timeout=1000)
        attempt(lambda: manager.spawn(hang, name="x"),
                lambda: manager.backends and manager.backends["x"].pid)
        print(manager._hub.budget.used, len(manager.backends))
        manager.close()
    """,
    "a start that waits for a process": """
        manager = ProcessManager(max_processes=1)
        first = manager.spawn(MENU)
        attempt(lambda: manager.spawn(MENU, start_timeout=1000), lambda: len(manager._hub.drivers) > 1)
        assert manager._hub.budget.used == len(manager.backends) == 1
        first.terminate()
        manager.spawn(MENU).terminate()
        manager.close()
        print(0, 0)
    """,
    "a call that is queued": """
        with ProcessManager() as manager:
            menu = manager.spawn(MENU)
            other = threading.Thread(target=menu.call, args=("nap", [0.5]))
            other.start()
            until(lambda: menu.status.in_flight)
            attempt(lambda: menu.call("add", [1, 1]), lambda: menu.status.queued)
            other.join()
            assert menu.call("add", [1, 1]) == 2
            print(menu.status.in_flight, menu.status.queued)
    """,
    "a call of a paused backend": """
        with ProcessManager() as manager:
            menu = manager.spawn(MENU)
            menu.pause()
            attempt(lambda: menu.call("add", [1, 1]), lambda: menu.status.queued)
            menu.resume()
            assert menu.call("add", [1, 1]) == 2
            print(menu.status.in_flight, menu.status.queued)
    """,
    "a place for a list": """
        with ProcessManager() as manager:
            menu = manager.spawn(MENU)
            menu.pause()
            attempt(lambda: menu.call_many("add", [[1, 1]]), lambda: menu.status.queued)
            attempt(lambda: next(menu.stream("rows", [1])), lambda: menu.status.queued)
            menu.resume()
            assert menu.call("add", [1, 1]) == 2
            print(menu.status.in_flight, menu.status.queued)
    """,
    "a restart": """
        with ProcessManager() as manager:
            menu = manager.spawn(MENU, cancel_grace=1000)
            thread = threading.Thread(target=menu.call, args=("nap", [0.5]))
            thread.start()
            until(lambda: menu.status.in_flight)
            attempt(menu.restart, lambda: menu._driver.supervisor.replacements)
            thread.join()
            until(lambda: len(menu._driver.processes) == 1 and menu.status.state == "ready")
            assert menu.call("add", [1, 1], timeout=30) == 2
            print(menu.status.in_flight, menu.status.queued)
    """,
    "a wait for the end": """
        with ProcessManager() as manager:
            menu = manager.spawn(MENU)
            attempt(menu.wait, lambda: menu._driver._waiters)
            assert menu.call("add", [1, 1]) == 2
            print(menu.status.in_flight, menu.status.queued)
    """,
    "the changes": """
        with ProcessManager() as manager:
            menu = manager.spawn(MENU)
            changes = manager.changes()
            waiting = threading.Event()
            attempt(lambda: (waiting.set(), next(changes)), waiting.is_set)
            assert menu.call("add", [1, 1]) == 2
            assert next(changes).new == "busy"
            print(menu.status.in_flight, menu.status.queued)
    """,
    "a stop": """
        manager = ProcessManager(stop_grace=1000)
        menu = manager.spawn(MENU)
        menu.call("slow_shutdown")
        pid = menu.pid
        attempt(menu.terminate, lambda: menu.status.state == "stopping")
        menu.wait()
        assert not alive(pid)
        menu.terminate()
        print(manager._hub.budget.used, len(manager.backends))
        manager.close()
    """,
    "the stop of all": """
        manager = ProcessManager(stop_grace=1000)
        backends = [manager.spawn(MENU) for _ in range(3)]
        for backend in backends:
            backend.call("slow_shutdown")
        pids = [backend.pid for backend in backends]
        attempt(manager.close, lambda: all(b.status.state == "stopping" for b in backends))
        for backend in backends:
            backend.wait()
        assert not any(alive(pid) for pid in pids)
        manager.close()
        print(manager._hub.budget.used, len(manager.backends))
    """,
}


STORM = """
import random
# An interrupt that rises in a finalizer is told of and dropped by Python itself.
tell = sys.unraisablehook
sys.unraisablehook = lambda what: what.exc_type is KeyboardInterrupt or tell(what)
with ProcessManager() as manager:
    menu = manager.spawn(MENU, restart=RestartPolicy(backoff=0, max_restarts=10_000))
    begun, over = threading.Event(), threading.Event()
    dice = random.Random(7)
    def storm():
        begun.wait()
        while not over.wait(dice.random() * 0.003):
            os.kill(os.getpid(), signal.SIGINT)
    def chaos():
        begun.wait()
        for round in range(18):
            if round % 3:
                menu.restart()
            else:
                pid = menu.pid
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:  # its host was quicker
                    pass
                until(lambda: menu.status.pid not in (pid, None))
        over.set()
    wrong = []
    def work(me):
        number = 0
        while not over.is_set():
            number += 1
            try:
                if menu.call("echo", [[me, number]], timeout=30) != [me, number]:
                    wrong.append(number)
                if menu.call_many("add", [[me, number]] * 3, timeout=30) != [me + number] * 3:
                    wrong.append(number)
            except BackendDied:
                pass
    threads = [threading.Thread(target=storm), threading.Thread(target=chaos)]
    threads += [threading.Thread(target=work, args=(me,)) for me in range(3)]
    for thread in threads:
        thread.start()
    good = interrupted = number = 0
    def rounds():
        global good, interrupted, number
        while not over.is_set():
            try:
                begun.set()
                number += 1
                if menu.call("echo", [number], timeout=30) != number:
                    wrong.append(number)
                if menu.call_many("add", [[number, 1]] * 3, timeout=30) != [number + 1] * 3:
                    wrong.append(number)
                if list(menu.stream("rows", [3], item_timeout=30)) != [0, 1, 2]:
                    wrong.append(number)
                good += 1
            except KeyboardInterrupt:
                interrupted += 1
            except BackendDied:
                pass
    def join():
        for thread in threads:
            thread.join()
    def insist(function):
        # An interrupt may also come between two rounds, outside of their own guard.
        while True:
            try:
                return function()
            except KeyboardInterrupt:
                pass
    insist(rounds)
    insist(join)
    assert interrupted and not wrong, (interrupted, good, wrong)
    until(lambda: (menu.status.in_flight, menu.status.queued) == (0, 0))
    assert menu.call("add", [1, 1], timeout=30) == 2
"""


@pytest.mark.parametrize("wait", WAITS)
def test_an_interrupt_in(wait: str) -> None:
    *attempts, figures = run(HEAD + textwrap.dedent(WAITS[wait]) + "ended()\n").splitlines()
    assert set(attempts) == {"interrupted"}
    assert figures == "0 0"


def test_a_storm_of_interrupts_over_restarts_and_deaths() -> None:
    assert run(HEAD + STORM) == ""
