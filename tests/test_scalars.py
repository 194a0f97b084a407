"""The hooks without the converter; ``test_data.py`` has them inside of other types."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import pathlib
import sys
import uuid
from typing import Any

import pytest

from bridgekit.scalars import HOOKS, Wrong, wrong


class Colour(enum.Enum):
    RED = "r"
    ONE = 1


class Word(str, enum.Enum):  # noqa: UP042 - as people write it
    ADA = "ada"


class Access(enum.IntFlag):
    READ = 1
    WRITE = 2


class UserId(int):
    pass


class Gappy(enum.Flag):
    BOTH = 3


ID = uuid.UUID(int=5)
DAY = dt.date(2024, 2, 29)
NOON = dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)

FITS: list[tuple[Any, Any, Any]] = [
    (int, 1, 1), (str, "x", "x"), (bool, True, True), (float, 1, 1.0), (float, 1.5, 1.5),
    (bytes, b"raw", b"raw"), (bytes, "aGk=", b"hi"), (bytearray, "aGk=", bytearray(b"hi")),
    (dt.datetime, "2024-02-29T12:00:00Z", NOON), (dt.datetime, NOON, NOON),
    (dt.time, "04:05:00", dt.time(4, 5)), (dt.date, "2024-02-29", DAY), (dt.date, DAY, DAY),
    (dt.timedelta, 1.5, dt.timedelta(seconds=1.5)), (dt.timedelta, dt.timedelta(1), dt.timedelta(1)),
    (decimal.Decimal, 3, decimal.Decimal(3)), (decimal.Decimal, "1.50", decimal.Decimal("1.50")),
    (uuid.UUID, str(ID), ID), (pathlib.Path, "/a", pathlib.Path("/a")),
    (pathlib.Path, pathlib.Path("/a"), pathlib.Path("/a")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "made"), FITS, ids=repr)
def test_what_fits_becomes_the_type(kind: Any, value: Any, made: Any) -> None:
    result = HOOKS[kind](value, kind)
    assert result == made
    assert type(result) is type(made)


MISFITS: list[tuple[Any, Any, str]] = [
    (int, "1", "expected int, got '1' (str)"), (int, True, "expected int"), (float, "1", "expected float"),
    (float, 10**400, "too large"), (bytes, "a", "base64"), (bytes, "aGk", "base64"), (bytes, 1, "base64"),
    (dt.datetime, "x", "ISO 8601"), (dt.time, 4, "ISO 8601"), (dt.date, "x", "ISO 8601"),
    (dt.date, 1, "ISO 8601"), (dt.timedelta, "1", "number of seconds"), (dt.timedelta, 1e300, "seconds"),
    (decimal.Decimal, "zz", "a decimal number as text"), (uuid.UUID, "zz", "a UUID as text"),
    (pathlib.Path, 1, "a path as text"), (pathlib.Path, "a\0b", "a path as text"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "why"), MISFITS, ids=repr)
def test_what_does_not_fit_is_refused(kind: Any, value: Any, why: str) -> None:
    with pytest.raises(Wrong) as caught:
        HOOKS[kind](value, kind)
    assert why in str(caught.value)


def test_subclasses_are_asked_for_by_name_and_enums_are_enums() -> None:
    assert type(HOOKS[int](5, UserId)) is UserId
    assert HOOKS[enum.Enum]("r", Colour) is Colour.RED
    assert HOOKS[enum.Enum](Colour.ONE, Colour) is Colour.ONE
    assert HOOKS[str]("ada", Word) is Word.ADA
    with pytest.raises(Wrong, match="expected one of 'r', 1, got True"):
        HOOKS[enum.Enum](True, Colour)


@pytest.mark.parametrize(
    ("kind", "value"), [(Access, 0), (Access, 1), (Access, 3), (Gappy, 3), (Gappy, 0)]
)
def test_flags_are_what_their_members_make_together(kind: Any, value: int) -> None:
    assert HOOKS[enum.Enum](value, kind) == kind(value)


@pytest.mark.parametrize(
    ("kind", "value"), [(Access, 4), (Access, -1), (Access, "1"), (Access, True), (Gappy, 1)]
)
def test_what_no_flags_make_is_refused(kind: Any, value: Any) -> None:
    with pytest.raises(Wrong, match="expected a combination of"):
        HOOKS[enum.Enum](value, kind)


def test_a_long_value_is_cut_and_a_secret_hidden() -> None:
    assert str(wrong("int", "x" * 99)) == "expected int, got '" + "x" * 56 + "... (str)"
    assert "hunter2" not in str(wrong("int", {"password": "hunter2"}))


@pytest.mark.parametrize("version", [(3, 9, 0), (3, 13, 0)])
def test_older_pythons_read_base64_and_zulu_time_alike(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    assert HOOKS[bytes]("aGk=", bytes) == b"hi"
    with pytest.raises(Wrong):
        HOOKS[bytes]("aGk", bytes)
    assert HOOKS[dt.datetime]("2024-02-29T12:00:00Z", dt.datetime) == NOON
