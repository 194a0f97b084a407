"""``bridgekit plugins``, and plugins as targets of the other commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.support import bridgekit

BACKEND = """
from bridgekit import PythonBridge
class Prices(PythonBridge):
    def total(self, prices: list) -> float:
        return sum(prices)
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "prices_of_cli.py").write_text(BACKEND)
    info = tmp_path / "cli_shop-1.2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cli-shop\nVersion: 1.2.0\n")
    (info / "entry_points.txt").write_text(
        "[bridgekit.backends]\ncli-prices = prices_of_cli:Prices\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    return tmp_path


def test_listed_for_people(site: Path) -> None:
    done = bridgekit("plugins")
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "cli-shop" in line]
    assert line.split("  ") == ["plugin:cli-prices", "cli-shop 1.2.0", "prices_of_cli:Prices"]


def test_listed_for_programs(site: Path) -> None:
    done = bridgekit("plugins", "--json")
    assert done.stdout.count("\n") == 1
    assert {
        "name": "cli-prices",
        "value": "prices_of_cli:Prices",
        "package": "cli-shop",
        "version": "1.2.0",
    } in json.loads(done.stdout)["plugins"]


def test_where_there_are_none() -> None:
    done = bridgekit("plugins")
    assert done.returncode == 0
    assert "announces a backend (bridgekit.backends)" in done.stdout


def test_as_a_target(site: Path) -> None:
    assert bridgekit("call", "plugin:cli-prices", "total", "prices=[1,2]").stdout == "3\n"
    done = bridgekit("run", "plugin:cli-prices", stdin='{"id":1,"cmd":"total","params":[[2]]}\n')
    assert '"result":2' in done.stdout
    done = bridgekit("call", "plugin:no-such-plugin", "total")
    assert done.returncode == 3
    assert "'no-such-plugin'" in done.stderr
