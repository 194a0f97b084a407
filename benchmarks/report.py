"""Tables for people (text and markdown) and for programs (JSON)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.machine import description
from benchmarks.model import Row, Table

RESULTS = Path(__file__).parent / "RESULTS.md"
HEADER = ("", "p50", "quartiles", "p99", "absolute", "bar", "")


def number(value: float | None, unit: str = "") -> str:
    """Two decimals for small ratios, fewer for large ones, none for counts."""
    if value is None:
        return ""
    if unit and value == int(value):
        return f"{value:.0f} {unit}"
    text = f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"
    return f"{text} {unit}".strip()


def cells(row: Row) -> tuple[str, ...]:
    """One line of a table."""
    if row.value is None:
        return (row.title, row.note, "", "", "", number(row.bar.value), row.verdict)
    spread = f"{number(row.spread[0])}-{number(row.spread[1])}" if row.spread else ""
    bar = number(row.bar.value, row.unit)
    if row.bar.tail is not None:
        bar += f" / {number(row.bar.tail)}"
    absolute = row.absolute or row.note
    return (
        row.title,
        number(row.value, row.unit),
        spread,
        number(row.tail),
        absolute,
        bar,
        row.verdict,
    )


def heading(table: Table) -> str:
    """The title with its mode."""
    modes = {"pinned": "host and child on one CPU", "free": "free to use every CPU"}
    return f"{table.title}: {modes[table.mode]}" if table.mode else table.title


def text(table: Table) -> str:
    """A table in columns."""
    lines = [HEADER, *(cells(row) for row in table.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    body = "\n".join(
        "  ".join(
            cell.ljust(width) if column in (0, 6) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
    return f"{table.bench}: {heading(table)}\n{body}\n"


def markdown(tables: list[Table], before: str = "") -> str:
    """The whole result page; tables that were not made again stay as they are in ``before``."""
    facts = "\n".join(f"- {key}: {value}" for key, value in description().items())
    parts = [
        "# Results",
        "Written by `python -m benchmarks --write`; README.md says how to read it.",
        facts,
    ]
    sections = {}
    for section in before.split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        sections[title] = body.strip("\n")
    for table in tables:
        rule = "|---|" + "---:|" * 5 + "---|"
        lines = ["| " + " | ".join(line) + " |" for line in (HEADER, *map(cells, table.rows))]
        sections[f"{table.bench}: {heading(table)}"] = "\n".join([lines[0], rule, *lines[1:]])
    parts += [f"## {title}\n\n{body}" for title, body in sections.items()]
    return "\n\n".join(parts) + "\n"


def records(tables: list[Table]) -> dict[str, Any]:
    """The same for programs."""
    rows = [
        {"mode": table.mode, "verdict": row.verdict, **asdict(row)}
        for table in tables
        for row in table.rows
    ]
    return {"machine": description(), "rows": rows}
