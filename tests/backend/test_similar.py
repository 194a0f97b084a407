from __future__ import annotations

import pytest

from bridgekit.backend.similar import _distance, hint, similar


@pytest.mark.parametrize(
    ("name", "known", "close"),
    [
        ("gerat", ["great", "add"], ["great"]),
        ("gerat", ["greet", "add"], ["greet"]),
        ("gerat", ["greet", "great"], ["great", "greet"]),
        ("dad", ["add", "subtract"], ["add"]),
        ("Add", ["add"], ["add"]),
        ("nmae", ["name", "mane"], ["name"]),
        ("subtrackt", ["subtract"], ["subtract"]),
        ("x", ["add", "y", "xy"], ["xy"]),
        ("get", ["value", "total"], []),
        ("list", ["load", "save"], []),
        ("a" * 61, ["a" * 60], []),
        ("abc", ["abcdefgh"], []),
        ("", ["add"], []),
        ("aab", ["aaa", "aac", "aad", "aae"], ["aaa", "aac", "aad"]),
    ],
)
def test_what_was_meant(name: str, known: list[str], close: list[str]) -> None:
    assert similar(name, known) == close


@pytest.mark.parametrize(
    ("one", "other", "mistakes"),
    [("", "", 0), ("", "ab", 2), ("ab", "", 2), ("ab", "ba", 1), ("ca", "abc", 3), ("abcd", "badc", 2)],
)  # fmt: skip
def test_mistakes_are_counted(one: str, other: str, mistakes: int) -> None:
    assert _distance(one, other) == _distance(other, one) == mistakes


def test_a_hint_is_a_question_or_nothing() -> None:
    assert hint("dad", ["add", "dab"]) == "did you mean 'add' or 'dab'?"
    assert hint("other", ["add"]) == ""
