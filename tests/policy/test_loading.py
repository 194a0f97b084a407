"""Specs from mappings and TOML: what is read, and how errors name their place."""

from __future__ import annotations

from typing import Any

import pytest

from bridgekit.policy.loading import spec_from_mapping, specs_from_mapping, specs_from_toml

TOML = """
[backends.counter]
target = "counter.py"
args = ["--fast"]
workers = 2
concurrency = 4
idle_timeout = 60
python = ".venv/bin/python"
tags = ["math"]
restart = { mode = "always", max_restarts = 3 }

[backends.counter.env]
LEVEL = "3"

[backends.counter.limits]
open_files = 256

[backends.other]
target = ["node", "other.js"]
cwd = "js"
python = "python3.12"
restart = "never"
"""


def test_every_table_becomes_a_spec() -> None:
    specs = specs_from_toml(TOML, folder="/srv/app")
    assert list(specs) == ["counter", "other"]
    counter, other = specs.values()
    assert (counter.name, counter.target, counter.args) == ("counter", "counter.py", ("--fast",))
    assert (counter.workers, counter.concurrency, counter.idle_timeout) == (2, 4, 60)
    assert counter.restart.max_restarts == 3
    assert counter.limits.open_files == 256
    assert dict(counter.env) == {"LEVEL": "3"}
    assert counter.tags == ("math",)
    assert (counter.cwd, counter.python) == ("/srv/app", "/srv/app/.venv/bin/python")
    assert (other.cwd, other.python) == ("/srv/app/js", "python3.12")
    assert other.restart.mode == "never"


def test_without_a_folder_paths_stay_as_they_are() -> None:
    spec = spec_from_mapping("x", {"target": "x.py", "python": ".venv"})
    assert (spec.cwd, spec.python) == (None, ".venv")
    assert specs_from_mapping({}) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[backends.a]\n", r"^app\.toml: \[backends\.a\] needs a 'target'"),
        ("[backend.a]\n", r"has no field 'backend'\. Did you mean 'backends'\?"),
        ("backends = 5\n", r"'backends' must be a table of backends, not 5"),
        ("[backends]\na = 'x.py'\n", r"\[backends\.a\] must be a table of fields, not 'x\.py'"),
        (
            "[backends.a]\ntarget='x.py'\nworker=2\n",
            r"\[backends\.a\] has no field 'worker'\. Did you mean 'workers'\?",
        ),
        (
            "[backends.a]\ntarget='x.py'\nworkers=0\n",
            r"^app\.toml: \[backends\.a\]: workers=0 is not allowed: it must be a whole number",
        ),
        (
            "[backends.a]\ntarget='x.py'\n[backends.a.restart]\nwindow=-1\n",
            r"\[backends\.a\]: restart\.window=-1 is not allowed",
        ),
        ("[backends.a]\ntarget='x.py'\ncwd=5\n", r"\[backends\.a\]: cwd=5 is not allowed"),
        ("[backends.a]\ntarget='x.py'\npython=5\n", r"\[backends\.a\]: python=5 is not allowed"),
        ("[backends.a\n", r"^app\.toml: .*line 1"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        specs_from_toml(text, "app.toml", folder="/srv")


def test_a_file_that_is_no_table_at_all() -> None:
    with pytest.raises(ValueError, match=r"the configuration must be a table, not 5"):
        specs_from_mapping(5)  # type: ignore[arg-type]


def test_two_tables_cannot_share_a_name() -> None:
    tables = {"a": {"target": "a.py"}, "b": {"target": "b.py", "name": "a"}}
    with pytest.raises(ValueError, match=r"^\[backends.b\]: name='a' is not allowed: \[backends.a"):
        specs_from_mapping({"backends": tables})


def test_a_mapping_may_hold_python_values() -> None:
    fields: dict[str, Any] = {"target": ("node", "x.js"), "name": "renamed", "health": None}
    spec = spec_from_mapping("x", fields)
    assert (spec.name, spec.health) == ("renamed", None)
