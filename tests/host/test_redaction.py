"""Secrets that a backend is started with are in no log and in no error."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridgekit import BackendDied, BackendStartError, InvalidParams, ProcessManager, RemoteError
from bridgekit.host import redaction
from bridgekit.host.redaction import hide, learn, secrets_in

LEAKY = """
import os, sys
from bridgekit import PythonBridge
print("starts with", os.environ["SHOP_TOKEN"], sys.argv[-1], file=sys.stderr, flush=True)
if "--break" in sys.argv:
    sys.exit(3)
class Leaky(PythonBridge):
    def connect(self, password: str, options: list) -> None:
        raise KeyError(os.environ["SHOP_TOKEN"])
    def die(self):
        os._exit(4)
if __name__ == "__main__":
    Leaky().run()
"""


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    known = dict(redaction._known)
    redaction._known.clear()
    monkeypatch.setattr(redaction, "_pattern", None)
    yield
    redaction._known.clear()
    redaction._known.update(known)


@pytest.mark.parametrize(
    ("env", "argv", "found"),
    [
        ({"API_TOKEN": "abcdef", "LANG": "C.UTF-8"}, [], {"abcdef"}),
        ({"API_TOKEN": "short"}, [], set()),
        ({}, ["--password=abcdef", "--name=abcdef1"], {"abcdef"}),
        ({}, ["--client-secret", "abcdef", "abcdef1"], {"abcdef"}),
        ({}, ["token", "abcdef", "--password"], set()),
        (
            {"DATABASE": "postgres://ada:abcdef@host/db"},
            ["http://x:ghijkl@h"],
            {"abcdef", "ghijkl"},
        ),
        ({"URL": "http://host:8080/a@b", "PROXY": "http://ada@host"}, [], set()),
    ],
)
def test_what_is_known_by_its_name(env: dict[str, str], argv: list[str], found: set[str]) -> None:
    assert secrets_in(env, argv) == found


def test_what_was_learnt_is_hidden() -> None:
    assert hide("abcdef") == "abcdef"
    learn({"A_TOKEN": "abc.def", "B_TOKEN": "abc.defghi"}, [])
    assert hide("x abc.defghi y abc.def z abcxdef") == "x *** y *** z abcxdef"


def test_what_was_learnt_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_MOST", 2)
    for value in ("secret-1", "secret-2", "secret-1", "secret-3", "secret-1", "secret-4"):
        learn({"TOKEN": value}, [])
    assert hide("secret-1 secret-2 secret-3 secret-4").count("***") == 2
    assert hide("secret-4") == "***"


async def test_a_leaky_backend(
    anyio_backend: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "bridgekit")
    script = tmp_path / "leaky.py"
    script.write_text(LEAKY)
    env = {"SHOP_TOKEN": "hunter2-token"}
    told: list[str] = []
    async with ProcessManager() as manager:
        with pytest.raises(BackendStartError) as start:
            await manager.spawn(script, env=env, args=["--break", "--password", "pass-word"])
        told += [str(start.value), start.value.stderr]
        backend = await manager.spawn(script, env=env, args=["--password=pass-word"])
        with pytest.raises(RemoteError) as remote:
            await backend.call("connect", {"password": "call-password", "options": []})
        told += [str(remote.value), remote.value.traceback or ""]
        for params in (
            {"password": ["call-password"], "options": []},
            {"password": "x", "options": {"token": "call-password"}},
        ):
            with pytest.raises(InvalidParams) as invalid:
                await backend.call("connect", params)
            told.append(str(invalid.value))
        with pytest.raises(BackendDied) as died:
            await backend.call("die")
        told += [str(died.value), died.value.stderr]
    text = "\n".join([*told, caplog.text])
    assert "starts with ***" in caplog.text
    assert not re.search("hunter2-token|pass-word|call-password", text), text
    assert "--password ***" in str(start.value)
    assert "'password' must be str" in text
    assert repr(remote.value.type) == "'KeyError'"


async def test_the_working_directory_is_no_secret(
    anyio_backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PWD is in every shell's environment: hidden, it took the paths out of each traceback."""
    monkeypatch.setenv("PWD", str(tmp_path))
    (tmp_path / "leaky.py").write_text(LEAKY)
    async with ProcessManager() as manager:
        backend = await manager.spawn(tmp_path / "leaky.py", env={"SHOP_TOKEN": "abcdef"})
        with pytest.raises(RemoteError) as caught:
            await backend.call("connect", ["secret", []])
    assert str(tmp_path / "leaky.py") in str(caught.value)


def test_half_a_secret_is_not_left_at_the_beginning_of_the_tail() -> None:
    from bridgekit.host.tail import Tail

    learn({"TOKEN": "0123456789", "OTHER_TOKEN": "geheimnisträger"}, [])
    tail = Tail()
    tail.feed("ein geheimnisträger, ä".encode())
    assert tail.text == "ein ***, ä"
    for limit in range(20, 40):
        for chunk in (7, 1000):
            tail = Tail(limit)
            data = b"0123456789 " * 50
            for start in range(0, len(data), chunk):
                tail.feed(data[start : start + chunk])
            assert not re.search(r"\d", tail.text[-limit:]), (limit, chunk)
            assert len(tail.text) <= limit


def test_nothing_is_searched_while_nothing_is_known() -> None:
    text = sys.executable
    assert hide(text) is text
