"""The blocking handle: calls, outcomes, events, life; with real processes."""

from __future__ import annotations

import asyncio
import inspect
import math
import os
import threading
from pathlib import Path
from typing import Any

import pytest

import bridgekit
from bridgekit import (
    BackendDied,
    BackendError,
    BridgeError,
    CallTimeout,
    EncodeError,
    InvalidParams,
    MethodNotFound,
    RemoteError,
    blocking,
)
from bridgekit.blocking import Backend, ProcessManager
from bridgekit.blocking.hub import Changes as BlockingChanges
from bridgekit.host.changes import Changes as AsyncChanges
from bridgekit.host.handle import Backend as AsyncBackend
from bridgekit.host.stream import Stream as AsyncStream
from tests.blocking.support import Task, until
from tests.host.support import DEADLINE, MENU, lives, plain


def test_results_of_every_kind(menu: Backend) -> None:
    assert menu.call("add", {"a": 1, "b": 2}) == 3
    assert menu.call("add", [1, 2]) == 3
    assert menu.call("add", (1, 2), timeout=5) == 3
    values: list[Any] = [None, True, 1.5, "ü€🎉", 2**70, -(2**63), [], {"a": [None]}, 10**19, 1e300]
    for value in values:
        assert menu.call("echo", {"value": value}, timeout=10) == value
        assert menu.call("echo", {"value": value}, timeout=None) == value
        assert type(menu.call("echo", {"value": value})) is type(value)
    assert menu.call("pid") == menu.pid == menu.status.pid


def test_every_failure_has_its_own_error(menu: Backend) -> None:
    with pytest.raises(RemoteError, match="as you wish") as caught:
        menu.call("fail", {"message": "as you wish"})
    error = caught.value
    assert (error.type, error.code, error.data) == ("ValueError", "teapot", {"cups": 2})
    assert "menu.py" in (error.traceback or "")
    with pytest.raises(MethodNotFound):
        menu.call("no_such_method")
    with pytest.raises(InvalidParams):
        menu.call("add", {"a": "1"})
    with pytest.raises(EncodeError, match=r"NaN|nan|finite"):
        menu.call("echo", {"value": float("nan")}, timeout=1)
    with pytest.raises(EncodeError):
        menu.call("echo", {"value": object()})
    with pytest.raises(TypeError, match="mapping"):
        menu.call("echo", "text")  # type: ignore[arg-type]
    assert menu.call("add", {"a": 1}) == 1
    assert menu.status.in_flight == 0


@pytest.mark.parametrize("timeout", [0.05, 0, -1])
def test_a_timeout_ends_the_call_and_the_backend_goes_on(menu: Backend, timeout: float) -> None:
    with pytest.raises(CallTimeout) as caught:
        menu.call("sleep", {"seconds": 60}, timeout=timeout)
    assert caught.value.timeout == timeout
    assert isinstance(caught.value, TimeoutError)
    assert menu.call("add", {"a": 1, "b": 1}, timeout=DEADLINE) == 2


def test_an_infinite_timeout_is_no_limit() -> None:
    with ProcessManager(stop_grace=2.0, call_timeout=math.inf) as manager:
        for wire in ("native", "jsonrpc", "msgpack"):
            menu = manager.spawn(MENU, wire=wire)
            assert menu.call("add", [1, 1]) == 2
            assert menu.call("add", [1, 1], timeout=math.inf) == 2
            assert menu.call_many("add", [[1], [2]], timeout=math.inf) == [1, 2]
            rows = menu.stream("rows", [3], timeout=math.inf, item_timeout=math.inf)
            assert list(rows) == [0, 1, 2]


def test_a_method_that_ignores_its_cancellation_costs_the_process(manager: ProcessManager) -> None:
    menu = manager.spawn(MENU, cancel_grace=0.1)
    first = menu.pid
    with pytest.raises(CallTimeout):
        menu.call("stubborn", timeout=0.05)
    # It holds its place until it has ended: this one waits for the replacement.
    assert menu.call("pid", timeout=DEADLINE) != first
    last = menu.status.last_exit
    assert last is not None
    assert last.description.startswith("killed by SIGKILL, because it had not ended the call")
    # Whoever shares the process with it dies with it.
    menu = manager.spawn(MENU, cancel_grace=0.1, concurrency=2)
    with pytest.raises(CallTimeout):
        menu.call("stubborn", timeout=0.05)
    with pytest.raises(BackendDied, match="cancellation, so its host killed it"):
        menu.call("add", {"a": 1}, timeout=DEADLINE)


