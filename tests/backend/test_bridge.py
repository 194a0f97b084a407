"""``PythonBridge``, and code that was written for the null-byte bridges before it."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from bridgekit import BridgeError, PythonBridge
from bridgekit.backend import bridge as bridge_module
from bridgekit.backend.bridge import EARLY
from bridgekit.backend.host import HostProxy
from tests.backend.conftest import Start
from tests.support.processes import PATIENCE
from tests.support.rawhost import raw_host

# --- code of old ------------------------------------------------------------------------------

OLD = """\
import threading
import time

from bridgekit import PythonBridge


class Counter(PythonBridge):
    def __init__(self):
        super().__init__()
        self.count = 0
        self.thread = threading.Thread(target=self._loop, daemon=True)
        self.thread.start()

    def _loop(self):
        while self._running:
            self.count += 1
            self.send_event("data", {"count": self.count})
            time.sleep(0.002)

    def get_count(self):
        return {"count": self.count}

    def greet(self, name="world"):
        return {"greeting": f"Hello, {name}!"}

    def running(self):
        return self._running

    def fail(self):
        raise ValueError("no")

    def quit(self):
        self._running = False
        return {"bye": True, "running": self._running}


if __name__ == "__main__":
    bridge = Counter()
    bridge.run()
    bridge.thread.join()
