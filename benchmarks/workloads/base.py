"""The shape of a workload, and the few timing loops that every competitor runs through.

The loops live here and nowhere else: a competitor cannot be timed differently from the floor.
Samples are nanoseconds per call (or event). Every reply is compared, outside the timed span.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from time import perf_counter_ns as clock
from typing import ClassVar

from benchmarks.competitors.base import AnyCompetitor, AsyncCompetitor, BlockingCompetitor, can


class WrongReplyError(AssertionError):
    """A competitor returned something other than what was sent: its timing means nothing."""


class Workload(ABC):
    """One question asked of every competitor that has the `ability`."""

    title: ClassVar[str]
    ability: ClassVar[str] = "call"
    """The competitor's method that the workload needs."""
    unit: ClassVar[str] = "call"
    count: ClassVar[int]
    """Calls (or events) per round for the floor; divided by a competitor's ``cost``."""
    least: ClassVar[int]
    """Never fewer than this many per round."""
    rounds: ClassVar[int] = 25
    tail: ClassVar[bool] = False
    """Whether samples are single calls, so that a p99 has a meaning."""

    def suits(self, competitor: type[AnyCompetitor]) -> bool:
        """Whether the competitor can and wants to take part."""
        return can(competitor, self.ability)

    def size(self, competitor: type[AnyCompetitor], scale: float) -> int:
        """How many calls one round of this competitor makes."""
        wanted = self.count * scale / competitor.cost
        return max(self.least, round(wanted / self.least) * self.least)

    @abstractmethod
    def measure(self, competitor: BlockingCompetitor, count: int) -> list[float]:
        """One round of a blocking competitor."""

    @abstractmethod
    async def measure_async(self, competitor: AsyncCompetitor, count: int) -> list[float]:
        """One round of an awaited competitor."""


def check(condition: bool) -> None:
    """Raise unless the reply was right."""
    if not condition:
        message = "the reply differs from what was sent"
        raise WrongReplyError(message)


def each(competitor: BlockingCompetitor, value: str, count: int) -> list[float]:
    """Time every call by itself."""
    call = competitor.call
    samples: list[float] = []
    for _ in range(count):
        started = clock()
        reply = call(value)
        samples.append(clock() - started)
        check(reply == value)
    return samples


async def each_async(competitor: AsyncCompetitor, value: str, count: int) -> list[float]:
    """Time every awaited call by itself."""
    call = competitor.call
    samples: list[float] = []
    for _ in range(count):
        started = clock()
        reply = await call(value)
        samples.append(clock() - started)
        check(reply == value)
    return samples


def windows(competitor: BlockingCompetitor, values: list[str], count: int) -> list[float]:
    """Time whole windows, at least one, one after the other; one sample, per call."""
    window, size = competitor.window, len(values)
    spent, rounds = 0, max(1, count // size)
    for _ in range(rounds):
        started = clock()
        replies = window(values)
        spent += clock() - started
        check(list(replies) == values)
    return [spent / (rounds * size)]


async def windows_async(competitor: AsyncCompetitor, values: list[str], count: int) -> list[float]:
    """Time whole awaited windows, at least one, one after the other; one sample, per call."""
    window, size = competitor.window, len(values)
    spent, rounds = 0, max(1, count // size)
    for _ in range(rounds):
        started = clock()
        replies = await window(values)
        spent += clock() - started
        check(list(replies) == values)
    return [spent / (rounds * size)]
