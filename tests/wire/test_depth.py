"""Nesting is told exactly, from the bytes alone, whatever stands in the strings."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgekit.wire.depth import too_deep

TEXT = st.text('[]{}"\\ax', max_size=6)
VALUES = st.recursive(
    TEXT | st.none() | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=30,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@given(VALUES, st.sampled_from([None, 1]))
def test_exactly(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent).encode()
    deep = depth(value)
    assert not too_deep(text, deep)
    if deep:
        assert too_deep(text, deep - 1)


@pytest.mark.parametrize(
    "opening", ["[", '{"a":', '[{"a":', '{"a":[', '["]",', '["[]",', '["\\"]",']
)
def test_deep_shapes(opening: str) -> None:
    levels = {"[": 1, '{"a":': 1, '[{"a":': 2, '{"a":[': 2}.get(opening, 1)
    closing = {'[{"a":': "}]", '{"a":[': "]}", '{"a":': "}"}.get(opening, "]")
    text = (opening * 200 + "1" + closing * 200).encode()
    assert too_deep(text, 200 * levels - 1)
    assert not too_deep(text, 200 * levels)


def test_strings_that_undo_the_nesting_do_not_fool_it() -> None:
    text = b'["]",' * 300 + b"1" + b',"["]' * 300
    assert depth(json.loads(text)) == 300
    assert too_deep(text, 299) and not too_deep(text, 300)


def test_text_that_is_not_json_has_a_verdict_too() -> None:
    for text in (
        b"]" * 500,
        b"[" * 100 + b"]" * 500,
        b'"' * 1000,
        b"\\" * 999 + b"[" * 300,
        b"}{" * 400,
    ):
        assert too_deep(text, 128) in (True, False)
    assert too_deep(b"[" * 129, 128) and not too_deep(b"[" * 128, 128)


def test_deep_far_inside_a_long_text() -> None:
    for before in (b"[]," * 200_000, b'"[",' * 200_000, b'"\\"[",' * 100_000):
        text = b"[" + before + b"[" * 150 + b"]" * 150 + b"]"
        assert too_deep(text, 150) and not too_deep(text, 151)
    text = (b"[[[]]]" * 200_000)[:-1]
    assert not too_deep(text, 3) and too_deep(text, 2)


def test_wide_is_not_deep() -> None:
    assert not too_deep(b"[" + b'{"a":[1,2,"[["]},' * 50_000 + b"1]", 3)
    assert too_deep(b"[" + b'{"a":[1,2,"[["]},' * 50_000 + b"1]", 2)
