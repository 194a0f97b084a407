"""Ratios by rounds: every competitor in a process of its own, the floor between any two.

The machine drifts by tens of per cent within seconds, so absolute times of different moments
cannot be compared. Within a round each competitor is measured between two runs of the floor,
and its ratio is taken to their mean; the table shows the median of these ratios.
"""

from __future__ import annotations

import contextlib
import json
import select
import statistics
import subprocess
import sys
from dataclasses import dataclass, field

from benchmarks import bars, discovery
from benchmarks.model import Row, Settings, Table

FLOOR = "floor"
PATIENCE = 180.0
"""Seconds until a silent runner is given up."""


@dataclass
class Seat:
    """One competitor at the table: its process and what its rounds gave."""

    name: str
    count: int
    process: subprocess.Popen[str]
    ratios: list[float] = field(default_factory=list)
    tails: list[float] = field(default_factory=list)
    micros: list[float] = field(default_factory=list)
    tail_micros: list[float] = field(default_factory=list)
    trouble: str = ""

    def ask(self, count: int | None = None) -> dict[str, float | None]:
        """Run one round (or, without a count, wait for the session) and give its summary."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            if count is not None:
                self.process.stdin.write(json.dumps({"count": count}) + "\n")
                self.process.stdin.flush()
            if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
                message = f"{self.name} gave no answer in {PATIENCE:.0f} s"
                raise TimeoutError(message)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            message = f"the process of {self.name} ended: status {self.process.wait()}"
            raise ConnectionError(message)
        reply: dict[str, float | None] = json.loads(line)
        return reply

    def leave(self) -> None:
        """End the process; its session closes when it sees the end of its input."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def take_seats(bench: str, settings: Settings) -> list[Seat]:
    """Start a process per competitor that suits the workload; the floor comes first."""
    workload = discovery.workload(bench)
    seats: list[Seat] = []
    for name in sorted(discovery.names("competitors"), key=lambda name: name != FLOOR):
        competitor = discovery.competitor(name)
        if bench in competitor.skips or not workload.suits(competitor):
            continue
        if name != FLOOR and not settings.wants(bench, name):
            continue
        if discovery.missing(competitor.needs):
            continue
        argv = [sys.executable, "-m", "benchmarks.runner", name, bench]
        if settings.cpu is not None:
            argv.append(str(settings.cpu))
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="ascii"
        )
        size = workload.size(competitor, 0.02 if settings.quick else 1.0)
        seats.append(Seat(name, size, process))
    return seats


def play(seats: list[Seat], rounds: int) -> None:
    """Measure: one unrecorded round for all to warm up, then the recorded ones, rotating."""
    floor, *others = seats
    for seat in seats:
        attempt(seat, None)
        attempt(seat, seat.count)
    before = floor.ask(floor.count)
    for number in range(rounds):
        turn = number % len(others) if others else 0
        for seat in others[turn:] + others[:turn]:
            if seat.trouble:
                continue
            reply = attempt(seat, seat.count)
            after = floor.ask(floor.count)
            if reply is not None:
                record(seat, reply, before, after)
            record(floor, after, after, after)
            before = after


def attempt(seat: Seat, count: int | None) -> dict[str, float | None] | None:
    """Ask a seat; trouble is written down for its row and does not stop the others."""
    try:
        return seat.ask(count)
    except (ConnectionError, TimeoutError) as error:
        seat.trouble = str(error)
        return None


def record(
    seat: Seat,
    reply: dict[str, float | None],
    before: dict[str, float | None],
    after: dict[str, float | None],
) -> None:
    """Write down one round as ratios to the floor's mean around it."""
    for key, ratios, micros in (
        ("p50", seat.ratios, seat.micros),
        ("p99", seat.tails, seat.tail_micros),
    ):
        value, first, second = reply[key], before[key], after[key]
        if value is not None and first is not None and second is not None:
            ratios.append(value / ((first + second) / 2))
            micros.append(value / 1000)


def row(bench: str, seat: Seat) -> Row:
    """The median of a seat's rounds, with its bar."""
    title = discovery.competitor(seat.name).title
    bar = bars.bar(bench, seat.name)
    if seat.trouble or not seat.ratios:
        return Row(bench, seat.name, title, bar=bar, note=seat.trouble or "no rounds")
    quartiles = statistics.quantiles(seat.ratios, n=4) if len(seat.ratios) > 1 else None
    absolute = f"{statistics.median(seat.micros):.1f}"
    if seat.tail_micros:
        absolute += f" / {statistics.median(seat.tail_micros):.1f}"
    return Row(
        bench,
        seat.name,
        title,
        value=statistics.median(seat.ratios),
        tail=statistics.median(seat.tails) if seat.tails else None,
        spread=(quartiles[0], quartiles[2]) if quartiles else None,
        absolute=absolute + " us",
        bar=bar,
    )


def run(bench: str, settings: Settings) -> Table:
    """One workload, all its competitors, in one mode."""
    workload = discovery.workload(bench)
    seats = take_seats(bench, settings)
    try:
        play(seats, 2 if settings.quick else workload.rounds)
    finally:
        for seat in seats:
            seat.leave()
    first, *others = [row(bench, seat) for seat in seats]
    others.sort(key=lambda line: line.value or float("inf"))
    mode = "pinned" if settings.pinned else "free"
    return Table(bench, workload.title, mode, (first, *others))
