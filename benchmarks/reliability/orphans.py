"""1,000 hosts are killed with ``kill -9``; one second later nothing of theirs may be alive."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks import bars, processes
from benchmarks.competitors.base import BACKENDS
from benchmarks.model import Row, Settings, Table

TITLE = "processes alive one second after kill -9 of their host"
BOTH_MODES = False
STATES = ("idle", "busy", "sleeping", "holding", "early", "mute", "grandchild")
"""``early`` has imported bridgekit and not shaken hands; ``mute`` has not even imported it."""
SCRIPTS = {"early": "early.py", "mute": "mute.py"}
FACES = ("asyncio", "trio", "blocking")
KILLS = 1000
GRACE = 1.0
PATIENCE = 60.0


class Victim:
    """One host, on its way to the state in which it will be killed."""

    def __init__(self, face: str, state: str, folder: Path, number: int) -> None:
        """Start it; it does not have to have come far when this returns."""
        self.face, self.state = face, state
        self.marker = folder / str(number)
        argv = [sys.executable, "-m", "benchmarks.reliability.orphans", face, state]
        self.process = subprocess.Popen(
            [*argv, str(self.marker)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        self.family: dict[int, int] = {}

    def settle(self) -> bool:
        """Wait until the state is reached; whether it was."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            early = self.state in SCRIPTS and processes.descendants(self.process.pid)
            if early or self.marker.exists():
                return True
            time.sleep(0.005)
        return False

    def remember(self) -> None:
        """Note who belongs to the host, while it can still be seen."""
        self.family = processes.descendants(self.process.pid)

    def survivors(self) -> list[int]:
        """The members of the family that still run."""
        return [pid for pid, started in self.family.items() if processes.alive(pid, started)]

    def bury(self) -> None:
        """Reap the host, and kill what should have died by itself."""
        self.process.kill()
        self.process.communicate()
        for pid in self.survivors():
            os.kill(pid, signal.SIGKILL)


def batch(folder: Path, numbers: itertools.count[int]) -> tuple[list[Victim], float]:
    """One host of each face in each state: start, settle, kill, wait; the slowest death."""
    victims = [Victim(f, s, folder, next(numbers)) for f in FACES for s in STATES]
    settled = [victim for victim in victims if victim.settle()]
    for victim in settled:
        victim.remember()
    for victim in settled:
        victim.process.kill()
    started = time.monotonic()
    slowest = 0.0
    while time.monotonic() - started < GRACE:
        if any(victim.survivors() for victim in settled):
            slowest = time.monotonic() - started
        time.sleep(0.01)
    return victims, slowest


def run(settings: Settings) -> Table:
    """One row per state, and the sum that the bar is about."""
    wanted = 1 if settings.quick else KILLS
    left: dict[str, list[int]] = {state: [0, 0, 0] for state in STATES}
    slowest = 0.0
    numbers: itertools.count[int] = itertools.count()
    with tempfile.TemporaryDirectory() as folder:
        killed = 0
        while killed < wanted:
            victims, slow = batch(Path(folder), numbers)
            slowest = max(slowest, slow)
            for victim in victims:
                tally = left[victim.state]
                tally[0 if victim.family else 2] += 1
                tally[1] += len(victim.survivors())
                victim.bury()
            killed = sum(tally[0] for tally in left.values())
            if not any(victim.family for victim in victims):
                break
    total = [sum(column) for column in zip(*left.values(), strict=True)]
    note = f"{total[0]} hosts killed, slowest death {slowest * 1000:.0f} ms"
    value = total[1] if total[0] >= wanted and not total[2] else None
    if value is None:
        note += f", {total[2]} hosts never reached their state"
    bar = bars.bar("orphans", "survivors")
    rows = [Row("orphans", "survivors", "all", value, unit="alive", absolute=note, bar=bar)]
    for state, (kills, alive, _) in left.items():
        absolute = f"{kills} hosts killed"
        rows.append(Row("orphans", state, state, alive, unit="alive", absolute=absolute))
    if value is None:
        rows[0] = Row("orphans", "survivors", "all", bar=bar, note=note)
    return Table("orphans", TITLE, "", tuple(rows))


def host(face: str, state: str, marker: str) -> None:
    """The host process: bring a backend into the state, then stay until killed."""
    script = str(BACKENDS / SCRIPTS.get(state, "hostage.py"))
    if face == "blocking":
        from bridgekit.blocking import ProcessManager

        with ProcessManager() as manager:
            backend = manager.spawn(script)
            backend.call(state, {"marker": marker}, timeout=600)
            threading.Event().wait()
    import anyio

    import bridgekit

    async def main() -> None:
        async with bridgekit.ProcessManager() as manager:
            backend = await manager.spawn(script)
            await backend.call(state, {"marker": marker}, timeout=600)
            await anyio.sleep_forever()

    anyio.run(main, backend=face)


if __name__ == "__main__":
    host(*sys.argv[1:])
