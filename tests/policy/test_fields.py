"""Each kind of check: what it takes, and the one form in which it refuses."""

from __future__ import annotations

import math
from typing import Any

import attrs
import pytest

from bridgekit.policy import fields

CASES: list[tuple[fields.Check, list[Any], list[Any]]] = [
    (fields.seconds(), [1, 0.5], [0, -1, math.inf, math.nan, "1", True, None]),
    (fields.seconds(zero=True), [0, 0.0, 3], [-0.1, math.inf, math.nan, "x", False]),
    (fields.number("bytes"), [1, 2.5], [0, -1, math.inf, None]),
    (fields.whole(1, "calls"), [1, 10**9], [0, 1.0, True, "1"]),
    (fields.whole(-20, "steps", 19), [-20, 0, 19], [-21, 20]),
    (fields.fraction(), [0, 0.5, 1], [-0.1, 1.1, math.nan, "a"]),
    (fields.boolean(), [True, False], [0, 1, None, "yes"]),
    (fields.one_of("a", "b"), ["a", "b"], ["c", "", None, 1]),
    (fields.names(), [(), ("a",)], [("",), ["a"], ("a", 1), "a", None]),
    (fields.instance(int), [1], ["1", None]),
    (fields.optional(fields.seconds(), "never"), [None, 1], [0, "x"]),
]


def check(rule: fields.Check, value: Any) -> None:
    made: Any = attrs.make_class("Made", {"field": attrs.field(validator=rule)})
    made(value)


@pytest.mark.parametrize(
    ("rule", "value"), [(rule, value) for rule, good, _ in CASES for value in good]
)
def test_accepts(rule: fields.Check, value: Any) -> None:
    check(rule, value)


@pytest.mark.parametrize(
    ("rule", "value"), [(rule, value) for rule, _, bad in CASES for value in bad]
)
def test_refuses_with_name_value_and_what_is_allowed(rule: fields.Check, value: Any) -> None:
    with pytest.raises(ValueError, match=r"^field=.* is not allowed: it must be ") as caught:
        check(rule, value)
    assert repr(value) in str(caught.value)


def test_a_special_value_is_named_with_its_meaning() -> None:
    with pytest.raises(ValueError, match=r"seconds above 0, or None: it never ends$"):
        check(fields.optional(fields.seconds(), "it never ends"), 0)


def test_a_span_is_named() -> None:
    with pytest.raises(ValueError, match="a whole number of steps, from -20 to 19"):
        check(fields.whole(-20, "steps", 19), 20)
    with pytest.raises(ValueError, match="a whole number of calls, 1 or more"):
        check(fields.whole(1, "calls"), 0)
