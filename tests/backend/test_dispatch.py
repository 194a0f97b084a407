from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from bridgekit import BridgeError, PythonBridge, expose, hidden
from bridgekit.backend.dispatch import ASYNC, MAIN, WORKER, Method, build_table


def table(cls: type[PythonBridge]) -> dict[str, Method]:
    return build_table(cls(), PythonBridge)


class Base(PythonBridge):
    def inherited(self) -> str:
        return "base"

    def replaced(self) -> str:
        return "base"


class Mixin:
    def quiet(self) -> None: ...

    @expose
    def loud(self) -> None: ...


class Many(Mixin, Base):
    attribute = 3
    function_elsewhere = print

    def __init__(self) -> None:
        super().__init__()
        self.instance = lambda: None

    def plain(self, a: int, b: Any) -> None: ...

    def replaced(self) -> str:
        return "mine"

    def _private(self) -> None: ...

    def __dunder__(self) -> None: ...

    @expose
    def _named(self) -> None: ...

    @hidden
    def unseen(self) -> None: ...

    @expose(name="x/y.z")
    def renamed(self) -> None: ...

    @staticmethod
    def static(a: int) -> int:
        return a

    @classmethod
    def of_class(cls) -> str:
        return cls.__name__

    @property
    def prop(self) -> int:
        return 1

    @expose(concurrent=True)
    def beside(self) -> None: ...

    async def soon(self) -> None: ...

    async def items_soon(self) -> Any:
        yield 1

    def items(self) -> Any:
        yield 1

    @functools.lru_cache  # noqa: B019 - the point is that it is no plain function
    def cached(self, n: int) -> int:
        return n

    class Nested:
        def method(self) -> None: ...


def test_what_the_subclass_defines_is_exposed_and_nothing_else() -> None:
    assert sorted(table(Many)) == sorted(
        [
            "_named", "beside", "cached", "inherited", "items", "items_soon", "loud", "of_class",
            "plain", "replaced", "soon", "static", "x/y.z",
        ]
    )  # fmt: skip


def test_the_last_word_on_a_name_counts() -> None:
    assert table(Many)["replaced"].function() == "mine"


def test_hiding_an_inherited_method_by_overriding_it() -> None:
    class Less(Base):
        @hidden
        def inherited(self) -> str:
            return "no"

    assert sorted(table(Less)) == ["replaced"]


@pytest.mark.parametrize(
    ("name", "lane", "streams"),
    [
        ("plain", MAIN, False),
        ("items", MAIN, True),
        ("beside", WORKER, False),
        ("soon", ASYNC, False),
        ("items_soon", ASYNC, True),
    ],
)
def test_where_a_method_runs_is_seen_from_its_code(name: str, lane: str, streams: bool) -> None:
    method = table(Many)[name]
    assert (method.lane, method.streams) == (lane, streams)


def test_exact_types_are_checked_ahead_and_others_thoroughly() -> None:
    class Typed(PythonBridge):
        def method(
            self, a: int, b: float, c: Any = 1, d: str = "x", e: int | None = None, *rest: int
        ) -> None: ...

    checks = table(Typed)["method"].checks
    assert checks == (("a", int, None), ("b", float, None), ("d", str, ""), ("e", None, None), STAR)
    assert table(Many)["plain"].checks == (("a", int, None),)


def test_a_wrapper_that_takes_anything_stands_for_what_it_wraps() -> None:
    def wrap(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    class Wrapped(PythonBridge):
        @wrap
        def method(self, a: int) -> int:
            return a

    method = table(Wrapped)["method"]
    assert [each.name for each in method.signature.parameters] == ["a"]
    assert method.function(a=2) == 2


STAR = ("", None, None)


def problems(cls: type[PythonBridge]) -> str:
    with pytest.raises(BridgeError) as caught:
        table(cls)
    return str(caught.value)


def test_machinery_cannot_be_exposed() -> None:
    class Wrong(PythonBridge):
        @expose
        def run(self) -> None: ...

    assert "Wrong.run overrides a part of PythonBridge" in problems(Wrong)


def test_machinery_may_be_overridden_and_stays_uncallable() -> None:
    class Right(PythonBridge):
        def run(self) -> None: ...

        def ready(self) -> dict[str, Any]:
            return {}

        def on_stop(self) -> None: ...

    assert table(Right) == {}


def test_two_methods_of_one_name_clash() -> None:
    class Wrong(PythonBridge):
        def one(self) -> None: ...

        @expose(name="one")
        def two(self) -> None: ...

    assert "Wrong.two is called 'one', and so is another method" in problems(Wrong)


@pytest.mark.parametrize("name", ["$/x", "__x", "rpc.x", "ready", "shutdown", "a b", "é\n"])
def test_reserved_and_strange_names_are_refused(name: str) -> None:
    class Wrong(PythonBridge):
        @expose(name=name)
        def method(self) -> None: ...

    assert f"cannot be called {name!r}" in problems(Wrong)


def test_all_problems_are_told_at_once() -> None:
    class Wrong(PythonBridge):
        def first() -> None: ...  # type: ignore[misc]

        def second(self, a: int, /) -> None: ...

        def state(self) -> None: ...  # type: ignore[override]

    text = problems(Wrong)
    assert "Wrong.first cannot be called by a host: it has no 'self'" in text
    assert "positional-only" in text
    assert "Wrong.state hides PythonBridge.state" in text


def test_plain_data_may_have_the_names_of_the_base_class() -> None:
    class Old(PythonBridge):
        state = "idle"  # type: ignore[assignment]
        host = "localhost"  # type: ignore[assignment]

        def add(self) -> None: ...

    assert list(table(Old)) == ["add"]

    class Older(Old):
        state = property(lambda self: "busy")

    assert list(table(Older)) == ["add"]


@pytest.mark.parametrize("name", ["state", "host"])
@pytest.mark.parametrize("kind", [lambda f: f, staticmethod, classmethod, expose, hidden])
def test_methods_may_not(name: str, kind: Callable[[Any], Any]) -> None:
    wrong = type("Wrong", (PythonBridge,), {name: kind(lambda self: None)})
    assert f"Wrong.{name} hides PythonBridge.{name}" in problems(wrong)


def test_what_every_event_goes_through_must_be_callable() -> None:
    wrong = type("Wrong", (PythonBridge,), {"send_event": "data"})
    assert "Wrong.send_event hides PythonBridge.send_event" in problems(wrong)
