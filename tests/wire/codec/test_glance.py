"""What the quick look at a value lets through."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgekit.wire.codec._glance import MOST_PARTS, unremarkable
from bridgekit.wire.codec.json import WORTH_A_GLANCE, Codec

DEEP = 128
BULK = "x" * WORTH_A_GLANCE


@pytest.mark.parametrize(
    "value",
    [None, True, 1, 2**200, 1.5, -0.0, "text", [], {}, {"a": [1, {"b": None}]}, [BULK, BULK]],
)
def test_ordinary_values(value):
    assert unremarkable(value, DEEP)


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, 1e19, -1e19, 2.0**63, (1,), b"", object(), [[math.nan]]],
)
def test_remarkable_values(value):
    assert not unremarkable(value, DEEP)
    assert not unremarkable({"a": [value]}, DEEP)


def test_many_parts_and_deep_ones_are_left_to_others():
    assert unremarkable([0] * (MOST_PARTS - 1), DEEP)
    assert not unremarkable([0] * MOST_PARTS, DEEP)
    nested = None
    for _ in range(MOST_PARTS):
        nested = [nested]
    assert not unremarkable(nested, DEEP)
    assert not unremarkable(1, MOST_PARTS)


def test_a_value_that_contains_itself_ends():
    value = []
    value.append(value)
    assert not unremarkable(value, DEEP)


@pytest.mark.parametrize("number", ["18446744073709551616", "-9223372036854775809", "1e400"])
def test_large_texts_with_numbers_beyond_64_bits_are_exact(number):
    text = f'{{"bulk":"{BULK}","n":{number}}}'.encode()
    fast, slow = Codec("host", fast=True), Codec("host", fast=False)
    assert fast.decode(text)["n"] == slow.decode(text)["n"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_large_values_have_one_fate_with_and_without_orjson(value):
    def fate(codec):
        try:
            return codec.decode(codec.encode({"bulk": BULK, "value": value}))
        except Exception as error:
            return type(error), str(error)

    assert repr(fate(Codec("host", fast=True))) == repr(fate(Codec("host", fast=False)))
