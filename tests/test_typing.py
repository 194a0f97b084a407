"""What type checkers make of the public names, asked of mypy itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy")

ROOT = Path(__file__).parent.parent

PROXIES = """
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from typing import Protocol, assert_type

from bridgekit import ProcessManager, blocking

class Face(Protocol):
    async def add(self, a: int, b: int = 0) -> int: ...
    def rows(self, n: int) -> AsyncIterator[int]: ...

class Plain(Protocol):
    def add(self, a: int, b: int = 0) -> int: ...
    def rows(self, n: int) -> Iterator[int]: ...

class Concrete:
    def __init__(self, needs: int) -> None: ...

class Abstract(ABC):
    @abstractmethod
    def add(self, a: int) -> int: ...

async def asynchronous(manager: ProcessManager) -> None:
    backend = await manager.spawn("counter.py")
    face = backend.proxy_as(Face)
    assert_type(face, Face)
    assert_type(await face.add(1), int)
    assert_type([row async for row in face.rows(3)], list[int])
    assert_type(backend.proxy_as(Concrete), Concrete)
    assert_type(backend.proxy_as(Abstract), Abstract)
    await face.add("x")  # wrong

def blocked(manager: blocking.ProcessManager) -> None:
    backend = manager.spawn("counter.py")
    face = backend.proxy_as(Plain)
    assert_type(face, Plain)
    assert_type(face.add(1), int)
    assert_type(list(face.rows(3)), list[int])
    assert_type(backend.proxy_as(Concrete), Concrete)
    assert_type(backend.proxy_as(Abstract), Abstract)
    face.add("x")  # wrong
"""


def test_a_typed_proxy_has_the_type_of_its_class_on_both_faces(tmp_path: Path) -> None:
    script = tmp_path / "proxies.py"
    script.write_text(PROXIES)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-pretty", "--cache-dir", tmp_path, script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    wrong = [n for n, line in enumerate(PROXIES.splitlines(), 1) if line.endswith("# wrong")]
    found = [line for line in done.stdout.splitlines() if "proxies.py" in line]
    assert [int(line.split(":")[1]) for line in found if "[arg-type]" in line] == wrong
    assert len(found) == len(wrong), done.stdout
