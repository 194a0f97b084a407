"""Checks for the fields of specs and policies: one per kind of value, one form of error.

Each is an attrs validator. A bad field raises ValueError with its name, its value and what is
allowed, so that a wrong spec fails where it was written, before a process starts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import attrs

__all__ = [
    "Check",
    "boolean",
    "either",
    "fraction",
    "instance",
    "is_number",
    "names",
    "number",
    "one_of",
    "optional",
    "refuse",
    "seconds",
    "whole",
]

Check: TypeAlias = "Callable[[Any, attrs.Attribute[Any], Any], None]"
"""An attrs validator: (instance, attribute, value), raises ValueError."""


def refuse(name: str, value: object, allowed: str) -> ValueError:
    """Build the error for field ``name``; ``allowed`` completes "is not allowed: ..."."""
    return ValueError(f"{name}={value!r} is not allowed: {allowed}")


def _check(test: Callable[[Any], bool], allowed: str) -> Check:
    def check(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not test(value):
            raise refuse(attribute.name, value, allowed)

    check.__doc__ = allowed
    return check


def is_number(value: object) -> bool:
    """Whether it is one that a float can hold: no truth value, no NaN."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return not math.isnan(value)
    except OverflowError:  # an integer beyond every float
        return False


def seconds(*, zero: bool = False) -> Check:
    """Accept a finite duration in seconds: above 0, or 0 as well with ``zero``."""
    if zero:
        return _check(
            lambda value: is_number(value) and 0 <= value < math.inf,
            "it must be a number of seconds, 0 or more",
        )
    return _check(
        lambda value: is_number(value) and 0 < value < math.inf,
        "it must be a number of seconds above 0",
    )


def number(unit: str) -> Check:
    """Accept a finite number above 0; ``unit`` names what it counts."""
    return _check(
        lambda value: is_number(value) and 0 < value < math.inf,
        f"it must be a number of {unit} above 0",
    )


def whole(minimum: int, unit: str, maximum: int | None = None) -> Check:
    """Accept an int from ``minimum`` to ``maximum`` (None: no end)."""
    top = math.inf if maximum is None else maximum
    span = f"{minimum} or more" if maximum is None else f"from {minimum} to {maximum}"
    return _check(
        lambda value: type(value) is int and minimum <= value <= top,
        f"it must be a whole number of {unit}, {span}",
    )


def fraction() -> Check:
    """Accept a number from 0 to 1."""
    return _check(
        lambda value: is_number(value) and 0 <= value <= 1, "it must be a number from 0 to 1"
    )


def boolean() -> Check:
    """Accept True and False."""
    return _check(lambda value: isinstance(value, bool), "it must be True or False")


def one_of(*choices: str) -> Check:
    """Accept one of some words."""
    listed = ", ".join(repr(choice) for choice in choices)
    return _check(
        lambda value: isinstance(value, str) and value in choices, f"it must be one of {listed}"
    )


def names() -> Check:
    """Accept a tuple of non-empty strings."""
    return _check(
        lambda value: (
            isinstance(value, tuple) and all(isinstance(part, str) and part for part in value)
        ),
        "it must be a list of non-empty strings",
    )


def instance(kind: type) -> Check:
    """Accept instances of ``kind``."""
    return _check(
        lambda value: isinstance(value, kind),
        f"it must be a {kind.__name__} (or a table of its fields)",
    )


def optional(check: Check, meaning: str) -> Check:
    """Accept what ``check`` accepts, and None, which has a ``meaning``."""
    return either(check, None, meaning)


def either(check: Check, special: object, meaning: str) -> Check:
    """Accept what ``check`` accepts, and one ``special`` value, which has a ``meaning``."""

    def both(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if value is special:
            return
        try:
            check(instance, attribute, value)
        except ValueError as error:
            raise ValueError(f"{error}, or {special!r}: {meaning}") from None

    return both
