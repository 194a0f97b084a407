"""What a host wants of one backend, as data: every default in one place, one check per field.

A bad field fails here, before a process starts, with its name, its value and what is allowed.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import attrs

from bridgekit.errors import BridgeError
from bridgekit.policy.fields import is_number
from bridgekit.policy.suggest import names_its_fields
from bridgekit.policy.supervised import Supervised
from bridgekit.wire.format import require_format
from bridgekit.wire.secrets import HIDDEN, is_secret

__all__ = ["MAX_FRAME", "BackendSpec", "Target"]

Target: TypeAlias = "str | os.PathLike[str] | Iterable[str]"
"""A script, ``file.py:Class``, ``pkg.mod:Class``, ``plugin:NAME``, an executable, a list."""

MAX_FRAME = 16 * 1024 * 1024
"""Bytes of the largest frame that a host accepts or sends unless told otherwise."""

_PASSWORD = re.compile(r"(://[^/?#@\s:]*:)[^/?#@\s]+@")

_Attribute: TypeAlias = "attrs.Attribute[Any]"


def _refuse(attribute: _Attribute, value: object, allowed: str) -> ValueError:
    return ValueError(f"{attribute.name}={value!r} is not allowed: {allowed}")


def _text(instance: object, attribute: _Attribute, value: object) -> None:
    if not isinstance(value, str) or not value or "\0" in value:
        raise _refuse(attribute, value, "it must be a non-empty string without NUL")


def _seconds(instance: object, attribute: _Attribute, value: object) -> None:
    if not is_number(value) or not 0 < float(value) < math.inf:  # type: ignore[arg-type]
        raise _refuse(attribute, value, "it must be a number of seconds above 0")


def _seconds_or_none(instance: object, attribute: _Attribute, value: object) -> None:
    if value is not None and (not is_number(value) or not float(value) > 0):  # type: ignore[arg-type]
        raise _refuse(attribute, value, "it must be a number of seconds above 0, or None: no limit")


def _grace(instance: object, attribute: _Attribute, value: object) -> None:
    if not is_number(value) or not 0 <= float(value) < math.inf:  # type: ignore[arg-type]
        raise _refuse(attribute, value, "it must be a number of seconds, 0 or more")


def _to_target(value: object) -> object:
    """Paths become strings and argument lists tuples; anything else is left for the check."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, list | tuple):
        return tuple(os.fspath(part) if isinstance(part, os.PathLike) else part for part in value)
    return value


def _check_target(instance: object, attribute: _Attribute, value: object) -> None:
    parts = value if isinstance(value, tuple) else (value,)
    good = all(isinstance(part, str) and "\0" not in part for part in parts)
    if not (good and parts and parts[0]):
        allowed = (
            "it must be 'file.py', 'file.py:Class', 'pkg.mod:Class', an executable, "
            "or a non-empty list of strings (the command and its arguments)"
        )
        raise _refuse(attribute, value, allowed)


def _to_strings(value: object) -> object:
    if isinstance(value, str) or not isinstance(value, Iterable):
        return value
    return tuple(os.fspath(part) if isinstance(part, os.PathLike) else part for part in value)


def _check_strings(instance: object, attribute: _Attribute, value: object) -> None:
    good = isinstance(value, tuple) and all(
        isinstance(part, str) and "\0" not in part for part in value
    )
    if not good:
        raise _refuse(attribute, value, "it must be a list of strings without NUL")


def _to_env(value: object) -> object:
    return MappingProxyType(dict(value)) if isinstance(value, Mapping) else value


def _check_env(instance: object, attribute: _Attribute, value: object) -> None:
    if not isinstance(value, Mapping):
        raise _refuse(attribute, value, "it must map names to strings, or to None to remove one")
    for name, text in value.items():
        if not isinstance(name, str) or not name or "=" in name or "\0" in name:
            raise ValueError(f"env name {name!r} is not allowed: no '=', no NUL, not empty")
        if text is not None and (not isinstance(text, str) or "\0" in text):
            # The value may be a secret: name the type only.
            raise ValueError(
                f"env[{name!r}] is of type {type(text).__name__}: it must be a string without NUL, "
                "or None to remove the variable"
            )


def _show_env(value: Mapping[str, str | None]) -> str:
    """Names only: values may be secrets and specs are printed in logs."""
    return "{" + ", ".join(value) + "}"


def _show_words(value: object) -> str:
    """A command line without what it passes under the names of secrets."""
    if not isinstance(value, tuple):
        return repr(value)
    shown, before = [], ""
    for word in value:
        name, equals, _ = word.partition("=")
        if equals and is_secret(name):
            shown.append(f"{name}={HIDDEN}")
        elif before.startswith("-") and "=" not in before and is_secret(before):
            shown.append(HIDDEN)
        else:
            shown.append(_PASSWORD.sub(rf"\1{HIDDEN}@", word))
        before = word
    return repr(tuple(shown))