"""


@pytest.fixture(params=["as a script", "by our host"])
def plain(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "as a script")


def old(tmp_path: Path, text: str = OLD) -> Path:
    script = tmp_path / "counter.py"
    script.write_text(text)
    return script


def test_code_of_old_runs_unchanged(tmp_path: Path, plain: bool) -> None:
    with raw_host(old(tmp_path), plain=plain) as host:
        assert host.ready()["status"] == "ready"
        host.send({"id": "a", "cmd": "greet", "params": {"name": "Ada"}})
        assert host.reply("a") == {
            "id": "a",
            "status": "success",
            "result": {"greeting": "Hello, Ada!"},
        }
        assert host.call("greet") == {"greeting": "Hello, world!"}
        assert host.call("running") is True
        assert host.call("get_count")["count"] >= 1
        assert host.failure("fail")["error"] == "no"
        first, second = host.event("data"), host.event("data")
        assert first == {"cmd": "data", "status": "event", "result": {"count": 1}}
        assert second["result"] == {"count": 2}
        assert host.call("quit") == {"bye": True, "running": False}
        assert host.wait() == 0  # the thread has seen it, too
        assert host.errors() == ""


def test_its_events_wait_for_the_ready_frame(tmp_path: Path, plain: bool) -> None:
    with raw_host(old(tmp_path), plain=plain) as host:
        host.event("data")
        assert host.raw.startswith(b'\0{"id":0,')
        host.call("shutdown")
        assert host.wait() == 0


FLAGGED = OLD.replace("def __init__", "_running = True\n\n    def __init__").replace(
    "super().__init__()", "self._running = True; self.host = 'example'"
)


def test_a_flag_of_its_own_and_no_call_of_the_base_class(tmp_path: Path, plain: bool) -> None:
    with raw_host(old(tmp_path, FLAGGED), plain=plain) as host:
        host.ready()
        assert host.call("running") is True
        assert host.call("quit") == {"bye": True, "running": False}
        assert host.wait() == 0
        assert host.errors() == ""


def test_an_overridden_shutdown_that_only_clears_the_flag(start: Start) -> None:
    host = start(
        "def shutdown(self):\n"
        "    self._running = False\n"
        "    return {'saved': 3}\n"
        "def on_stop(self):\n"
        "    print('stop', file=sys.stderr, flush=True)\n"
    )
    assert host.call("shutdown") == {"saved": 3}
    assert host.wait() == 0
    assert host.errors() == "stop\n"


def test_what_calls_the_base_classs_commands(start: Start) -> None:
    host = start(
        "def ready(self):\n"
        "    return {**super().ready(), 'model': 'large'}\n"
        "def shutdown(self):\n"
        "    return {**super().shutdown(), 'saved': 3}\n"
    )
    ready = host.call("ready")
    assert sorted(ready) == ["model", "python_version", "status"]
    assert host.call("shutdown") == {"status": "shutdown", "saved": 3}
    assert host.wait() == 0


# --- the flag ---------------------------------------------------------------------------------


class Bridge(PythonBridge):
    def add(self, a: int) -> int:
        return a + 1


def test_running_is_true_until_somebody_says_otherwise() -> None:
    bridge = Bridge()
    assert bridge._running
    bridge._running = True
    assert bridge._running
    bridge._running = False
    assert not bridge._running
    bridge._running = True  # too late
    assert not bridge._running
    with pytest.raises(AttributeError, match="belongs to PythonBridge"):
        del bridge._running


def test_a_subclasss_own_flag_makes_room() -> None:
    class Old(Bridge):
        _running = False

    assert Old()._running
    assert Bridge()._running


def test_init_subclass_passes_options_on() -> None:
    class Base(PythonBridge):
        def __init_subclass__(cls, *, unit: str = "", **options: object) -> None:
            super().__init_subclass__(**options)
            cls.unit = unit

    class Metric(Base, unit="m"):
        pass

    assert Metric.unit == "m"  # type: ignore[attr-defined]


# --- what an instance has ---------------------------------------------------------------------


def test_state_is_there_without_a_call_of_the_base_class() -> None:
    class Forgetful(PythonBridge):
        def __init__(self, first: int, *, second: int) -> None:
            self.state["sum"] = first + second

    bridge, other = Forgetful(1, second=2), Forgetful(3, second=4)
    assert bridge.state == {"sum": 3}
    assert other.state == {"sum": 7}


def test_a_dict_in_the_class_is_what_the_state_begins_with() -> None:
    class Old(PythonBridge):
        state = {"n": 1}

    class Older(PythonBridge):
        state = "idle"  # type: ignore[assignment]
        host = "localhost"  # type: ignore[assignment]

    first, second = Old(), Old()
    first.state["n"] += 1
    assert (first.state, second.state, Old.state) == ({"n": 2}, {"n": 1}, {"n": 1})
    older = Older()
    assert (older.state, older.host) == ("idle", "localhost")
    older.state, older.host = "busy", "elsewhere"
    assert (older.state, older.host, Older.state) == ("busy", "elsewhere", "idle")


def test_the_hosts_functions_unless_the_author_has_another_use_for_the_name() -> None:
    bridge = Bridge()
    assert isinstance(bridge.host, HostProxy)
    bridge.host = "localhost"  # type: ignore[assignment]
    assert bridge.host == "localhost"
    assert isinstance(Bridge().host, HostProxy)


def test_what_the_commands_say() -> None:
    bridge = Bridge()
    assert bridge.ready()["status"] == "ready"
    assert bridge.ready()["python_version"].count(".") == 2
    assert bridge.shutdown() == {"status": "shutdown"}
    assert not bridge._running
    assert bridge.on_start() is None
    assert bridge.on_stop() is None


# --- events -----------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", ["$/item", "$", 3, None, b"data"])
def test_topics_are_text_and_not_ours(topic: object) -> None:
    with pytest.raises(ValueError, match="a topic is text"):
        Bridge().send_event(topic)  # type: ignore[arg-type]


def test_events_from_before_the_run_are_kept_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge_module, "_MOST_EARLY", 2)
    bridge = Bridge()
    bridge.send_event("")
    bridge.send_event("data", {"n": 2})
    with pytest.raises(BridgeError, match="more than 2 events were sent before run"):
        bridge.send_event("data", {"n": 3})
    assert bridge._bridgekit_early == [("", None), ("data", {"n": 2})]


def test_an_event_sent_while_the_run_begins_is_not_kept_for_nobody() -> None:
    bridge, sent, begun = Bridge(), [], threading.Event()

    def send() -> None:
        begun.set()
        bridge.send_event("data", 1)

    thread = threading.Thread(target=send)
    with EARLY:
        thread.start()
        assert begun.wait(PATIENCE)
        loop = SimpleNamespace(send_event=lambda *event: sent.append(event))
        bridge._bridgekit_loop = loop  # type: ignore[assignment]
    thread.join()
    assert sent == [("data", 1)]
    assert bridge._bridgekit_early == []


def test_events_of_methods_and_threads(start: Start) -> None:
    host = start(
        "def tell(self):\n"
        "    import threading\n"
        "    thread = threading.Thread(target=self.send_event, args=('thread', 2))\n"
        "    self.send_event('method', 1)\n"
        "    thread.start()\n"
        "    thread.join()\n"
        "    try:\n"
        "        self.send_event('bad', {'x': object()})\n"
        "    except Exception as error:\n"
        "        return str(error)\n",
        hello=True,
    )
    call = host.start("tell")
    assert "x" in host.reply(call)["result"]
    assert host.event("method") == {
        "cmd": "method",
        "status": "event",
        "result": 1,
        "call": call,
    }
    assert host.event("thread") == {"cmd": "thread", "status": "event", "result": 2}
    host.call("shutdown")
    assert host.wait() == 0


def test_stopping_from_a_thread_while_the_host_is_silent(start: Start) -> None:
    host = start(
        "def on_start(self):\n"
        "    import threading\n"
        "    self.go = threading.Event()\n"
        "    threading.Thread(target=self._watch).start()\n"
        "def _watch(self):\n"
        "    self.go.wait()\n"
        "    self._running = False\n"
        "def leave(self):\n"
        "    self.go.set()\n"
    )
    host.call("leave")
    assert host.wait() == 0
