"""What the pages on supervision and trouble quote is what the code has: diagram, states, texts."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridgekit.policy.lifecycle import STATES

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
GAP = "\0"
"""Stands for what an f-string puts in."""

PAGE = (DOCS / "reference" / "troubleshooting.md").read_text("utf-8")
KEYS = re.findall(r"^### `(.+)`$", PAGE, re.MULTILINE)


def texts() -> Iterator[str]:
    """Every string of the sources, pieces joined as the parser joins them."""
    for path in sorted((ROOT / "bridgekit").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(
                    part.value
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                    else GAP
                    for part in node.values
                )


SOURCES = list(texts())


def occurs(key: str) -> bool:
    """Whether one string of the sources has the pieces of ``key``, in order."""
    pattern = ".*?".join(re.escape(piece) for piece in re.split(r"\.{3,}", key))
    return any(re.search(pattern, text, re.DOTALL) for text in SOURCES)


def test_the_committed_diagram_is_what_the_script_draws() -> None:
    drawn = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "lifecycle_diagram.py")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (DOCS / "explanation" / "lifecycle.svg").read_text("utf-8") == drawn.stdout


def test_the_page_has_every_state_with_its_meaning() -> None:
    page = (DOCS / "explanation" / "supervision.md").read_text("utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", page, re.MULTILINE) == list(STATES.items())


@pytest.mark.parametrize("key", KEYS)
def test_the_text_of_an_error_is_one_of_the_sources(key: str) -> None:
    assert len(re.sub(r"[.\W]", "", key)) > 8, "too short to find anything by"
    assert occurs(key)


def test_no_text_has_two_entries() -> None:
    assert len(KEYS) == len(set(KEYS)) > 30


def test_a_text_that_is_nowhere_is_noticed() -> None:
    assert not occurs("backend ... has gone " + "fishing")


ROOMS = ("host", "blocking", "policy", "instruments", "wire")
KINDS = {
    "BackendError", "BackendStartError", "BridgeError", "CallTimeout", "QueueFull",
    "DecodeError", "EncodeError", "FrameTooLarge", "ProtocolError", "VersionMismatch",
    "MethodNotFound",
    "malformed",  # makes a DecodeError
}  # fmt: skip
ELSEWHERE = (
    # a list of words, a name and a system that the text itself says all about
    "the target is empty;", "the target's words must be strings", "contains a NUL character",
    "works on Windows only", "limits cannot be set on Windows",
    "... is stopped",  # never seen: a backend that is stopped says by whom
    "there is no channel for the event loop library",
    "backend ... is ...",  # how it ended has an entry of its own
    "there is no ... called",  # a layer of a format: only who writes one sees it
)  # fmt: skip
"""Pieces of texts that need no entry."""


def raised() -> Iterator[str]:
    """The text of each error that the host's rooms and the wire make, its gaps as in the page."""
    words = re.compile("[a-z]{4}")  # without any it is made elsewhere
    for room in ROOMS:
        for path in sorted((ROOT / "bridgekit" / room).rglob("*.py")):
            tree = ast.parse(path.read_text("utf-8"))
            for node in ast.walk(tree):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                    continue
                if node.func.id not in KINDS or not node.args:
                    continue
                yield from filter(words.search, shown(node.args[0], tree))


def shown(node: ast.AST, tree: ast.Module) -> Iterator[str]:
    """The texts that ``node`` can be, as the page writes them; a name is looked up in ``tree``."""
    if isinstance(node, ast.JoinedStr):
        parts = [getattr(part, "value", "...") for part in node.values]
        yield "".join(part if isinstance(part, str) else "..." for part in parts)
    elif isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.IfExp):
        yield from shown(node.body, tree)
        yield from shown(node.orelse, tree)
    elif isinstance(node, ast.Name):
        for found in ast.walk(tree):
            if isinstance(found, ast.Assign):
                for target, value in pairs(found):
                    if isinstance(target, ast.Name) and target.id == node.id:
                        yield from shown(value, tree)


def pairs(node: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What is assigned to what."""
    for target in node.targets:
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            yield from zip(target.elts, node.value.elts, strict=True)
        else:
            yield target, node.value


@pytest.mark.parametrize("text", sorted(set(raised())))
def test_every_error_of_the_host_has_an_entry(text: str) -> None:
    for key in KEYS:
        pieces = [re.escape(piece) for piece in re.split(r"\.{3,}", key)]
        if re.match(".*?".join(pieces), text, re.DOTALL):
            return
    assert any(piece in text for piece in ELSEWHERE), f"docs/reference/troubleshooting.md: {text!r}"
