"""Backends that installed packages announce, found by name.

A package announces a backend in the entry-point group ``bridgekit.backends``. What the entry
names is told apart as PEP 8 spells it: a class (``Counter``) is the backend itself, which only
its child process imports; anything else is imported here and says how to start the backend.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from typing import Any

import attrs

from bridgekit.errors import BackendStartError
from bridgekit.policy.spec import BackendSpec
from bridgekit.wire.missing import missing_package

__all__ = ["GROUP", "PREFIX", "Plugin", "announced", "plugins"]

GROUP = "bridgekit.backends"
PREFIX = "plugin:"
"""``plugin:NAME`` is the target that names a plugin and nothing else."""

_CLASS = re.compile(r"[\w.]+:\w+")
_BARE = re.compile(r"[A-Za-z0-9][\w.-]*")


@attrs.frozen
class Plugin:
    """A backend that an installed package announces.

    ``name`` is what to call it by; ``value`` what the announcement names, ``"module:Class"`` or
    ``"module:spec"``; ``package`` and ``version`` tell who announces it. Pass ``target``, or a
    changed ``spec()``, to :meth:`ProcessManager.spawn`.
    """

    name: str
    value: str
    package: str
    version: str

    @property
    def target(self) -> str:
        """The target that names it, ``"plugin:NAME"``."""
        return PREFIX + self.name

    def spec(self, **defaults: Any) -> BackendSpec:
        """Return how to start it; ``defaults`` are fields that the package may leave open.

        A class is not imported. A spec, a mapping of its fields, or a function that returns one
        of them, is. Raises BackendStartError, naming plugin and package, where that fails or
        gives something else.
        """
        if self.value.partition(":")[2][:1].isupper():
            if not _CLASS.fullmatch(self.value):
                raise self._broken(f"{self.value!r} must be 'module:Class', with no extras")
            return BackendSpec(self.value, **{"name": self.name, **defaults})
        found = self._load()
        try:
            if callable(found):
                found = found()
            if isinstance(found, Mapping):
                found = BackendSpec(**{"name": self.name, **defaults, **found})
        except Exception as error:
            raise self._broken(f"{type(error).__name__}: {error}") from error
        if not isinstance(found, BackendSpec):
            raise self._broken(
                f"{self.value} is {found!r:.80}: neither a BackendSpec, nor a mapping of its fields, "
                "nor a function that returns one of them (a class begins with a capital letter)"
            )
        return found if found.name else attrs.evolve(found, name=self.name)

    def _load(self) -> Any:
        from importlib import metadata

        try:
            return metadata.EntryPoint(self.name, self.value, GROUP).load()
        except ModuleNotFoundError as error:
            what = missing_package(error.name or self.value, sys.executable)
            raise self._broken(f"it needs {what}") from error
        except Exception as error:
            raise self._broken(f"{type(error).__name__}: {error}") from error

    def _broken(self, why: str) -> BackendStartError:
        return BackendStartError(
            f"the plugin {self.name!r} of {self.package} {self.version} cannot be used: {why}",
            backend=self.name,
        )


def plugins() -> tuple[Plugin, ...]:
    """Return every backend that installed packages announce, sorted by name.

    Looks through the metadata of all installed packages (some 10 ms for a hundred of them) and
    imports none of them.
    """
    from importlib import metadata

    found = [
        Plugin(
            entry.name,
            entry.value,
            "?" if entry.dist is None else entry.dist.metadata["Name"] or "?",
            "?" if entry.dist is None else entry.dist.metadata["Version"] or "?",
        )
        for entry in metadata.entry_points(group=GROUP)
    ]
    return tuple(sorted(found, key=lambda each: (each.name, each.package)))


def announced(target: Any, defaults: Mapping[str, Any], cwd: object = None) -> Any:
    """Return the spec of the plugin that ``target`` names, or ``target`` where it names none.

    ``target`` is anything that can be spawned. ``"plugin:NAME"`` always means a plugin; a bare
    ``"NAME"`` does where it is neither a file in ``cwd`` nor a command on ``PATH``. A spec with
    such a target takes what it leaves at its defaults from the plugin's spec. ``defaults`` are
    as for :meth:`Plugin.spec`.
    """
    if isinstance(target, BackendSpec):
        base = announced(target.target, {}, target.cwd)
        if not isinstance(base, BackendSpec):
            return target
        fields = [field for field in attrs.fields(BackendSpec) if field.name != "target"]
        chosen = {field.name: getattr(target, field.name) for field in fields}
        plain = BackendSpec("plain")
        return attrs.evolve(
            base,
            **{name: each for name, each in chosen.items() if each != getattr(plain, name)},
        )
    if not isinstance(target, str):
        return target
    if target.startswith(PREFIX):
        return _named(target.removeprefix(PREFIX)).spec(**defaults)
    if _is_free(target, cwd) and any(plugin.name == target for plugin in plugins()):
        return _named(target).spec(**defaults)
    return target


def _is_free(name: str, cwd: object) -> bool:
    """Whether nothing but a plugin can be meant by ``name``."""
    if not _BARE.fullmatch(name) or name.lower().endswith((".py", ".pyw")):
        return False
    folder = os.curdir if cwd is None else str(cwd)
    return not os.path.lexists(os.path.join(folder, name)) and shutil.which(name) is None


def _named(name: str) -> Plugin:
    every = plugins()
    found = [plugin for plugin in every if plugin.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        listed = " and ".join(plugin.package for plugin in found)
        raise BackendStartError(
            f"several packages announce a plugin {name!r}: {listed}; uninstall one of them, or "
            f"spawn one of the targets {', '.join(repr(plugin.value) for plugin in found)}",
            backend=name,
        )
    names = ", ".join(plugin.name for plugin in every)
    raise BackendStartError(
        f"no installed package announces a plugin {name!r}; "
        + (f"there are: {names}" if names else "none announces any")
        + f" ('bridgekit plugins' lists those of {sys.executable})",
        backend=name,
    )
