"""Reading what a backend says about itself."""

from __future__ import annotations

from typing import Any

import pytest

from bridgekit.errors import VersionMismatch
from bridgekit.host.handshake import FEATURES, Peer, hello_params, read_hello, read_ready


def test_what_the_host_says() -> None:
    params = hello_params(5000)
    assert params["protocol"] == 1
    assert params["host"].startswith("bridgekit ")
    assert params["features"] == list(FEATURES)
    assert params["limits"] == {"max_frame": 5000}


def test_a_full_answer() -> None:
    answer = {
        "protocol": 1,
        "bridgekit": "0.1.0",
        "features": ["stream", "unheard of", 3],
        "name": "Menu",
        "pid": 5,
        "python_version": "3.9.1",
        "executable": "/usr/bin/python3",
        "methods": ["add", None],
        "concurrent": ["soon", 3],
        "idempotent": ["add", 3],
        "limits": {"max_frame": 9},
    }
    assert read_hello(answer, Peer()) == Peer(
        protocol=1,
        bridgekit="0.1.0",
        features=frozenset(["stream"]),
        name="Menu",
        pid=5,
        python_version="3.9.1",
        executable="/usr/bin/python3",
        methods=("add",),
        concurrent=frozenset(["soon"]),
        idempotent=frozenset(["add"]),
        max_frame=9,
    )


@pytest.mark.parametrize("answer", [None, "hello", [], {}, {"features": []}])
def test_what_is_no_answer(answer: Any) -> None:
    assert read_hello(answer, Peer()) is None


@pytest.mark.parametrize(
    "odd",
    [
        {
            "features": "stream",
            "methods": {"a": 1},
            "limits": [],
            "concurrent": "add",
            "idempotent": "add",
        },
        {"name": 3, "pid": "x", "limits": {"max_frame": "9"}},
    ],
)
def test_fields_of_the_wrong_type_are_not_believed(odd: Any) -> None:
    assert read_hello({"protocol": 1, **odd}, Peer()) == Peer(protocol=1)


@pytest.mark.parametrize(("theirs", "kept"), [(2, 2), ("1", None), (None, None)])
def test_another_protocol(theirs: Any, kept: Any) -> None:
    with pytest.raises(VersionMismatch) as caught:
        read_hello({"protocol": theirs, "bridgekit": "9.9"}, Peer())
    assert (caught.value.ours, caught.value.theirs) == (1, kept)
    assert "9.9" in str(caught.value)


def test_the_ready_frame_adds_the_version() -> None:
    assert read_ready({"python_version": "3.9.1"}, Peer()).python_version == "3.9.1"
    for odd in (None, {}, {"python_version": 3}):
        assert read_ready(odd, Peer()) == Peer()
    kept = read_hello({"protocol": 1}, Peer(python_version="3.9.1"))
    assert kept is not None
    assert kept.python_version == "3.9.1"
