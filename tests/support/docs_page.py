"""Run the code of one Markdown page, in order, in this process and the current folder.

    python docs_page.py PAGE.md

It is a program of its own, so that each page has a fresh process; it ends with one line that
tells what was run and what was not, and with status 1 at the first block that does not hold.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import doctest
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = ""  # modules come from the page's folder, as in a session of one's own
    sys.path.append(str(Path(__file__).resolve().parent.parent.parent))

from tests.support.markdown import BadPage, Block, blocks

SKIPS = ("install", "windows", "macos")
"""The only reasons for which a block may be left out."""

INERT = frozenset(
    {"diff", "html", "ini", "makefile", "markdown", "mermaid", "rust", "text", "toml", "yaml"}
)
"""Languages that are shown and not run."""

LIMIT = 60.0
"""Seconds for one command."""


class Page:
    """What the blocks of a page share: a namespace, the last output, a tally."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.printed = ""
        self.ran = 0
        self.skipped: list[str] = []

    def run(self, block: Block) -> None:
        """Do with one block what its language and its directives say."""
        told = block.directives
        if "skip" in told:
            if told["skip"] not in SKIPS:
                raise BadPage(f"{block.place}: may be skipped for {SKIPS}, not {told['skip']!r}")
            self.skipped.append(f"{block.place} ({told['skip']})")
            return
        if missing := [need for need in told.get("needs", "").split() if not shutil.which(need)]:
            self.skipped.append(f"{block.place} (no {missing[0]} here)")
            return
        if "output" in told:
            expect(block.place, block.code, self.printed)
        elif "file" in told:
            self._write(block)
        else:
            self._languages(block)(block)
        self.ran += 1

    def _languages(self, block: Block) -> Callable[[Block], None]:
        language = block.language
        if language in INERT:
            return lambda _: None
        known: dict[str, Callable[[Block], None]] = {
            "python": self._python,
            "pycon": self._pycon,
            "console": self._console,
            "sh": self._shell,
            "bash": self._shell,
            "js": self._javascript,
            "javascript": self._javascript,
            "ts": self._javascript,
            "typescript": self._javascript,
            "json": lambda block: json.loads(block.code),
        }
        if language not in known:
            raise BadPage(f"{block.place}: what is a block of {language or 'no language'}?")
        return known[language]

    def _write(self, block: Block) -> None:
        path = Path(block.directives["file"])
        if path.is_absolute() or ".." in path.parts:
            raise BadPage(f"{block.place}: {path} would be written outside of the page's folder")
        if path.suffix == ".py":
            compile(at_its_lines(block), str(block.page), "exec")
        elif path.suffix == ".toml":
            tomllib.loads(block.code)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.code, "utf-8")

    def _python(self, block: Block) -> None:
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile(at_its_lines(block), str(block.page), "exec", flags=flags)
        with captured(self):
            result = eval(code, self.names)
            if result is not None:
                asyncio.run(result)

    def _pycon(self, block: Block) -> None:
        test = doctest.DocTestParser().get_doctest(
            block.code, self.names, block.place, str(block.page), block.line
        )
        report = io.StringIO()
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
        runner.run(test, out=report.write, clear_globs=False)
        self.names = test.globs
        if runner.summarize(verbose=False).failed:
            raise AssertionError(report.getvalue())

    def _console(self, block: Block) -> None:
        statuses = block.directives.get("exit", "0").split()
        sessions = commands(block)
        if len(statuses) not in (1, len(sessions)):
            raise BadPage(f"{block.place}: one exit status for all, or one for each command")
        for index, (command, expected) in enumerate(sessions):
            output = execute(block, ["/bin/sh", "-c", command], statuses[index % len(statuses)])
            if expected:
                expect(f"{block.place}: $ {command}", expected, output)
            self.printed = output

    def _shell(self, block: Block) -> None:
        status = block.directives.get("exit", "0")
        self.printed = execute(block, ["/bin/sh", "-ec", block.code], status)

    def _javascript(self, block: Block) -> None:
        typed = block.language in ("ts", "typescript")
        runtime = shutil.which("bun") if typed else shutil.which("node") or shutil.which("bun")
        if runtime is None:
            self.skipped.append(f"{block.place} (nothing runs {block.language} here)")
            return
        path = Path(f"block{block.line}.{'ts' if typed else 'mjs'}")
        path.write_text(block.code, "utf-8")
        self.printed = execute(block, [runtime, str(path)], block.directives.get("exit", "0"))


def at_its_lines(block: Block) -> str:
    """The code with as many empty lines before it that tracebacks name the page's own lines."""
    return "\n" * block.line + block.code


@contextlib.contextmanager
def captured(page: Page) -> Any:
    """Keep what Python code prints, for an ``output`` block, and show it as well."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            yield
    finally:
        page.printed = printed.getvalue()
        sys.stdout.write(page.printed)


def commands(block: Block) -> list[tuple[str, str]]:
    """Split a console block into commands, each with the output shown after it."""
    found: list[tuple[str, str]] = []
    lines = iter(block.code.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command = command[:-1] + next(lines, "").removeprefix("> ")
            found.append((command, ""))
        elif not found:
            raise BadPage(f"{block.place}: a console block begins with a line '$ command'")
        else:
            command, output = found[-1]
            found[-1] = (command, output + line + "\n")
    return found


def execute(block: Block, command: list[str], status: str) -> str:
    """Run a command as a person without a terminal would; its output, both streams together."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LIMIT,
        check=False,
    )
    output = done.stdout.decode("utf-8", "replace")
    if str(done.returncode) != status:
        raise AssertionError(
            f"{block.place}: {command[-1]!r} ended with {done.returncode}, not {status}\n{output}"
        )
    return output


def expect(place: str, expected: str, output: str) -> None:
    """Compare, line ends trimmed; ``...`` stands for anything, several lines included."""

    def tidy(text: str) -> str:
        return "\n".join(line.rstrip() for line in text.strip().splitlines())

    pattern = ".*?".join(re.escape(part) for part in tidy(expected).split("..."))
    if not re.fullmatch(pattern, tidy(output), re.DOTALL):
        raise AssertionError(f"{place}\nthe page shows:\n{expected}\nit was:\n{output}")


def main(path: Path) -> int:
    """Run a page; the status is 1 if it does not hold."""
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    page = Page()
    block = None
    try:
        for block in blocks(path):
            page.run(block)
    except BaseException as error:
        where = f"the block at {block.place}" if block else str(path)
        print(f"{where} does not hold:", file=sys.stderr)
        known = isinstance(error, (AssertionError, BadPage)) and error.args
        print(error if known else traceback.format_exc(), file=sys.stderr)
        return 1
    print(f"{page.ran} blocks hold; skipped: {', '.join(page.skipped) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
