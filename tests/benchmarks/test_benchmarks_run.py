"""The benchmarks run: a smoke test without a single timed assertion, so that they cannot rot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person would, from the root of the repository."""
    argv = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_lists_every_bench_without_importing_the_competitors() -> None:
    done = benchmarks("--list")
    assert done.returncode == 0, done.stderr
    for name in ("call/floor", "call/mp_pipe", "flight/naive", "events/floor", "bulk/rpyc"):
        assert name in done.stdout


def test_an_unknown_name_is_an_error_that_says_where_to_look() -> None:
    done = benchmarks("--only", "nonsense")
    assert done.returncode == 2
    assert "--list" in done.stderr


@pytest.mark.parametrize("bench", ["call", "flight", "events"])
def test_a_quick_run_gives_a_ratio_to_the_floor(bench: str, tmp_path: Path) -> None:
    pytest.importorskip("orjson")
    out = tmp_path / "rows.json"
    done = benchmarks("--quick", "--pinned", "--only", f"{bench}/naive", "--json", str(out))
    assert done.returncode == 0, done.stderr
    rows = json.loads(out.read_text(encoding="utf-8"))["rows"]
    assert [row["name"] for row in rows] == ["floor", "naive"]
    assert rows[0]["value"] == 1.0
    assert rows[1]["value"] > 0
    assert rows[1]["mode"] == "pinned"
