"""A blocking manager with one backend that has a menu of misbehaviours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridgekit.blocking import Backend, ProcessManager
from tests.host.support import MENU


@pytest.fixture
def manager() -> Iterator[ProcessManager]:
    with ProcessManager(stop_grace=2.0) as manager:
        yield manager


@pytest.fixture
def menu(manager: ProcessManager) -> Backend:
    return manager.spawn(MENU, concurrency=30, restart="never")
