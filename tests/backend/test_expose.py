from __future__ import annotations

from typing import Any

import pytest

from bridgekit import expose, hidden
from bridgekit.backend.dispatch import MARK


def marks(function: Any) -> Any:
    return getattr(function, MARK)


def test_bare_and_with_options() -> None:
    @expose
    def bare() -> None: ...

    @expose(name="other", concurrent=True, idempotent=True, cancel="flag")
    def full() -> None: ...

    assert marks(bare).exposed
    assert not marks(bare).concurrent
    told = marks(full)
    assert (told.name, told.concurrent, told.idempotent, told.cancel) == (
        "other",
        True,
        True,
        "flag",
    )


def test_hidden() -> None:
    @hidden
    def method() -> None: ...

    assert not marks(method).exposed


@pytest.mark.parametrize("kind", [staticmethod, classmethod])
def test_the_mark_goes_through_static_and_class_methods(kind: Any) -> None:
    assert marks(expose(kind(lambda: None)).__func__).exposed


def test_an_unknown_cancel_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="'raise' or 'flag', not 'never'"):
        expose(cancel="never")  # type: ignore[call-overload]


def test_what_cannot_be_marked_is_refused() -> None:
    with pytest.raises(TypeError, match="directly on a method"):
        expose(len)
