"""Find competitors, workloads and figures by name, so that adding one means adding a file."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from typing import TYPE_CHECKING, cast

import benchmarks

if TYPE_CHECKING:
    from types import ModuleType

    from benchmarks.competitors.base import AnyCompetitor
    from benchmarks.workloads.base import Workload


def names(room: str) -> list[str]:
    """The names of the files in ``benchmarks/<room>/``, without ``base`` and private helpers."""
    folder = f"{benchmarks.__path__[0]}/{room}"
    found = (module.name for module in pkgutil.iter_modules([folder]) if not module.ispkg)
    return sorted(name for name in found if name != "base" and not name.startswith("_"))


def module(room: str, name: str) -> ModuleType:
    """Import one file of a room; raises `ModuleNotFoundError` for an unknown name."""
    return importlib.import_module(f"benchmarks.{room}.{name}")


def competitor(name: str) -> type[AnyCompetitor]:
    """The class ``Competitor`` in ``benchmarks/competitors/<name>.py``."""
    return cast("type[AnyCompetitor]", module("competitors", name).Competitor)


def workload(name: str) -> Workload:
    """An instance of the class ``Workload`` in ``benchmarks/workloads/<name>.py``."""
    return cast("Workload", module("workloads", name).Workload())


def missing(needs: tuple[str, ...]) -> list[str]:
    """Those of the named top-level modules that this interpreter cannot import."""
    return [name for name in needs if importlib.util.find_spec(name) is None]
