"""From specs to launches."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

import bridgekit.blocking
from bridgekit import BackendSpec, BackendStartError, FrameTooLarge, RemoteError
from bridgekit.host.planning import is_passing, plan_of
from tests.host.support import MENU


def test_a_plan_carries_name_and_limits() -> None:
    spec = BackendSpec(MENU, limits={"open_files": 64})
    assert plan_of(spec).name == "menu"
    assert plan_of(spec, "other").name == "other"
    assert plan_of(spec).limits.open_files == 64


def test_whose_launch_cannot_work_is_known_to_programs(tmp_path: Path) -> None:
    spec = BackendSpec(tmp_path / "missing.py", name="mine")
    for name, expected in ((None, "mine"), ("other", "other")):
        with pytest.raises(BackendStartError) as caught:
            plan_of(spec, name)
        assert caught.value.backend == expected


def test_a_limit_of_memory_needs_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    for options in ({"limits": {"rss": 1 << 30}}, {"recycle": {"memory": 1 << 30}}):
        with pytest.raises(BackendStartError, match="needs /proc"):
            plan_of(BackendSpec(MENU, **options))  # type: ignore[arg-type]


def test_want_of_room_passes_and_a_missing_file_does_not(tmp_path: Path) -> None:
    with pytest.raises(BackendStartError) as caught:
        plan_of(BackendSpec(tmp_path / "missing.py"))
    assert not is_passing(caught.value)
    error = BackendStartError("x")
    error.__cause__ = OSError(errno.EMFILE, "too many")
    assert is_passing(error)


@pytest.mark.parametrize("wire", ["native", "msgpack"])
def test_a_frame_may_be_as_large_as_the_spec_says(tmp_path: Path, wire: str) -> None:
    script = tmp_path / "large.py"
    script.write_text(
        "from bridgekit import PythonBridge\n\n\nclass Large(PythonBridge):\n"
        "    def size(self, text):\n        return len(text)\n\n"
        "    def text(self, n):\n        return 'x' * n\n\n\nLarge().run()\n"
    )
    with bridgekit.blocking.ProcessManager() as manager:
        large = manager.spawn(script, wire=wire, max_frame=64 << 20)
        assert large.call("size", {"text": "x" * (20 << 20)}) == 20 << 20
        assert len(large.call("text", {"n": 25_000_000})) == 25_000_000
        small = manager.spawn(script, wire=wire, max_frame=2000, name="small")
        with pytest.raises(FrameTooLarge, match="limit of 2000 bytes"):
            small.call("size", {"text": "x" * 3000})
        with pytest.raises(RemoteError, match="limit of 2000 bytes"):
            small.call("text", {"n": 3000})
        assert small.call("text", {"n": 3}) == "xxx"
