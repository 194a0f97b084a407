"""A child gets an allow-listed environment plus what its spec names."""

from __future__ import annotations

import re
from pathlib import Path

from bridgekit.host.environment import ALLOWED, PYTHON_ALLOWED, child_environment

BASE = {
    "PATH": "/bin",
    "HOME": "/home/ada",
    "LC_ALL": "C.UTF-8",
    "AWS_SECRET_ACCESS_KEY": "hush",
    "DATABASE_URL": "postgres://ada:hush@db",
    "HTTPS_PROXY": "http://ada:hush@proxy",
    "APP_MODE": "test",
    "APP_TOKEN": "hush",
    "PYTHONPATH": "/src",
    "BRIDGEKIT_WIRE": "jsonrpc",
}


def test_secrets_stay_at_home() -> None:
    assert child_environment(base=BASE) == {
        "PATH": "/bin",
        "HOME": "/home/ada",
        "LC_ALL": "C.UTF-8",
    }


def test_what_the_spec_names_is_set_and_none_removes() -> None:
    env = child_environment({"APP_TOKEN": "mine", "HOME": None, "NOT_THERE": None}, base=BASE)
    assert env == {"PATH": "/bin", "LC_ALL": "C.UTF-8", "APP_TOKEN": "mine"}


def test_more_names_can_be_inherited() -> None:
    env = child_environment(base=BASE, inherit=["APP_*"])
    assert env["APP_MODE"] == "test"
    assert env["APP_TOKEN"] == "hush"
    assert "DATABASE_URL" not in env


def test_everything_can_be_inherited_but_our_own_wire() -> None:
    env = child_environment(base=BASE, inherit=["*"])
    assert env == {name: value for name, value in BASE.items() if name != "BRIDGEKIT_WIRE"}


def test_the_way_to_packages_goes_to_the_same_python_only() -> None:
    assert child_environment(base=BASE, same_python=True)["PYTHONPATH"] == "/src"
    assert "PYTHONPATH" not in child_environment(base=BASE)


def test_names_are_compared_without_case() -> None:
    assert child_environment(base={"SystemRoot": "C:/Windows"}) == {"SystemRoot": "C:/Windows"}


def test_the_base_is_this_process_by_default(monkeypatch) -> None:
    monkeypatch.setenv("LC_BRIDGEKIT_TEST", "yes")
    monkeypatch.setenv("SECRET_BRIDGEKIT_TEST", "no")
    env = child_environment()
    assert env["LC_BRIDGEKIT_TEST"] == "yes"
    assert "SECRET_BRIDGEKIT_TEST" not in env


def test_the_page_names_the_variables_of_python_that_are_passed_on() -> None:
    page = Path(__file__).parents[2] / "docs/reference/environment.md"
    lines = page.read_text("utf-8").splitlines()
    [row] = [line for line in lines if line.startswith("| Python |")]
    named = re.findall(r"`(PYTHON\w+)`", row)
    assert named == [name for name in ALLOWED if name.startswith("PYTHON")]
    [line] = [line for line in lines if line.startswith("`PYTHONPATH`, ")]
    assert tuple(re.findall(r"`(PYTHON\w+)`", line)) == PYTHON_ALLOWED
