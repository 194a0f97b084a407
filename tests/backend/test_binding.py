from __future__ import annotations

from typing import Any

import pytest

from bridgekit import InvalidParams, PythonBridge
from bridgekit.backend.binding import binder_of, explain_type_error
from bridgekit.backend.dispatch import Method, build_table


class Target(PythonBridge):
    def two(self, a: int, b: str = "x") -> None: ...

    def free(self, a: Any, *rest: int, key: int = 1, **more: str) -> None: ...

    def only(self, *, key: bool) -> None: ...

    def nothing(self) -> None: ...

    def lax(self, a: int = None, b: int | None = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013


def method(name: str) -> Method:
    return build_table(Target(), PythonBridge)[name]


def bind(name: str, params: Any) -> Any:
    return binder_of(method(name)).bind(params)


def complaint(name: str, params: Any) -> str:
    with pytest.raises(InvalidParams) as caught:
        bind(name, params)
    assert caught.value.code == "invalid_params"
    assert caught.value.method == name
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "params", "bound"),
    [
        ("two", {"a": 1}, ([], {"a": 1})),
        ("two", [1, "y"], ([], {"a": 1, "b": "y"})),
        ("nothing", None, ([], {})),
        ("nothing", [], ([], {})),
        ("free", [1, 2, 3], ([1, 2, 3], {})),
        ("free", {"a": 1, "z": "more"}, ([], {"a": 1, "z": "more"})),
        ("only", {"key": True}, ([], {"key": True})),
        ("lax", {"a": None, "b": None}, ([], {"a": None, "b": None})),
    ],
)
def test_parameters_become_arguments(name: str, params: Any, bound: Any) -> None:
    assert bind(name, params) == bound


@pytest.mark.parametrize(
    ("name", "params", "text"),
    [
        ("two", {}, "two(): missing parameter 'a'; it takes 'a', 'b'"),
        ("two", {"a": 1, "c": 2, "d": 3}, "two(): unknown parameters 'c', 'd'; it takes 'a', 'b'"),
        ("two", {"ab": 1}, "two(): unknown parameter 'ab' (did you mean 'a' or 'b'?), missing"),
        ("two", [1, "x", 3], "3 positional parameters came; it takes at most 2 (a, b)"),
        ("nothing", [1], "1 positional parameters came; it takes none"),
        ("nothing", {"a": 1}, "unknown parameter 'a'; it takes none"),
        ("two", {"a": "1"}, "two(): parameter 'a' must be int, not '1' (str)"),
        ("two", {"a": None}, "parameter 'a' must be int, not null"),
        ("two", {"a": {"x": 1}}, "parameter 'a' must be int, not {'x': 1} (object)"),
        ("two", {"a": [1] * 99}, "must be int, not [1, 1"),
        ("free", [1, 2, "x"], "parameter 'rest[1]' must be int, not 'x' (str)"),
        ("free", {"a": 1, "z": 3}, "parameter 'z' must be str, not 3 (int)"),
        ("free", {"a": 1, "self": "x"}, "unknown parameter 'self'; it takes 'a', 'key' and any"),
        ("only", [True], "1 positional parameters came; it takes none"),
    ],
)
def test_complaints_name_what_came_and_what_is_expected(name: str, params: Any, text: str) -> None:
    assert text in complaint(name, params)


def test_a_binder_is_made_once() -> None:
    target = method("two")
    assert binder_of(target) is binder_of(target)


def test_a_type_error_of_the_call_is_explained_and_others_are_not() -> None:
    target = method("two")
    assert "missing parameter 'a'" in str(explain_type_error(target, {}))
    assert explain_type_error(target, {"a": 1}) is None


def test_a_flood_of_names_is_shortened() -> None:
    text = complaint("nothing", {f"name{index}" * 20: 1 for index in range(50)})
    assert len(text) < 2500
    assert "..." in text
