"""Keeps the secrets that backends are started with out of logs and errors.

What a backend writes to its stderr, a traceback or a command line may hold a password that it
was given. Every value that a launch passes under the name of a secret is remembered here, for
all backends of this process alike, and replaced wherever bridgekit logs text or puts it into an
error. Results and events are the application's own and stay as they are.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Mapping, Sequence

from bridgekit.wire.secrets import HIDDEN, is_secret

__all__ = ["hide", "hide_end", "learn", "secrets_in"]

_SHORTEST = 6
"""Characters of a secret; to replace shorter ones would mangle ordinary text."""
_MOST = 1000

_IN_URL = re.compile(r"://[^/?#@\s:]*:([^/?#@\s]+)@")

_by_name = functools.lru_cache(4096)(is_secret)  # an environment has much the same names
_lock = threading.Lock()
_known: dict[str, None] = {}
_pattern: re.Pattern[str] | None = None


def secrets_in(env: Mapping[str, str], argv: Sequence[str]) -> set[str]:
    """Return the values that are secrets by their names: variables, ``--name=x``, ``--name x``.

    Of an address with a password (``postgres://user:password@host``) it is the password.
    """
    named = list(env.items())
    for word, after in zip(argv, [*argv[1:], ""], strict=False):
        name, equals, value = word.partition("=")
        if equals:
            named.append((name, value))
        elif word.startswith("-"):
            named.append((word, after))
    found = {value for name, value in named if _by_name(name)}
    for text in (*env.values(), *argv):
        if "://" in text:
            found.update(_IN_URL.findall(text))
    return {value for value in found if len(value) >= _SHORTEST}


def learn(env: Mapping[str, str], argv: Sequence[str]) -> None:
    """Remember the secrets of one launch; of all launches, the last 1000."""
    global _pattern
    found = secrets_in(env, argv)
    if found <= _known.keys():
        return
    with _lock:
        for value in found:
            _known.pop(value, None)
            _known[value] = None
        while len(_known) > _MOST:
            del _known[next(iter(_known))]
        # As bytes too, which Tail looks at as if they were Latin-1.
        both = {
            *_known,
            *(value.encode("utf-8", "surrogateescape").decode("latin-1") for value in _known),
        }
        longest_first = sorted(both, key=len, reverse=True)
        _pattern = re.compile("|".join(map(re.escape, longest_first)))


def hide(text: str) -> str:
    """Return ``text`` with every secret that was learnt replaced."""
    pattern = _pattern
    return text if pattern is None else pattern.sub(HIDDEN, text)


def hide_end(text: str, most: int) -> str:
    """Return the last ``most`` characters of ``text``, or fewer: no secret is cut in half."""
    pattern = _pattern
    start = max(0, len(text) - most)
    if pattern is None:
        return text[start:]
    for match in pattern.finditer(text):
        if match.start() >= start:
            break
        start = max(start, match.end())
    return pattern.sub(HIDDEN, text[start:])
