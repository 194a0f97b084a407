"""Read the fenced code blocks of a Markdown page and the comments that say what to do with them.

The convention for writers is in ``docs/contributing.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

DIRECTIVES = frozenset({"exit", "file", "needs", "output", "skip"})
_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)$")
_COMMENT = re.compile(r"^ *<!-- *(?P<name>[a-z]+)(?:: *(?P<value>.*?))? *-->$")


class BadPage(Exception):
    """The page breaks the convention; the text says where and how."""


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its code, and the directives right before it."""

    page: Path
    line: int
    """Of the opening fence, from 1."""
    language: str
    code: str
    directives: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where a person finds it."""
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page in order; MyST directives (``{...}``) are not code."""
    lines = page.read_text("utf-8").splitlines()
    found: list[Block] = []
    directives: dict[str, str] = {}
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if comment := _COMMENT.match(line):
            if comment["name"] in DIRECTIVES:
                directives[comment["name"]] = comment["value"] or ""
            continue
        fence = _FENCE.match(line)
        if fence is None:
            if line.strip() and directives:
                raise BadPage(f"{page.name}:{number}: a block must follow {set(directives)}")
            continue
        end = _closing(lines, number, fence["fence"])
        if end is None:
            raise BadPage(f"{page.name}:{number}: this block never ends")
        code = [text.removeprefix(fence["indent"]) for text in lines[number:end]]
        info = fence["info"].strip()
        if not info.startswith("{"):
            language = info.split()[0] if info else ""
            found.append(Block(page, number, language, "\n".join(code) + "\n", directives))
        directives = {}
        number = end + 1
    return found


def _closing(lines: list[str], start: int, fence: str) -> int | None:
    for number in range(start, len(lines)):
        text = lines[number].strip()
        if text.startswith(fence) and not text.strip(fence[0]):
            return number
    return None