def test_death_fails_calls_of_all_threads_with_the_story(menu: Backend) -> None:
    waiting = [Task(menu.call, "sleep", {"seconds": 60}, timeout=None) for _ in range(4)]
    until(lambda: menu.status.in_flight == 4)
    os.kill(menu.pid, 9)
    for task in waiting:
        with pytest.raises(BackendDied) as caught:
            task.wait()
        assert caught.value.signal == "SIGKILL"
        assert "sleep" in caught.value.running
    assert menu.status.state == "failed"
    assert menu.status.last_exit is not None
    assert menu.status.last_exit.signal == "SIGKILL"
    with pytest.raises(BackendDied):
        menu.call("add", {"a": 1})


def test_the_death_of_a_lone_call_quotes_stderr(menu: Backend) -> None:
    with pytest.raises(BackendDied, match="my last words") as caught:
        menu.call("die", {"code": 4})
    assert caught.value.exit_code == 4
    assert caught.value.running == ("die",)


def test_a_backend_that_closes_its_wire_is_killed(menu: Backend) -> None:
    with pytest.raises(BackendDied, match="closed its end of the wire"):
        menu.call("close_wire")
    menu.wait()
    assert not lives(menu.pid)


def test_many_threads_call_at_once_and_each_gets_its_own(menu: Backend) -> None:
    def work(me: int) -> bool:
        return all(
            menu.call("echo", {"value": [me, n]}, timeout=DEADLINE) == [me, n] for n in range(300)
        )

    assert all(task.wait() for task in [Task(work, me) for me in range(8)])
    assert menu.status.in_flight == 0


def test_a_short_call_overtakes_a_long_concurrent_one(menu: Backend) -> None:
    long = Task(menu.call, "nap", {"seconds": 1.0})
    until(lambda: menu.status.in_flight)
    assert menu.call("add", {"a": 1, "b": 2}) == 3
    assert long.wait() == 1.0


def test_leaders_hand_over_to_followers(menu: Backend) -> None:
    naps = [Task(menu.call, "nap", {"seconds": 0.05 * n}, timeout=DEADLINE) for n in range(8)]
    assert [nap.wait() for nap in naps] == [0.05 * n for n in range(8)]


def test_progress_is_handled_in_the_calling_thread(menu: Backend) -> None:
    seen: list[tuple[str, int]] = []
    result = menu.call(
        "work",
        {"steps": 3},
        on_event=lambda event: seen.append((event.topic, threading.get_ident())),
    )
    assert result == 3
    assert {thread for _, thread in seen} == {threading.get_ident()}
    assert [topic for topic, _ in seen].count("$/progress") == 3
    assert {topic for topic, _ in seen} == {"$/progress", "$/log", "$/output"}


def test_a_progress_handler_may_call_and_may_raise(menu: Backend, caplog) -> None:
    def handle(event: Any) -> None:
        if event.topic == "$/progress":
            raise ValueError("no progress, please")

    assert menu.call("work", {"steps": 2}, on_event=handle) == 2
    assert "no progress, please" in caplog.text
    with pytest.raises(RemoteError):
        menu.call("fail", {"message": "x"}, on_event=handle)


def test_events_reach_handlers_in_order(menu: Backend) -> None:
    seen: list[int] = []
    unsubscribe = menu.on("tick", lambda event: seen.append(event.data["n"]))
    assert menu.call("fire", {"topic": "tick", "count": 20_000}, timeout=DEADLINE) == 20_000
    until(lambda: len(seen) == 20_000)
    assert seen == list(range(20_000))
    unsubscribe()
    unsubscribe()
    menu.call("fire", {"topic": "tick", "count": 5})
    menu.terminate()
    assert len(seen) == 20_000


def test_events_come_while_nobody_calls(menu: Backend) -> None:
    seen: list[Any] = []
    menu.on("$/output", lambda event: seen.append(event.data["text"]))
    menu.call("whisper", {"text": "psst\n"})
    until(lambda: "psst\n" in "".join(seen))


def test_a_handler_may_call_its_backend_and_may_raise(menu: Backend, caplog) -> None:
    seen: list[int] = []

    def handler(event: Any) -> None:
        seen.append(menu.call("add", {"a": event.data["n"], "b": 100}))
        raise ValueError("that was all")

    menu.on("tick", handler)
    menu.call("fire", {"topic": "tick", "count": 3})
    until(lambda: seen == [100, 101, 102])
    assert "that was all" in caplog.text


def test_a_stalled_handler_stops_no_call_and_bounds_memory(menu: Backend) -> None:
    gate, entered = threading.Event(), threading.Event()

    def stall(event: Any) -> None:
        entered.set()
        gate.wait(DEADLINE)

    menu.on("tick", stall)
    try:
        count = {"topic": "tick", "count": 60_000, "size": 500}
        assert menu.call("fire", count, timeout=DEADLINE) == 60_000
        assert entered.is_set()
        assert menu.call("add", {"a": 1, "b": 1}, timeout=DEADLINE) == 2
        assert menu.status.dropped_events > 30_000
    finally:
        gate.set()


