"""The one shape that the floor, every peer and every face of bridgekit share.

A competitor is a host with one live child. It overrides only what it can do (`call`, `window`,
`events`); a workload that needs something else skips it. Third-party imports belong inside
`session`, so that listing the competitors needs none of them installed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

BACKENDS = Path(__file__).parent.parent / "backends"
TIMEOUT = 30.0
"""Seconds; the timeout passed by every competitor that has one. It never fires."""


class _Described:
    """What the table and the controller need to know before anything is started."""

    title: ClassVar[str] = ""
    kind: ClassVar[str] = "peer"
    """``floor``, ``probe`` (a variant of the floor), ``peer`` or ``bridgekit``."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Top-level modules that have to be importable."""
    cost: ClassVar[float] = 1.0
    """Rough multiple of the floor; the number of calls in a round is divided by it."""
    thread_safe: ClassVar[bool] = False
    skips: ClassVar[tuple[str, ...]] = ()
    """Workloads left out although the ability is there; say why in the file."""

    def __init__(self, workload: str) -> None:
        """Remember the name of the workload this process was started for."""
        self.workload = workload


class BlockingCompetitor(_Described, ABC):
    """A host whose calls block the calling thread."""

    @abstractmethod
    def session(self) -> AbstractContextManager[None]:
        """Start the child, wait until it can answer, and stop it on leaving."""

    def call(self, value: str) -> object:
        """Have the child echo one value."""
        raise NotImplementedError

    def window(self, values: Sequence[str]) -> Sequence[object]:
        """Have the child echo many values with all of them in flight at once."""
        raise NotImplementedError

    def events(self, count: int) -> int:
        """Ask the child for that many small events; return how many arrived."""
        raise NotImplementedError


class AsyncCompetitor(_Described, ABC):
    """A host whose calls are awaited; `loop` names what runs it."""

    loop: ClassVar[str] = "asyncio"
    """``asyncio``, ``uvloop`` or ``trio``."""

    @abstractmethod
    def session(self) -> AbstractAsyncContextManager[None]:
        """Start the child, wait until it can answer, and stop it on leaving."""

    async def call(self, value: str) -> object:
        """Have the child echo one value."""
        raise NotImplementedError

    async def window(self, values: Sequence[str]) -> Sequence[object]:
        """Have the child echo many values with all of them in flight at once."""
        raise NotImplementedError

    async def events(self, count: int) -> int:
        """Ask the child for that many small events; return how many arrived."""
        raise NotImplementedError


AnyCompetitor = BlockingCompetitor | AsyncCompetitor


def can(competitor: type[Any], ability: str) -> bool:
    """Whether a competitor overrides the method with that name."""
    base = AsyncCompetitor if issubclass(competitor, AsyncCompetitor) else BlockingCompetitor
    return getattr(competitor, ability) is not getattr(base, ability)
