"""``start(body)`` spawns a backend class with that body and waits until it is ready."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.backend.outbox_support import Pipe
from tests.support.rawhost import RawHost, host_of

Start = Callable[..., RawHost]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Spawn backends that end with the test."""
    with ExitStack() as stack:

        def spawn(body: str, *, hello: bool = False, **options: Any) -> RawHost:
            host = stack.enter_context(host_of(tmp_path, body, **options))
            host.ready()
            if hello:
                host.hello()
            return host

        yield spawn


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """An outbox over a pipe."""
    made = Pipe()
    yield made
    made.close()