def test_the_backend_may_call_the_host_even_from_inside_a_call(menu: Backend) -> None:
    undo = menu.expose("double", lambda x: menu.call("nap", {"seconds": 0}) + 2 * x)
    assert menu.call("ask_host", {"name": "double", "params": {"x": 21}}) == 42
    undo()
    with pytest.raises(MethodNotFound, match="double"):
        menu.call("ask_host", {"name": "double", "params": {"x": 21}})


def test_terminate_from_many_threads(menu: Backend) -> None:
    waiting = Task(menu.call, "sleep", {"seconds": 60}, timeout=None)
    until(lambda: menu.status.in_flight)
    for task in [Task(menu.terminate, grace=0.3) for _ in range(5)]:
        task.wait()
    menu.terminate()
    assert not lives(menu.pid)
    with pytest.raises(BridgeError, match=r"stopped by its host|shutting down"):
        waiting.wait()
    with pytest.raises(BackendError, match="stopped by its host"):
        menu.call("add", {"a": 1})
    assert menu.status.state == "stopped"


def test_a_backend_is_a_context(manager: ProcessManager) -> None:
    with manager.spawn(MENU) as menu:
        assert "ready" in repr(menu)
    assert "stopped" in repr(menu)
    menu.wait()


def test_large_messages_both_ways(menu: Backend) -> None:
    for size in (4000, 4097, 70_000, 1_000_000, 10_000_000):
        assert menu.call("echo", {"value": "ü" * (size // 6)}) == "ü" * (size // 6)


def test_large_messages_from_many_threads(menu: Backend) -> None:
    def work(me: int) -> bool:
        value = str(me) * 400_000
        return all(menu.call("echo", {"value": value}) == value for _ in range(3))

    small = Task(lambda: [menu.call("add", {"a": n}, timeout=DEADLINE) for n in range(300)])
    assert all(task.wait() for task in [Task(work, me) for me in range(4)])
    assert small.wait() == list(range(300))


def test_it_works_inside_a_running_event_loop(menu: Backend) -> None:
    async def main() -> int:
        return int(menu.call("add", {"a": 20, "b": 22}))

    assert asyncio.run(main()) == 42


def test_plain_backends(manager: ProcessManager) -> None:
    backend = manager.spawn(plain("ready"))
    assert backend.status.plain
    assert backend.call("add", {"a": 1, "b": 2}, timeout=3) == 3
    with pytest.raises(CallTimeout):
        backend.call("sleep", {"seconds": 1.0}, timeout=0.02)
    assert backend.call("echo", {"x": "ü€"}, timeout=DEADLINE) == {"x": "ü€"}
    assert backend.status.late_replies == 1


def test_other_wires(manager: ProcessManager) -> None:
    for wire in ("jsonrpc", "lsp", "msgpack"):
        backend = manager.spawn(MENU, wire=wire)
        assert backend.call("echo", {"value": "ü"}, timeout=5) == "ü"
        assert backend.call_many("add", [[1, 2], [3, 4]]) == [3, 7]
        with pytest.raises(RemoteError):
            backend.call("fail", {"message": "x"})


def public(cls: type) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for base in reversed(cls.__mro__[:-1]):
        members |= {name: member for name, member in vars(base).items() if not name.startswith("_")}
    return members


def signature(function: Any) -> list[tuple[str, Any, Any]]:
    """Names, kinds and defaults; a property has none."""
    if isinstance(function, property):
        return []
    parameters = inspect.signature(function).parameters.values()
    return [(each.name, each.kind, each.default) for each in parameters]


PAIRS = [
    (bridgekit.ProcessManager, blocking.ProcessManager, {}),
    (AsyncBackend, blocking.Backend, {}),
    (AsyncStream, blocking.Stream, {"aclose": "close"}),
    (AsyncChanges, BlockingChanges, {"aclose": "close"}),
]


@pytest.mark.parametrize(
    ("theirs", "ours", "renamed"), PAIRS, ids=lambda x: getattr(x, "__name__", "")
)
def test_both_faces_have_the_same_names_and_signatures(
    theirs: type, ours: type, renamed: dict[str, str]
) -> None:
    expected = {
        renamed.get(name, name): signature(member) for name, member in public(theirs).items()
    }
    assert {name: signature(member) for name, member in public(ours).items()} == expected
    assert signature(theirs.__init__) == signature(ours.__init__) or ours is not ProcessManager


def test_the_call_of_an_instance_is_the_call_of_the_class(menu: Backend) -> None:
    assert signature(menu.call) == signature(Backend.call)[1:]
    assert menu.call.__doc__ == Backend.call.__doc__


def test_every_public_method_explains_itself() -> None:
    for cls in (Backend, ProcessManager, blocking.Stream, blocking.EventQueue):
        for name, member in public(cls).items():
            assert inspect.getdoc(member), f"{cls.__name__}.{name}"
    assert Path(blocking.__file__ or "").exists()
