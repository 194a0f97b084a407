"""Backends that packages announce: listed, described and started by their names."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from bridgekit import BackendSpec, BackendStartError, ProcessManager, plugins
from bridgekit.host import plugins as module
from bridgekit.host.plugins import Plugin, announced

CLASSES = """
from bridgekit import PythonBridge
class Prices(PythonBridge):
    def total(self, prices: list) -> float:
        return sum(prices)
raise_on_import = None
"""
SPECS = """
from pathlib import Path
from bridgekit import BackendSpec
HERE = Path(__file__).parent
mapping = {"target": HERE / "prices.py", "call_timeout": 7.0}
spec = BackendSpec(HERE / "prices.py", name="own", stop_grace=1.0)
number = 7
def function():
    return mapping
def broken():
    raise RuntimeError("on purpose")
def unknown_field():
    return {"target": "x.py", "colour": "red"}
"""
ENTRIES = {
    "prices": "shop_plugins.prices:Prices",
    "mapping": "shop_plugins.specs:mapping",
    "spec": "shop_plugins.specs:spec",
    "function": "shop_plugins.specs:function",
    "broken": "shop_plugins.specs:broken",
    "field": "shop_plugins.specs:unknown_field",
    "number": "shop_plugins.specs:number",
    "bare": "shop_plugins",
    "nested": "shop_plugins.prices:Prices.Inner",
    "lost": "shop_plugins.specs:no_such_name",
    "missing": "no_such_plugin_package.specs:spec",
    "sh": "shop_plugins.prices:Prices",
    "some-file": "shop_plugins.prices:Prices",
}


def announce(folder: Path, package: str, entries: dict[str, str]) -> None:
    info = folder / f"{package.replace('-', '_')}-1.2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2.0\n")
    lines = "".join(f"{name} = {value}\n" for name, value in entries.items())
    (info / "entry_points.txt").write_text(f"[bridgekit.backends]\n{lines}")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages, one of which announces backends."""
    folder = tmp_path / "site"
    (folder / "shop_plugins").mkdir(parents=True)
    (folder / "shop_plugins" / "__init__.py").write_text("")
    (folder / "shop_plugins" / "prices.py").write_text(CLASSES)
    (folder / "shop_plugins" / "specs.py").write_text(SPECS)
    announce(folder, "shop-plugins", ENTRIES)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")
    importlib.invalidate_caches()
    yield folder
    for name in [name for name in sys.modules if name.startswith("shop_plugins")]:
        del sys.modules[name]


def ours() -> dict[str, Plugin]:
    return {each.name: each for each in plugins() if each.package == "shop-plugins"}


def test_what_is_announced_is_listed_and_not_imported(site: Path) -> None:
    assert ours()["prices"] == Plugin("prices", ENTRIES["prices"], "shop-plugins", "1.2.0")
    assert list(ours()) == sorted(ENTRIES)
    assert not [name for name in sys.modules if name.startswith("shop_plugins")]


def test_a_class_is_not_imported(site: Path) -> None:
    spec = ours()["prices"].spec(call_timeout=3.0)
    assert spec == BackendSpec("shop_plugins.prices:Prices", name="prices", call_timeout=3.0)
    assert "shop_plugins" not in sys.modules


@pytest.mark.parametrize("name", ["mapping", "function"])
def test_fields_of_a_spec(site: Path, name: str) -> None:
    spec = ours()[name].spec(call_timeout=3.0, stop_grace=0.5)
    path = str(site / "shop_plugins" / "prices.py")
    assert spec == BackendSpec(path, name=name, call_timeout=7.0, stop_grace=0.5)


def test_a_whole_spec_speaks_for_itself(site: Path) -> None:
    spec = ours()["spec"].spec(stop_grace=0.5)
    assert (spec.name, spec.stop_grace) == ("own", 1.0)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("broken", "RuntimeError: on purpose"),
        ("field", "'colour'"),
        ("number", "is 7: neither a BackendSpec"),
        ("bare", "neither a BackendSpec"),
        ("nested", "must be 'module:Class'"),
        ("lost", "no_such_name"),
        ("missing", f"needs the package 'no_such_plugin_package', which {sys.executable}"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_named(site: Path, name: str, says: str) -> None:
    with pytest.raises(BackendStartError) as caught:
        ours()[name].spec()
    assert f"the plugin '{name}' of shop-plugins 1.2.0 cannot be used: " in str(caught.value)
    assert says in str(caught.value)
    assert caught.value.backend == name


def test_only_the_long_name_goes_before_files_and_commands(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some-file").write_text("")
    assert announced("prices", {}).target == ENTRIES["prices"]
    for taken in ("sh", "some-file"):
        assert announced(taken, {}) == taken
        assert announced(f"plugin:{taken}", {}).target == ENTRIES["prices"]
    assert isinstance(announced("some-file", {}, cwd=site), BackendSpec)


@pytest.mark.parametrize(
    "target", ["no_such_plugin", "prices.py", "./prices", "a.b:C", ["prices"], Path("prices"), ""]
)
def test_other_targets_are_left_alone(site: Path, target: Any) -> None:
    assert announced(target, {}) is target


def test_nothing_is_looked_up_for_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "plugins", None)
    assert announced("counter.py", {}) == "counter.py"


def test_a_spec_keeps_what_it_says_and_takes_the_rest(site: Path) -> None:
    spec = BackendSpec("plugin:mapping", name="mine", stop_grace=2.0)
    path = str(site / "shop_plugins" / "prices.py")
    assert announced(spec, {}) == BackendSpec(path, name="mine", call_timeout=7.0, stop_grace=2.0)
    other = BackendSpec("counter.py")
    assert announced(other, {}) is other


def test_unknown_and_ambiguous_names(site: Path) -> None:
    with pytest.raises(BackendStartError, match=r"no installed package .* 'nothing'; there are: "):
        announced("plugin:nothing", {})
    announce(site, "other-shop", {"prices": "other:Prices"})
    importlib.invalidate_caches()
    with pytest.raises(BackendStartError, match="other-shop and shop-plugins") as caught:
        announced("plugin:prices", {})
    assert "'other:Prices', 'shop_plugins.prices:Prices'" in str(caught.value)


def test_without_any_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "plugins", tuple)
    with pytest.raises(BackendStartError, match="none announces any"):
        announced("plugin:prices", {})


async def test_it_is_spawned_by_name(anyio_backend: str, site: Path) -> None:
    async with ProcessManager() as manager:
        for target in ("plugin:prices", BackendSpec("plugin:mapping")):
            backend = await manager.spawn(target)
            assert await backend.call("total", {"prices": [1, 2]}) == 3
        assert set(manager.backends) == {"prices", "mapping"}
        with pytest.raises(ValueError, match="of that name runs already"):
            await manager.spawn("prices")
        backend = await manager.spawn("mapping", name="quick", call_timeout=1.5)
        assert (backend.name, backend.spec.call_timeout) == ("quick", 1.5)


def test_a_plugin_is_plain_data(site: Path) -> None:
    assert ours()["prices"].target == "plugin:prices"
    assert set(attrs.asdict(ours()["prices"])) == {"name", "value", "package", "version"}
