"""Parameters as typed, results as read."""

from __future__ import annotations

import pytest

from bridgekit.cli.exits import UsageError
from bridgekit.cli.values import for_people, for_programs, read_params


@pytest.mark.parametrize(
    ("words", "params"),
    [
        ([], None),
        (['{"a": 1}'], {"a": 1}),
        (["[1, 2]"], [1, 2]),
        (
            ["a=1", "b=x y", "c=true", 'd="1"', "e=[1]", "f="],
            {"a": 1, "b": "x y", "c": True, "d": "1", "e": [1], "f": ""},
        ),
        (["a=b=c"], {"a": "b=c"}),
        (["a=NaN"], {"a": "NaN"}),
    ],
)
def test_params(words, params):
    assert read_params(words) == params


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["{a}"], "not JSON"),
        (["a"], "'a' is not a parameter"),
        (["=1"], "'=1' is not a parameter"),
        (["a=1", "a=2"], "'a' is given twice"),
        (["{}", "a=1"], "'{}' is not a parameter"),
        (["[" * 100_000], "the parameters are not JSON"),
        (["a=" + "[" * 100_000], "the parameter 'a' cannot be read"),
    ],
)
def test_params_that_cannot_be_read(words, why):
    with pytest.raises(UsageError, match=why):
        read_params(words)


def test_results():
    assert for_people("ä\nb") == "ä\nb"
    assert for_people({"a": ["ä"]}) == '{\n  "a": [\n    "ä"\n  ]\n}'
    assert for_programs({"a": ["ä"]}) == '{"a":["\\u00e4"]}'


def test_bytes_look_as_on_a_wire_of_json():
    assert for_people(b"abc") == "YWJj"
    assert for_people({"a": b"abc"}) == '{\n  "a": "YWJj"\n}'
    assert for_programs([b"abc"]) == '["YWJj"]'
