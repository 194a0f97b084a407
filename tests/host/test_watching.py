"""Changed sources are noticed, and told one after the other."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import anyio
import pytest

from bridgekit import BackendStartError, BridgeError, ProcessManager
from bridgekit.host.watching import changed_files, source_folders, watch_sources
from tests.host.support import DEADLINE

pytest.importorskip("watchfiles")


async def touch_until(path: Path, event: anyio.Event) -> None:
    """Change a file, again and again: nobody can see from outside when watching has begun."""
    number = 0
    with anyio.fail_after(DEADLINE):
        while not event.is_set():
            number += 1
            path.write_text(f"number = {number}\n")
            with anyio.move_on_after(0.2):
                await event.wait()


async def test_changes_are_told_until_cancelled(
    anyio_backend: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bridgekit")
    told = [anyio.Event(), anyio.Event(), anyio.Event()]
    waiting = iter(told)
    running = 0

    async def restart() -> None:
        nonlocal running
        running += 1
        assert running == 1
        event = next(waiting, told[-1])
        event.set()
        await anyio.sleep(0)
        running -= 1
        if event is told[0]:
            raise BackendStartError("it does not start any more")

    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            await watch_sources([tmp_path], restart, quiet=0.01)

        tasks.start_soon(watch)
        (tmp_path / "package").mkdir()
        for event, name in zip(told, ["a.py", "package/b.py", "a.py"], strict=True):
            await touch_until(tmp_path / name, event)
        tasks.cancel_scope.cancel()
    assert "it does not start any more" in caplog.text
    assert str(tmp_path / "a.py") in caplog.text


async def test_a_plain_function_will_do_and_other_files_do_not_count(
    anyio_backend: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bridgekit")
    seen = anyio.Event()
    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            await watch_sources([str(tmp_path)], seen.set, quiet=0.01)

        tasks.start_soon(watch)
        for name in ("notes.txt", ".venv", "__pycache__"):
            path = tmp_path / name
            if "." not in name[1:]:
                path.mkdir()
                path /= "x.py"
            path.write_text("")
        await touch_until(tmp_path / "a.py", seen)
        tasks.cancel_scope.cancel()
    assert "a.py" in caplog.text
    assert not any(name in caplog.text for name in ("notes.txt", ".venv", "__pycache__"))


def test_which_folders_hold_the_sources(tmp_path: Path) -> None:
    script = tmp_path / "counter.py"
    script.write_text("")
    assert source_folders(script) == [str(tmp_path)]
    assert source_folders("counter.py:Counter", cwd=tmp_path) == [str(tmp_path)]
    assert source_folders("pkg.counter:Counter", cwd=tmp_path) == [str(tmp_path)]
    assert source_folders("pkg.counter:Counter") == [str(Path.cwd())]
    with pytest.raises(BackendStartError, match="is a command"):
        source_folders([sys.executable])


async def test_a_missing_folder_is_an_error(anyio_backend: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await watch_sources([tmp_path / "absent"], lambda: None)


async def test_without_the_package(anyio_backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with pytest.raises(BridgeError, match=r"bridgekit-ipc\[watch\]"):
        await watch_sources(["."], lambda: None)


def test_a_long_list_is_cut() -> None:
    changes = [(1, f"{number}.py") for number in range(9)]
    assert changed_files(changes, 2) == ["0.py", "1.py", "and 7 more"]
    assert changed_files(changes[:2]) == ["0.py", "1.py"]


BACKEND = """
from bridgekit import PythonBridge
class Edited(PythonBridge):
    def edition(self):
        return %d
if __name__ == "__main__":
    Edited().run()
"""


async def test_a_backend_is_restarted_with_its_new_source(
    anyio_backend: str, tmp_path: Path
) -> None:
    script = tmp_path / "edited.py"
    script.write_text(BACKEND % 0)
    async with ProcessManager() as manager, anyio.create_task_group() as tasks:
        backend = await manager.spawn(script)
        assert await backend.call("edition") == 0
        restarted = anyio.Event()

        async def restart() -> None:
            await backend.restart()
            restarted.set()

        async def watch() -> None:
            await watch_sources(source_folders(script), restart, quiet=0.01)

        tasks.start_soon(watch)
        edition = 0
        with anyio.fail_after(DEADLINE):
            while not restarted.is_set():
                edition += 1
                script.write_text(BACKEND % edition)
                with anyio.move_on_after(1.0):
                    await restarted.wait()
            while await backend.call("edition") != edition:
                await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
