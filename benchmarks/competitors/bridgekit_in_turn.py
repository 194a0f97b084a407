"""bridgekit from many threads whose calls wait for their turn in the host, as by default."""

from __future__ import annotations

from benchmarks.competitors import bridgekit_blocking


class Competitor(bridgekit_blocking.Competitor):
    """One call at a time is at the backend; where nobody waits for another it is the same."""

    title = "bridgekit, blocking, concurrency=1"
    skips = ("call", "flight", "events", "bulk")
    concurrency = 1