def _to_path(value: object) -> object:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _path_or_none(instance: object, attribute: _Attribute, value: object) -> None:
    if value is not None and (not isinstance(value, str) or not value or "\0" in value):
        raise _refuse(attribute, value, "it must be a path, or None")


def _boolean(instance: object, attribute: _Attribute, value: object) -> None:
    if not isinstance(value, bool):
        raise _refuse(attribute, value, "it must be True or False")


def _frame(instance: object, attribute: _Attribute, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1024:
        raise _refuse(attribute, value, "it must be a number of bytes, 1024 or more")


def _wire(instance: object, attribute: _Attribute, value: object) -> None:
    _text(instance, attribute, value)
    if value != "native":
        try:
            require_format(str(value))
        except BridgeError as error:
            raise _refuse(attribute, value, error.message) from None


def _name_or_none(instance: object, attribute: _Attribute, value: object) -> None:
    if value is not None:
        _text(instance, attribute, value)
        if not value.isprintable():  # type: ignore[attr-defined]
            raise _refuse(attribute, value, "it stands in lines of logs and tables: no line breaks")


@names_its_fields
@attrs.frozen
class BackendSpec(Supervised):
    """One backend: what to run, how, and how long to wait for it. Durations are float seconds.

    ``target`` is a script (``"counter.py"``, ``"counter.py:Counter"``), a module and class
    (``"pkg.mod:Counter"``), a plugin (``"plugin:counter"``), an executable, or an argument list;
    ``args`` are given to it. ``python`` names the interpreter or virtual environment for Python
    targets; a script with inline metadata (PEP 723) gets one from uv. The child gets
    an allow-listed environment, the variables of ours named in ``inherit_env`` (``("*",)``: all)
    and what ``env`` sets (None removes). ``hello=False`` drives a backend that knows neither
    ``$/hello`` nor the ready frame: it counts as started at once. ``max_frame`` is the bytes of
    the largest frame, both ways; the backend is told.

    A ``call_timeout`` of None sets no limit. A call that was cancelled or timed out has
    ``cancel_grace`` seconds to end in the backend before the process is killed.

    ``workers`` processes run the backend, each with at most ``concurrency`` calls at a time;
    further calls wait, at most ``queue_limit`` of them. ``warm_spares`` more processes are ready
    to take over. A backend that nobody called for ``idle_timeout`` seconds is stopped until the
    next call. ``restart``, ``health``, ``recycle`` and ``limits`` are policies, or mappings of
    their fields. ``tags`` are the user's own.

    Raises ValueError for a bad field, with its name, its value and what is allowed,
    and TypeError for a field that there is not.
    """

    target: str | tuple[str, ...] = attrs.field(
        converter=_to_target, validator=_check_target, repr=_show_words
    )
    name: str | None = attrs.field(default=None, kw_only=True, validator=_name_or_none)
    args: tuple[str, ...] = attrs.field(
        default=(),
        kw_only=True,
        converter=_to_strings,
        validator=_check_strings,
        repr=_show_words,
    )
    env: Mapping[str, str | None] = attrs.field(
        factory=dict,
        kw_only=True,
        converter=_to_env,
        validator=_check_env,
        repr=_show_env,
        hash=False,
    )
    inherit_env: tuple[str, ...] = attrs.field(
        default=(), kw_only=True, converter=_to_strings, validator=_check_strings
    )
    cwd: str | None = attrs.field(
        default=None, kw_only=True, converter=_to_path, validator=_path_or_none
    )
    python: str | None = attrs.field(
        default=None, kw_only=True, converter=_to_path, validator=_path_or_none
    )
    roots: tuple[str, ...] = attrs.field(
        default=(), kw_only=True, converter=_to_strings, validator=_check_strings
    )
    wire: str = attrs.field(default="native", kw_only=True, validator=_wire)
    hello: bool = attrs.field(default=True, kw_only=True, validator=_boolean)
    max_frame: int = attrs.field(default=MAX_FRAME, kw_only=True, validator=_frame)
    start_timeout: float = attrs.field(default=10.0, kw_only=True, validator=_seconds)
    call_timeout: float | None = attrs.field(default=30.0, kw_only=True, validator=_seconds_or_none)
    stop_grace: float = attrs.field(default=5.0, kw_only=True, validator=_grace)
    cancel_grace: float = attrs.field(default=2.0, kw_only=True, validator=_grace)
