from __future__ import annotations

from typing import Any

import pytest

from bridgekit.backend.signature import MISSING, read_signature


def test_everything_a_caller_may_pass_is_read() -> None:
    def method(
        self: Any, a: int, b: str = "x", *rest: int, c: bool, d: float = 1.5, **more: str
    ) -> None:
        pass

    signature = read_signature(method, True)
    seen = [(each.name, each.default, each.keyword_only) for each in signature.parameters]
    assert seen == [
        ("a", MISSING, False),
        ("b", "x", False),
        ("c", MISSING, True),
        ("d", 1.5, True),
    ]
    assert (signature.star, signature.double_star) == ("rest", "more")
    assert set(signature.star_annotations) == {"rest", "more"}
    assert signature.returns == "None"


def test_self_is_left_out_and_a_static_method_has_none() -> None:
    def method(self: Any, a: Any) -> None:
        pass

    assert [each.name for each in read_signature(method, True).parameters] == ["a"]
    assert [each.name for each in read_signature(method, False).parameters] == ["self", "a"]


def test_star_args_may_stand_for_self() -> None:
    def method(*args: Any) -> None:
        pass

    signature = read_signature(method, True)
    assert signature.parameters == []
    assert signature.star == "args"


def test_a_missing_self_is_explained() -> None:
    def method() -> None:
        pass

    with pytest.raises(ValueError, match=r"no 'self' parameter.*@staticmethod"):
        read_signature(method, True)


def test_positional_only_parameters_are_refused_but_not_self() -> None:
    def wrong(self: Any, a: Any, /, b: Any) -> None:
        pass

    def right(self: Any, /, a: Any) -> None:
        pass

    with pytest.raises(ValueError, match="parameter a is positional-only"):
        read_signature(wrong, True)
    assert [each.name for each in read_signature(right, True).parameters] == ["a"]


def test_missing_shows_itself() -> None:
    assert repr(MISSING) == "<missing>"
