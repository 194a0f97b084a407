"""The command ``python -m benchmarks``; README.md says how to read what it prints."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import discovery, report, rounds
from benchmarks.model import Settings

if TYPE_CHECKING:
    from benchmarks.model import Table

SINGLE = ("figures", "reliability")
"""Rooms whose benches are not ratios by rounds: each file has ``TITLE``, ``BOTH_MODES`` and
``run(settings)``."""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="a bench, or BENCH/COMPETITOR; may be repeated",
    )
    parser.add_argument("--quick", action="store_true", help="prove that it runs; time nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all rows to a file")
    parser.add_argument(
        "--write",
        action="store_true",
        help="write benchmarks/RESULTS.md, table by table; with --only, those tables of it",
    )
    parser.add_argument("--list", action="store_true", help="name all benches and competitors")
    table = parser.add_mutually_exclusive_group()
    table.add_argument("--pinned", action="store_true", help="only table one: one CPU")
    table.add_argument("--free", action="store_true", help="only table two: every CPU")
    return parser.parse_args(arguments)


def listing() -> Iterator[str]:
    """Every name that ``--only`` understands."""
    for bench in discovery.names("workloads"):
        workload = discovery.workload(bench)
        yield f"{bench}: {workload.title}"
        for name in discovery.names("competitors"):
            competitor = discovery.competitor(name)
            if bench not in competitor.skips and workload.suits(competitor):
                absent = discovery.missing(competitor.needs)
                yield f"  {bench}/{name}" + (f"  (needs {', '.join(absent)})" if absent else "")
    for room in SINGLE:
        for bench in discovery.names(room):
            yield f"{bench}: {discovery.module(room, bench).TITLE}"


def tables(settings: Settings, modes: tuple[bool, ...]) -> Iterator[Table]:
    """Run everything that was asked for, cheapest questions first."""
    for pinned in modes:
        for bench in discovery.names("workloads"):
            if settings.wants(bench):
                yield rounds.run(bench, replace(settings, pinned=pinned))
    for room in SINGLE:
        for bench in discovery.names(room):
            if settings.wants(bench):
                module = discovery.module(room, bench)
                for pinned in modes if module.BOTH_MODES else modes[:1]:
                    yield module.run(replace(settings, pinned=pinned))


def main(arguments: list[str]) -> int:
    """Print each table as soon as it stands; status 1 if a row misses its bar."""
    options = parse(arguments)
    if options.list:
        print("\n".join(listing()))
        return 0
    settings = Settings(quick=options.quick, only=tuple(options.only))
    modes = (True,) if options.pinned else (False,) if options.free else (True, False)
    if options.write and any("/" in only for only in settings.only):
        print("--write takes whole tables: name a bench, not one of its rows", file=sys.stderr)
        return 2
    before = report.RESULTS.read_text(encoding="utf-8") if options.write and settings.only else ""
    done = []
    for table in tables(settings, modes):
        print(report.text(table), flush=True)
        done.append(table)
        if options.write:
            report.RESULTS.write_text(report.markdown(done, before), encoding="utf-8")
    if not done:
        print(f"nothing is named {', '.join(settings.only)}; try --list", file=sys.stderr)
        return 2
    if options.json:
        options.json.write_text(json.dumps(report.records(done), indent=1), encoding="utf-8")
    missed = [row for table in done for row in table.rows if row.verdict == "FAIL"]
    return 1 if missed and not settings.quick else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
