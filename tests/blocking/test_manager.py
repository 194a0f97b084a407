"""The blocking manager: starting, refusing, stopping all, and every way a host can end."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from bridgekit import BackendDied, BackendError, BackendSpec, BackendStartError, CallTimeout
from bridgekit.blocking import ProcessManager
from tests.blocking.script import run
from tests.blocking.support import Task, until
from tests.host.support import DEADLINE, MENU, lives, plain
from tests.support.processes import gone, watch


@pytest.mark.parametrize(
    ("source", "code", "says"),
    [
        ("import no_such_package", 1, "it needs the package 'no_such_package', which"),
        ("import sys; sys.exit(7)", 7, "exit code 7"),
        ("this is no python", 1, "SyntaxError"),
        ("import os; os.kill(os.getpid(), 9)", -9, "SIGKILL"),
        ("import os, sys; sys.stderr.write('x' * 20000 + 'the end'); os._exit(1)", 1, "the end"),
    ],
)
def test_failed_starts_are_reported_with_their_reason(
    manager: ProcessManager, tmp_path: Path, source: str, code: int, says: str
) -> None:
    script = tmp_path / "broken.py"
    script.write_text(source)
    with pytest.raises(BackendStartError) as caught:
        manager.spawn(script)
    assert says in str(caught.value)
    assert caught.value.exit_code == code
    assert len(caught.value.stderr) <= 8192
    assert not manager.backends


@pytest.mark.parametrize("source", [None, "import no_such_package", "import sys; sys.exit(7)"])
def test_a_failed_start_is_told_at_once(
    manager: ProcessManager, tmp_path: Path, source: str | None
) -> None:
    script = tmp_path / "broken.py"
    if source is not None:
        script.write_text(source)
    took = []
    for _ in range(5):  # a busy machine may hold up some of them
        began = time.monotonic()
        with pytest.raises(BackendStartError):
            manager.spawn(script)
        took.append(time.monotonic() - began)
    assert min(took) < 0.25, took


def test_nothing_is_started_for_a_missing_file_or_bad_options(manager: ProcessManager) -> None:
    with pytest.raises(BackendStartError, match=r"no_such_file\.py"):
        manager.spawn("no_such_file.py")
    with pytest.raises(TypeError, match="no option of a backend"):
        manager.spawn(MENU, no_such_option=1)
    with pytest.raises(ValueError, match="call_timeout"):
        manager.spawn(MENU, call_timeout=-1)
    with pytest.raises(ValueError, match="max_processes"):
        ProcessManager(max_processes=0)
    assert not manager.backends
    assert not manager._hub.budget.used


def test_a_backend_that_says_nothing_is_given_up(manager: ProcessManager) -> None:
    silence = [sys.executable, "-c", "print('Welcome!'); import time; time.sleep(60)"]
    with pytest.raises(BackendStartError, match=r"within 0\.3 s") as caught:
        manager.spawn(silence, start_timeout=0.3)
    assert "OOM" not in str(caught.value)
    assert caught.value.pid is not None
    assert not lives(caught.value.pid)


def test_a_backend_of_another_protocol_is_refused(manager: ProcessManager) -> None:
    frame = '{"id":1,"status":"success","result":{"protocol":99}}'
    code = f"import sys, time; sys.stdout.write('{frame}\\0'); sys.stdout.flush(); time.sleep(60)"
    with pytest.raises(BackendStartError, match="protocol 99"):
        manager.spawn([sys.executable, "-c", code])


@pytest.mark.parametrize("manner", ["ready", "silent", "mute", "garbage", "lenient"])
def test_plain_backends_of_every_manner(manager: ProcessManager, manner: str) -> None:
    backend = manager.spawn(plain(manner), name=manner)
    assert backend.status.plain
    assert backend.call("add", {"a": 1, "b": 2}) == 3
    before = backend.status.malformed_frames
    assert backend.call("garbage") == "sorry"
    assert backend.status.malformed_frames > before
    assert backend.call("echo", {"x": "ü€"}, timeout=DEADLINE) == {"x": "ü€"}


def test_a_backend_without_any_greeting(manager: ProcessManager) -> None:
    backend = manager.spawn(BackendSpec(plain("silent"), hello=False))
    assert backend.call("add", {"a": 1, "b": 2}) == 3


def test_names_and_places() -> None:
    with ProcessManager(max_processes=3) as manager:
        names = [manager.spawn(MENU).name for _ in range(2)]
        assert names == ["menu", "menu-2"]
        with pytest.raises(ValueError, match="'menu' is not allowed"):
            manager.spawn(MENU, name="menu")
        third = manager.spawn(MENU, name="third")
        assert set(manager.backends) == {"menu", "menu-2", "third"}
        with pytest.raises(BackendStartError, match="3 processes run already") as caught:
            manager.spawn(MENU, start_timeout=0.2)
        assert caught.value.timed_out
        third.terminate()
        assert manager.spawn(MENU, name="third").call("add", {"a": 1}) == 1
        assert "3 of 3" in repr(manager)
    assert "closed" in repr(manager)
    assert not manager.backends
    with pytest.raises(BackendError, match="closed"):
        manager.spawn(MENU)
    manager.close()


def test_many_threads_spawn_and_stop(manager: ProcessManager) -> None:
    def work() -> int:
        with manager.spawn(MENU) as menu:
            return int(menu.call("add", {"a": 40, "b": 2}, timeout=DEADLINE))

    assert [task.wait() for task in [Task(work) for _ in range(6)]] == [42] * 6


def test_leaving_stops_all_in_parallel_however_stubborn() -> None:
    with ProcessManager(stop_grace=1.0) as manager:
        backends = [manager.spawn(MENU) for _ in range(5)]
        for backend in backends:
            backend.call("slow_shutdown")
            backend.call("ignore_sigterm")
        started = time.monotonic()
    assert time.monotonic() - started < 5 * 1.0
    assert not any(lives(backend.pid) for backend in backends)


def test_leaving_with_calls_in_flight() -> None:
    with ProcessManager(stop_grace=0.2) as manager:
        menu = manager.spawn(MENU)
        stuck = Task(menu.call, "stubborn", timeout=None)
        until(lambda: menu.status.in_flight)
    with pytest.raises(BackendDied, match="stopped by its host"):
        stuck.wait()
    assert not lives(menu.pid)


def test_closing_while_another_thread_spawns() -> None:
    manager = ProcessManager(stop_grace=0.5)
    spawning = Task(manager.spawn, [sys.executable, "-c", "import time; time.sleep(60)"])
    until(lambda: manager._hub.budget.used)
    manager.close()
    with pytest.raises((BackendStartError, BackendError)):
        spawning.wait()
    assert not manager._hub.drivers


def test_a_stopped_backend_is_resumed_to_hear_its_goodbye(manager: ProcessManager) -> None:
    import signal

    menu = manager.spawn(MENU)
    os.kill(menu.pid, signal.SIGSTOP)
    menu.terminate(grace=5.0)
    assert menu.status.last_exit is not None
    assert menu.status.last_exit.code == 0


def test_execute_runs_code_with_values(manager: ProcessManager) -> None:
    assert manager.execute("return {'hello': name}", {"name": "'; wörld"}) == {"hello": "'; wörld"}
    printed: list[str] = []
    assert (
        manager.execute(
            "print('psst'); return 1", on_event=lambda event: printed.append(event.data["text"])
        )
        == 1
    )
    assert "psst" in "".join(printed)
    with pytest.raises(CallTimeout, match=r"did not end within 0\.5 s and was stopped"):
        manager.execute("import time; time.sleep(60)", timeout=0.5)
    with pytest.raises(ValueError, match="identifier"):
        manager.execute("return 1", {"not a name": 1})
    assert not manager.backends


def test_the_time_of_execute_covers_the_start(manager: ProcessManager, tmp_path: Path) -> None:
    slow = tmp_path / "slow-python"
    slow.write_text("#!/bin/sh\nexec sleep 1000\n")
    slow.chmod(0o755)
    for seconds in (0.3, 0):
        with pytest.raises(CallTimeout, match="while the process was starting") as caught:
            manager.execute("return 1", timeout=seconds, python=str(slow))
        assert isinstance(caught.value, TimeoutError)
        assert (caught.value.timeout, caught.value.backend) == (seconds, "execute")
    with pytest.raises(BackendStartError, match=r"did not answer within 0\.1 s"):
        manager.execute("return 1", timeout=60, start_timeout=0.1, python=str(slow))
    slow.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(BackendStartError, match="did not start"):
        manager.execute("return 1", timeout=60, python=str(slow))
    assert not manager.backends


def test_all_backends_may_call_what_the_manager_exposes(manager: ProcessManager) -> None:
    manager.expose("double", lambda x: 2 * x)
    for _ in range(2):
        menu = manager.spawn(MENU)
        assert menu.call("ask_host", {"name": "double", "params": {"x": 21}}) == 42


def test_output_becomes_log_records(manager: ProcessManager, caplog) -> None:
    caplog.set_level("INFO", logger="bridgekit")
    menu = manager.spawn(MENU, name="chatty")
    menu.call("whisper", {"text": "from stderr\nlast line without end"})
    menu.call("work", {"steps": 1})
    menu.terminate()
    said = [record.getMessage() for record in caplog.records if record.name.endswith("chatty")]
    assert {"from stderr", "last line without end", "printed 0", "logged 0"} <= set(said)
    about = {(vars(record)["backend"], vars(record)["pid"]) for record in caplog.records}
    assert about == {("chatty", menu.pid)}


def test_an_interpreter_that_ends_without_close_leaves_no_child_and_does_not_hang() -> None:
    pid = run(
        """
        manager = ProcessManager()
        menu = manager.spawn(MENU)
        menu.on("tick", print)
        menu.call("slow_shutdown") if len(sys.argv) > 1 else menu.call("add", {"a": 1})
        print(menu.pid)
        """
    )
    assert not lives(int(pid))


def test_an_interpreter_that_ends_without_close_lets_backends_say_goodbye(tmp_path: Path) -> None:
    backend = tmp_path / "leaver.py"
    backend.write_text(
        "import time\nfrom bridgekit import PythonBridge\n"
        "class Leaver(PythonBridge):\n"
        "    def shutdown(self):\n"
        "        time.sleep(0.2)\n"
        "        open(__file__ + '.left', 'w').close()\n"
        "        return super().shutdown()\n"
        "Leaver().run()\n"
    )
    run(f"ProcessManager().spawn({str(backend)!r}); print(1)")
    assert (tmp_path / "leaver.py.left").exists()


def test_an_interpreter_that_ends_by_an_exception_in_a_call() -> None:
    pid = run(
        """
        manager = ProcessManager(stop_grace=0.2)
        menu = manager.spawn(MENU)
        daemon = threading.Thread(target=menu.call, args=("stubborn",), daemon=True)
        daemon.start()
        while not menu.status.in_flight:
            time.sleep(0.001)
        print(menu.pid, flush=True)
        threading.excepthook = lambda _: None
        """
    )
    assert not lives(int(pid))


@pytest.mark.parametrize("state", ["idle", "busy", "sleeping", "holding", "starting", "grandchild"])
def test_kill_9_of_the_host_leaves_nothing(state: str) -> None:
    from tests.blocking.script import start

    code = """
        state = %r
        manager = ProcessManager()
        if state == "starting":
            import bridgekit.blocking.worker as worker
            real = worker.launchers.launch
            def launch(plan):
                child = real(plan)
                print(child.pid, flush=True)
                return child
            worker.launchers.launch = launch
            manager.spawn([sys.executable, "-c", "import time; time.sleep(1000)"])
        elif state == "grandchild":
            code = "import subprocess; return subprocess.Popen(['sleep', '1000']).pid"
            menu = manager.spawn(MENU)
            print(menu.pid, flush=True)
            manager.execute("import subprocess, time; p = subprocess.Popen(['sleep', '1000']);"
                            " print(p.pid, flush=True); time.sleep(1000)",
                            on_event=lambda e: print(e.data["text"], end="", flush=True))
        else:
            menu = manager.spawn(MENU)
            print(menu.pid, flush=True)
            if state == "busy":
                menu.call("stubborn")
            elif state == "sleeping":
                menu.call("sleep", {"seconds": 1000})
            elif state == "holding":
                menu.call("hold", {"seconds": 1000})
        time.sleep(1000)
        """
    host = start(code % state)
    assert host.stdout is not None
    said = [host.stdout.readline() for _ in range(2 if state == "grandchild" else 1)]
    assert all(said), host.communicate()
    pids = [int(line) for line in said]
    watched = [watch(pid) for pid in pids]
    host.kill()
    host.communicate()
    for descriptor in watched:
        assert gone(descriptor)


def test_backends_that_nobody_stopped_are_asked_to_stop_at_the_end(tmp_path: Path) -> None:
    script = tmp_path / "polite.py"
    script.write_text(
        "from bridgekit import PythonBridge\n"
        "class Polite(PythonBridge):\n"
        "    def shutdown(self):\n"
        "        open('asked', 'w').close()\n"
        "        return super().shutdown()\n"
        "Polite().run()\n"
    )
    run(f"ProcessManager().spawn({str(script)!r}, cwd={str(tmp_path)!r})")
    assert (tmp_path / "asked").exists()


def test_a_forked_copy_of_the_host_is_refused_and_harms_nothing() -> None:
    out = run(
        """
        manager = ProcessManager()
        menu = manager.spawn(MENU)
        thread = threading.Thread(target=menu.call, args=("sleep", {"seconds": 0.5}))
        thread.start()
        while not menu.status.in_flight:
            time.sleep(0.001)
        if (pid := os.fork()) == 0:
            try:
                menu.call("add", {"a": 1})
            except BackendError as error:
                print("child:", error, flush=True)
            with ProcessManager() as own:
                print("child:", own.spawn(MENU).call("add", {"a": 1}), flush=True)
            menu.terminate()
            manager.close()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        thread.join()
        print("parent:", menu.call("add", {"a": 1, "b": 1}), flush=True)
        manager.close()
        """
    )
    assert "belongs to process" in out
    assert "child: 1" in out
    assert "parent: 2" in out


def test_a_wire_that_lacks_its_package_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msgpack", None)
    with ProcessManager(max_processes=1) as manager:
        for _ in range(2):
            with pytest.raises(BackendStartError, match=r"the msgpack wire needs .*msgpack"):
                manager.spawn(MENU, wire="msgpack")
        assert manager.spawn(MENU).call("add", [1, 2], timeout=DEADLINE) == 3
