"""The reference names everything there is: public names, fields, commands, variables, formats."""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import pytest

import bridgekit
import bridgekit.blocking
from bridgekit.cli.exits import EPILOG
from bridgekit.cli.main import command_modules
from bridgekit.wire.format import available_formats

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text("utf-8")


@pytest.mark.parametrize("name", bridgekit.__all__)
def test_public_name(name: str) -> None:
    assert f"bridgekit.{name}" in page("bridgekit")


@pytest.mark.parametrize("name", bridgekit.blocking.__all__)
def test_public_name_of_the_blocking_face(name: str) -> None:
    assert f"bridgekit.blocking.{name}" in page("blocking")


@pytest.mark.parametrize("field", attrs.fields(bridgekit.BackendSpec), ids=lambda each: each.name)
def test_field_of_a_spec_with_its_default(field: attrs.Attribute[object]) -> None:
    default = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        default = default.factory()  # type: ignore[union-attr]
    shown = "required" if default is attrs.NOTHING else f"`{str(default) or '()'}`"
    if isinstance(default, str):
        shown = f'`"{default}"`'
    assert f"| `{field.name}` | {shown} |" in page("bridgekit")


@pytest.mark.parametrize("command", command_modules())
def test_command(command: str) -> None:
    assert f"`bridgekit {command}" in page("command-line")


def test_exit_statuses() -> None:
    listed = dict(re.findall(r"^\| (\d+) \| (.+) \|$", page("command-line"), re.MULTILINE))
    assert listed == dict(re.findall(r"^  (\d+) +(.+)$", EPILOG, re.MULTILINE))


def test_environment_variables() -> None:
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "bridgekit").rglob("*.py"))
    read = set(re.findall(r'"(BRIDGEKIT_[A-Z]+)"', sources))
    assert read == set(re.findall(r"^\| `(BRIDGEKIT_[A-Z]+)`", page("environment"), re.MULTILINE))


def test_wire_formats() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", page("wire-formats"), re.MULTILINE)
    assert sorted(listed) == available_formats()
