"""What a run is told and what it gives: plain frozen records, shared by every room."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """What the command line asked for."""

    quick: bool = False
    """Few rounds of few calls: proves that everything runs, measures nothing."""
    pinned: bool = True
    only: tuple[str, ...] = ()

    @property
    def cpu(self) -> int | None:
        """The one CPU of host and child in the pinned table: the last we may use."""
        return max(os.sched_getaffinity(0)) if self.pinned else None

    def wants(self, bench: str, row: str | None = None) -> bool:
        """Whether ``--only`` (``BENCH`` or ``BENCH/ROW``) lets this through."""
        if not self.only:
            return True
        names = {bench} if row is None else {bench, f"{bench}/{row}"}
        if row is None:
            return any(only.partition("/")[0] == bench for only in self.only)
        return bool(names.intersection(self.only))


@dataclass(frozen=True)
class Bar:
    """The most a value may be, from the issue; ``None`` where it sets no bar."""

    value: float | None = None
    tail: float | None = None


@dataclass(frozen=True)
class Row:
    """One line of a table. Ratios have no unit; other figures name theirs."""

    bench: str
    name: str
    title: str
    value: float | None = None
    tail: float | None = None
    """The ratio of the 99th percentiles, where single calls were timed."""
    spread: tuple[float, float] | None = None
    """First and third quartile of the rounds."""
    absolute: str = ""
    unit: str = ""
    bar: Bar = Bar()
    note: str = ""

    @property
    def verdict(self) -> str:
        """``pass``, ``FAIL``, or nothing where there is no bar or no value."""
        pairs = ((self.value, self.bar.value), (self.tail, self.bar.tail))
        held = [value <= bar for value, bar in pairs if value is not None and bar is not None]
        if not held:
            return "FAIL" if self.bar.value is not None and self.note else ""
        return "pass" if all(held) else "FAIL"


@dataclass(frozen=True)
class Table:
    """The rows of one bench in one mode."""

    bench: str
    title: str
    mode: str
    """``pinned``, ``free`` or nothing where it makes no difference."""
    rows: tuple[Row, ...]
