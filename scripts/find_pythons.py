"""Print every CPython of this machine, one `3.12 /path/to/python` line per minor version.

Looks along PATH and asks pyenv, whose shims stand on PATH without always working. Standard
library only and at home on any Python 3, because it runs before anything is installed:

    python3 scripts/find_pythons.py --minimum 3.11 --venv
"""

from __future__ import annotations

import argparse
import glob
import os
import shutil
import subprocess
import sys

PROBE = """
import os, sys
try:
    import ensurepip, venv
    can = 1
except ImportError:
    can = 0
free_threaded = 't' in getattr(sys, 'abiflags', '')
print(sys.implementation.name, '%d.%d' % sys.version_info[:2], can, int(free_threaded))
print(os.path.realpath(sys.executable))
"""


def main() -> int:
    """Print what was found; the exit status is 1 where nothing was."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--minimum", default="3.0", help="oldest version to print")
    parser.add_argument("--only", help="print the path of this version alone, as in 3.9")
    parser.add_argument("--venv", action="store_true", help="only those that can make a venv")
    args = parser.parse_args()
    found = find(need_venv=args.venv)
    if args.only:
        if args.only in found:
            print(found[args.only])
        return 0 if args.only in found else 1
    chosen = [version for version in found if _key(version) >= _key(args.minimum)]
    for version in sorted(chosen, key=_key):
        print(version, found[version])
    return 0 if chosen else 1


def find(need_venv: bool = False) -> dict[str, str]:
    """Map minor versions to interpreters; the first found of a version wins."""
    found: dict[str, str] = {}
    for candidate in _candidates():
        probed = _probe(candidate)
        if probed is None:
            continue
        version, executable, can_make_venv = probed
        if can_make_venv or not need_venv:
            found.setdefault(version, executable)
    return found


def _candidates() -> list[str]:
    paths = []
    for folder in os.get_exec_path():
        names = glob.glob(os.path.join(glob.escape(folder), "python3*"))
        paths += sorted(name for name in names if _is_interpreter(os.path.basename(name)))
    paths += _pyenv()
    return list(dict.fromkeys(paths))


def _is_interpreter(name: str) -> bool:
    rest = name[len("python3") :]
    return rest == "" or (rest.startswith(".") and rest[1:].isdigit())


def _pyenv() -> list[str]:
    pyenv = shutil.which("pyenv")
    if pyenv is None:
        return []
    paths = []
    for version in _output([pyenv, "versions", "--bare"]).split():
        prefix = _output([pyenv, "prefix", version]).strip()
        if prefix:
            paths.append(os.path.join(prefix, "bin", "python"))
    return paths


def _probe(candidate: str) -> tuple[str, str, bool] | None:
    lines = _output([candidate, "-I", "-c", PROBE]).splitlines()
    if len(lines) != 2:
        return None
    name, version, can_make_venv, free_threaded = lines[0].split()
    if name != "cpython" or free_threaded == "1":
        return None
    return version, lines[1], can_make_venv == "1"


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


if __name__ == "__main__":
    sys.exit(main())
