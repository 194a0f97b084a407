"""Fuzz the decoders: coverage-guided with atheris where it installs, else by random mutation.

A target is a file ``fuzz/fuzz_NAME.py`` with a function ``one_input(data: bytes) -> None`` that
raises whatever the decoders must never raise; its seeds lie in ``fuzz/corpus/NAME/``. Adding a
target is adding the file. An input that fails is kept in ``fuzz-crashes/``; move it to the
corpus once it is understood, and it is tried first from then on.

    python -m fuzz --seconds 20              every target, sharing the time; the same as:
    python fuzz/run.py --seconds 20          every target, sharing the time
    python fuzz/run.py null --seconds 600    one target
    python fuzz/run.py null crash-file       one input again
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CRASHES = ROOT / "fuzz-crashes"
TOKENS = (
    b"\0", b"\n", b"\r\n", b"\r\n\r\n", b"{", b"}", b"[", b"]", b'"', b"\\u0000", b"\\ud800", b":",
    b",", b"null", b"true", b"NaN", b"1e999", b"-1", b"9007199254740993", b"Content-Length: ",
    b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\x00\x00\x00\x04", b"\xff\xff\xff\xff", b'"id":',
    b'"status":', b'"cmd":', b'"params":', b'"result":', b'"jsonrpc":"2.0"', b'"method":',
)  # fmt: skip


def main() -> int:
    """Fuzz each target named, or all; the exit status is 1 when an input failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("target", nargs="?", help="one target (default: all)")
    parser.add_argument("input", nargs="?", type=Path, help="run this input alone")
    parser.add_argument("--seconds", type=float, default=60.0, help="in total (default: 60)")
    parser.add_argument("--engine", choices=["atheris", "mutation"], help="default: the best")
    parser.add_argument("--seed", type=int, default=None, help="repeat a run by mutation")
    args = parser.parse_args()
    engine = args.engine or ("atheris" if importlib.util.find_spec("atheris") else "mutation")
    if args.input is not None:
        load(args.target)(args.input.read_bytes())
        return 0
    if args.target is None:
        return _all(targets(), engine, args.seconds, args.seed)
    CRASHES.mkdir(exist_ok=True)
    run = with_atheris if engine == "atheris" else by_mutation
    return run(args.target, args.seconds, args.seed)


def targets() -> list[str]:
    """The names of all targets, found by looking into the folder."""
    return sorted(path.stem.removeprefix("fuzz_") for path in HERE.glob("fuzz_*.py"))


def seeds(target: str) -> list[Path]:
    """The seed inputs of a target."""
    return sorted(path for path in (HERE / "corpus" / target).glob("*") if path.is_file())


def load(target: str) -> Callable[[bytes], None]:
    """Import a target by its name and return its function."""
    if str(ROOT) not in sys.path:  # a target finds the package, and what targets share
        sys.path.insert(0, str(ROOT))
    spec = importlib.util.spec_from_file_location(f"fuzz_{target}", HERE / f"fuzz_{target}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[[bytes], None] = module.one_input
    return function


def _all(names: list[str], engine: str, seconds: float, seed: int | None) -> int:
    if not names:
        print("there are no fuzz targets", file=sys.stderr)
        return 1
    failed = []
    for name in names:
        command = [sys.executable, str(HERE / "run.py"), name, "--engine", engine]
        command += ["--seconds", str(seconds / len(names))]
        command += [] if seed is None else ["--seed", str(seed)]
        if subprocess.run(command, cwd=HERE.parent, check=False).returncode:
            failed.append(name)
    print(f"fuzzing ({engine}): {len(names) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def with_atheris(target: str, seconds: float, seed: int | None) -> int:
    """Let libFuzzer look for inputs that reach new code; does not return on success either."""
    import atheris

    with atheris.instrument_imports(include=["bridgekit"]):
        one_input = load(target)
    print(f"fuzz {target}: atheris, {seconds:.0f} s, {len(seeds(target))} seeds", flush=True)
    found = tempfile.mkdtemp(prefix=f"fuzz-{target}-")
    options = [
        f"-max_total_time={max(1, round(seconds))}",
        f"-artifact_prefix={CRASHES}/{target}-",
        "-timeout=10",
        "-rss_limit_mb=1024",
        "-print_final_stats=0",
        "-verbosity=0",
    ]
    if seed is not None:
        options.append(f"-seed={seed}")
    corpus = HERE / "corpus" / target
    folders = [found, str(corpus)] if corpus.is_dir() else [found]
    atheris.Setup([sys.argv[0], *options, *folders], one_input)
    atheris.Fuzz()
    return 0


def by_mutation(target: str, seconds: float, seed: int | None) -> int:
    """Try every seed, then seeds spoilt at random, until the time is over."""
    one_input = load(target)
    corpus = [path.read_bytes() for path in seeds(target)] or [b""]
    seed = random.randrange(2**32) if seed is None else seed
    chance = random.Random(seed)
    print(
        f"fuzz {target}: random mutation (atheris is not installed), {seconds:.0f} s, "
        f"{len(corpus)} seeds, --seed {seed}",
        flush=True,
    )
    deadline = time.monotonic() + seconds
    tried = 0
    while tried < len(corpus) or time.monotonic() < deadline:
        data = corpus[tried] if tried < len(corpus) else mutate(chance, corpus)
        tried += 1
        try:
            one_input(data)
        except BaseException:
            path = CRASHES / f"{target}-crash-{hashlib.sha256(data).hexdigest()[:16]}"
            path.write_bytes(data)
            print(f"fuzz {target}: failed after {tried} inputs, kept as {path.name}", flush=True)
            raise
    print(f"fuzz {target}: {tried} inputs, none failed", flush=True)
    return 0


def mutate(chance: random.Random, corpus: list[bytes]) -> bytes:
    """Spoil one seed a few times: flip, insert, delete, repeat, cross with another."""
    data = bytearray(chance.choice(corpus))
    for _ in range(chance.randint(1, 8)):
        at = chance.randint(0, len(data))
        end = min(len(data), at + chance.randint(1, 16))
        kind = chance.randrange(6)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[at:at] = chance.choice(TOKENS)
        elif kind == 2:
            del data[at:end]
        elif kind == 3:
            data[at:at] = data[at:end] * chance.randint(1, 64)
        elif kind == 4:
            other = chance.choice(corpus)
            data[at:] = other[chance.randint(0, len(other)) :]
        else:
            data[at:end] = chance.randbytes(chance.randint(0, 16))
    return bytes(data)


if __name__ == "__main__":
    sys.exit(main())
