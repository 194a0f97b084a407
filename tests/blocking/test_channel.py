"""Interrupts: Ctrl-C at any moment leaves the wire whole and the call cancelled."""

from __future__ import annotations

import signal
import subprocess

from tests.blocking.script import run, start
from tests.support.processes import readable


def interrupt(host: subprocess.Popen[str]) -> None:
    """Send SIGINT once the host has said that it is about to wait."""
    assert host.stdout is not None
    assert host.stdout.readline() == "now\n"
    host.send_signal(signal.SIGINT)


def test_ctrl_c_in_a_waiting_call_cancels_it_in_the_backend() -> None:
    host = start(
        """
        with ProcessManager() as manager:
            menu = manager.spawn(MENU)
            threading.Timer(0.2, print, ("now",), {"flush": True}).start()
            try:
                menu.call("sleep", {"seconds": 1000}, timeout=None)
            except KeyboardInterrupt:
                print("interrupted", menu.call("add", {"a": 1}, timeout=20), menu.status.in_flight)
        """
    )
    interrupt(host)
    out, err = host.communicate(timeout=60)
    assert (out, err, host.returncode) == ("interrupted 1 0\n", "", 0)


def test_ctrl_c_while_following_leading_streaming_and_listening() -> None:
    host = start(
        """
        with ProcessManager(cancel_grace=30) as manager:
            menu = manager.spawn(MENU)
            other = threading.Thread(target=menu.call, args=("nap", {"seconds": 3}))
            other.start()
            while not menu.status.in_flight:
                time.sleep(0.001)
            def attempt(function):
                timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
                timer.start()
                try:
                    function()
                except KeyboardInterrupt:
                    print("interrupted", flush=True)
                timer.join()
            attempt(lambda: menu.call("sleep", {"seconds": 1000}))
            attempt(lambda: menu.call("sleep", {"seconds": 1000}, on_event=print))
            attempt(lambda: list(menu.stream("slow_rows")))
            attempt(lambda: menu.call_many("sleep", [{"seconds": 1000}] * 5))
            with menu.events("never") as queue:
                attempt(lambda: next(queue))
            other.join()
            with menu.events("never") as queue:
                attempt(lambda: next(queue))
            attempt(lambda: menu.call_many("sleep", [{"seconds": 1000}] * 5))
            print(menu.call("add", {"a": 1}, timeout=20), menu.status.in_flight)
        """
    )
    out, err = host.communicate(timeout=60)
    assert (out, err) == ("interrupted\n" * 7 + "1 0\n", "")


def test_a_storm_of_interrupts_loses_no_answer_and_mixes_none_up() -> None:
    out = run(
        """
        import random
        with ProcessManager() as manager:
            menu = manager.spawn(MENU)
            begun, over = threading.Event(), threading.Event()
            def storm():
                dice = random.Random(7)
                begun.wait()
                while not over.wait(dice.random() * 0.002):
                    os.kill(os.getpid(), signal.SIGINT)
            thread = threading.Thread(target=storm)
            steady = []
            def work():
                for n in range(500):
                    steady.append(menu.call("echo", {"value": n}, timeout=30) == n)
            worker = threading.Thread(target=work)
            thread.start()
            worker.start()
            interrupted = good = bad = n = 0
            until = time.monotonic() + 3
            while not over.is_set():
                try:
                    n += 1
                    value = "x" * (n % 7000)
                    begun.set()
                    if menu.call("echo", {"value": [n, value]}, timeout=30) == [n, value]:
                        good += 1
                    else:
                        bad += 1
                    if time.monotonic() > until:
                        over.set()
                except KeyboardInterrupt:
                    interrupted += 1
            while thread.is_alive() or worker.is_alive():
                try:
                    thread.join()
                    worker.join()
                except KeyboardInterrupt:
                    pass
            assert interrupted and good and not bad, (interrupted, good, bad)
            assert len(steady) == 500 and all(steady)
            assert menu.call("add", {"a": 1}, timeout=30) == 1
            assert menu.status.in_flight == 0
        """
    )
    assert out == ""


def test_ctrl_c_while_stopping_kills_at_once() -> None:
    host = start(
        """
        menu = ProcessManager(stop_grace=1000).spawn(MENU)
        menu.call("slow_shutdown")
        menu.call("ignore_sigterm")
        menu.on("lingering", lambda event: print("now", flush=True))
        try:
            menu.terminate()
        except KeyboardInterrupt:
            menu.wait()
            print(menu.status.last_exit.description)
        """
    )
    assert host.stdout is not None
    assert readable(host.stdout.fileno())
    interrupt(host)
    out, err = host.communicate(timeout=60)
    assert ("killed by SIGKILL" in out, err, host.returncode) == (True, "", 0)
