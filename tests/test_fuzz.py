"""The fuzz targets hold for their seeds, and the driver without atheris does find a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz import run as driver

SEEDS = [(target, seed) for target in driver.targets() for seed in driver.seeds(target)]

PLANTED = """
def one_input(data):
    if data.startswith(b"A") and b"\\0" in data:
        raise ValueError("planted")
"""


@pytest.mark.parametrize(
    ("target", "seed"), SEEDS, ids=[f"{target}/{seed.name}" for target, seed in SEEDS]
)
def test_every_seed_holds(target: str, seed: Path) -> None:
    driver.load(target)(seed.read_bytes())


def test_every_target_has_seeds() -> None:
    assert all(driver.seeds(target) for target in driver.targets())


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "fuzz_planted.py").write_text(PLANTED)
    seeds = tmp_path / "corpus/planted"
    seeds.mkdir(parents=True)
    (seeds / "one").write_bytes(b"A harmless seed")
    monkeypatch.setattr(driver, "HERE", tmp_path)
    monkeypatch.setattr(driver, "CRASHES", tmp_path)
    return tmp_path


def test_mutation_finds_a_fault_and_keeps_the_input(planted: Path) -> None:
    with pytest.raises(ValueError, match="planted"):
        driver.by_mutation("planted", seconds=60, seed=1)
    [kept] = planted.glob("planted-crash-*")
    with pytest.raises(ValueError, match="planted"):
        driver.load("planted")(kept.read_bytes())


def test_mutation_ends_in_time(planted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (planted / "fuzz_planted.py").write_text("def one_input(data): pass\n")
    assert driver.by_mutation("planted", seconds=0.05, seed=1) == 0
    assert "none failed" in capsys.readouterr().out
