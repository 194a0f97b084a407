"""The package's face: names that load their rooms on first use, and not before."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import bridgekit
from tests.support.processes import PATIENCE

ROOT = Path(__file__).resolve().parent.parent

LOADED = """
import json, sys
before = set(sys.modules)
sys.path.insert(0, {root!r})
{code}
new = sorted(set(sys.modules) - before)
sys.stdout.write(json.dumps(new))
"""

HOST_SIDE = ("anyio", "attr", "attrs", "cattrs", "sniffio", "trio", "asyncio", "subprocess")


def loaded_by(code: str, *flags: str) -> list[str]:
    """The modules that running ``code`` in a fresh interpreter loads, ours and others."""
    done = subprocess.run(
        [sys.executable, *flags, "-c", LOADED.format(root=str(ROOT), code=code)],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    names: list[str] = json.loads(done.stdout)
    return names


def rooms(modules: list[str]) -> set[str]:
    return {".".join(name.split(".")[:2]) for name in modules if name.startswith("bridgekit.")}


# --- what is loaded when ----------------------------------------------------------------------


@pytest.mark.usefixtures("unmeasured")
def test_importing_the_package_loads_next_to_nothing() -> None:
    ours = [name for name in loaded_by("import bridgekit") if name.startswith("bridgekit")]
    assert ours == ["bridgekit", "bridgekit._version"]


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("names", ["PythonBridge", "PythonBridge, expose, hidden, current_call"])
def test_a_backends_names_load_nothing_of_the_host(names: str) -> None:
    loaded = loaded_by(f"from bridgekit import {names}", "-I")
    assert rooms(loaded) <= {
        "bridgekit._version",
        "bridgekit.backend",
        "bridgekit.errors",
        "bridgekit.wire",
    }
    assert not {name.partition(".")[0] for name in loaded} & set(HOST_SIDE)


@pytest.mark.usefixtures("unmeasured")
def test_a_hosts_names_load_nothing_of_the_backend() -> None:
    loaded = loaded_by("from bridgekit import ProcessManager, BackendSpec, RemoteError, has_python")
    assert "bridgekit.host" in rooms(loaded)
    assert not rooms(loaded) & {"bridgekit.backend", "bridgekit.blocking", "bridgekit.cli"}


@pytest.mark.usefixtures("unmeasured")
def test_the_errors_are_light() -> None:
    loaded = loaded_by("from bridgekit import CallTimeout, Cancelled, MethodNotFound", "-I")
    assert rooms(loaded) == {"bridgekit._version", "bridgekit.errors"}


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(bridgekit.__all__))
def test_every_name_comes_from_its_room(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = getattr(bridgekit, name)
    if name == "__version__":
        return
    monkeypatch.delitem(vars(bridgekit), name)
    assert bridgekit.__getattr__(name) is value
    assert vars(bridgekit)[name] is value, "the second look need not ask again"
    assert value is getattr(sys.modules[bridgekit._HOME[name]], name)


def test_the_list_and_the_rooms_agree() -> None:
    assert sorted([*bridgekit._HOME, "__version__"]) == sorted(bridgekit.__all__)


def test_dir_shows_the_public_names_and_loads_none_of_them() -> None:
    assert dir(bridgekit) == sorted(bridgekit.__all__)
    loaded = loaded_by("import bridgekit; dir(bridgekit); from bridgekit import __version__")
    ours = [name for name in loaded if name.startswith("bridgekit")]
    assert ours == ["bridgekit", "bridgekit._version"]


@pytest.mark.parametrize("name", ["Bridge", "nonsense", "__path_", "host_"])
def test_an_unknown_name_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module 'bridgekit' has no attribute '{name}'"):
        getattr(bridgekit, name)
    assert not hasattr(bridgekit, name)
    with pytest.raises(ImportError, match=name):
        exec(f"from bridgekit import {name}")


def test_a_star_brings_them_all() -> None:
    names: dict[str, object] = {}
    exec("from bridgekit import *", names)
    assert set(bridgekit.__all__) <= set(names)
