"""Every fenced code block of the README and the documentation is run; each page is one test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.docs_page import SKIPS
from tests.support.markdown import blocks

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in PAGES if "_build" not in page.parts]
MOST_SKIPS = 12
"""Blocks that no machine of ours runs, over all pages: installs and other systems."""


def run(page: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a page in a fresh process and an empty folder, whose PATH has the project's bun."""
    binaries = [str(path) for path in ROOT.glob("*/hosts/*/node_modules/.bin")]
    return subprocess.run(
        [sys.executable, str(ROOT / "tests/support/docs_page.py"), str(page)],
        cwd=folder,
        env=os.environ | {"PATH": os.pathsep.join([os.environ["PATH"], *binaries])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.mark.docs
@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_page(page: Path, tmp_path: Path) -> None:
    done = run(page, tmp_path)
    assert done.returncode == 0, f"{page.relative_to(ROOT)}: {done.stderr}\n{done.stdout}"


def test_few_blocks_are_skipped() -> None:
    reasons = [
        f"{page.relative_to(ROOT)}:{block.line}: {block.directives['skip']}"
        for page in PAGES
        for block in blocks(page)
        if "skip" in block.directives
    ]
    assert len(reasons) <= MOST_SKIPS, "\n" + "\n".join(reasons)
    assert all(reason.rpartition(": ")[2] in SKIPS for reason in reasons)


# --- the convention itself --------------------------------------------------------------------

GOOD = """
# A page

<!-- file: lib/greet.py -->
```python
def greet(name):
    return f"hello {name}"
```

```python
from lib.greet import greet
import asyncio
print(greet("Ada"), await asyncio.sleep(0, "awaited"))
```

<!-- output -->
```text
hello ... awaited
```

```console
$ python -c "from lib.greet import greet; \\
> print(greet('shell'))"
hello shell
$ echo one; echo two
one
...
```

<!-- exit: 3 -->
```console
$ exit 3
```

1. A list
   ```pycon
   >>> greet("Bob")
   'hello Bob'
   ```

<!-- skip: install -->
```console
$ no-such-command --ever
```

<!-- needs: no-such-program -->
```js
throw new Error("never")
```

```{note}
not code
```

```json
{"id": 1}
```
"""

BAD = {
    "python": ("```python\nassert 1 == 2, 'one is not two'\n```", "one is not two"),
    "output": ("```console\n$ echo a\nb\n```", "the page shows:\nb"),
    "status": ("```console\n$ false\n```", "ended with 1, not 0"),
    "no status": ("<!-- exit: 1 -->\n```console\n$ true\n```", "ended with 0, not 1"),
    "syntax": ("<!-- file: x.py -->\n```python\ndef\n```", "SyntaxError"),
    "pycon": ("```pycon\n>>> 1 + 1\n3\n```", "Expected:\n    3"),
    "skip": ("<!-- skip: it fails -->\n```python\n1\n```", "may be skipped for"),
    "escape": ("<!-- file: ../x -->\n```text\n1\n```", "outside of the page's folder"),
    "language": ("```\nwhat\n```", "no language"),
    "unknown": ("```cobol\nwhat\n```", "cobol"),
    "json": ("```json\n{'id': 1}\n```", "JSONDecodeError"),
    "stray": ("<!-- file: x -->\ntext\n", "a block must follow"),
    "open": ("```python\nx = 1\n", "never ends"),
    "exit": ("```python\nimport sys\nsys.exit(0)\n```", "SystemExit"),
}


def test_a_page_that_holds(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(GOOD)
    done = run(page, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "7 blocks hold; skipped: page.md:" in done.stdout
    assert "(no no-such-program here)" in done.stdout


@pytest.mark.parametrize("fault", BAD)
def test_a_page_that_does_not_hold(fault: str, tmp_path: Path) -> None:
    text, complaint = BAD[fault]
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{text}\n")
    done = run(page, tmp_path)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert "page.md" in done.stderr


def test_a_traceback_names_the_line_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("text\n\n```python\nok = 1\n1 / 0\n```\n")
    assert 'page.md", line 5' in run(page, tmp_path).stderr
