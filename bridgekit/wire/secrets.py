"""Which names stand for secrets, whose values belong into no log and no error.

A name is all there is to go by: ``API_TOKEN`` in an environment, ``password`` among a call's
parameters, ``--client-secret`` on a command line. Loaded when there is something to tell.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["HIDDEN", "is_secret", "redacted"]

HIDDEN = "***"
"""What stands in the place of a secret."""

_WORDS = frozenset(
    (
        "apikey", "authorization", "cookie", "credential", "credentials", "passphrase", "passwd",
        "password", "passwort", "pin", "pwd", "secret", "secrets", "token",
    )
)  # fmt: skip
_KEYS = frozenset(("access", "account", "api", "auth", "encryption", "private", "signing"))
"""What makes a secret of a word ``key`` behind it."""
_ENDINGS = ("password", "passphrase", "secret", "token", "apikey", "accesskey", "privatekey")


def is_secret(name: str) -> bool:
    """Whether ``name``, of a variable, a parameter or an option, says that it is a secret."""
    if name == "PWD":  # the shell's working directory (POSIX), which every traceback shows
        return False
    words = _words(name)
    if not _WORDS.isdisjoint(words):
        return True
    if any(one in _KEYS and two == "key" for one, two in zip(words, words[1:])):
        return True
    return words[-1:] != [] and words[-1].endswith(_ENDINGS)


def redacted(value: Any) -> Any:
    """Return plain ``value`` with what stands under the names of secrets replaced, at any depth."""
    if type(value) is dict:
        return {
            key: HIDDEN if type(key) is str and is_secret(key) else redacted(each)
            for key, each in value.items()
        }
    return [redacted(each) for each in value] if type(value) is list else value


def _words(name: str) -> list[str]:
    """``"clientSecret_v2"`` as ``["client", "secret", "v2"]``."""
    parts: list[str] = [""]
    before = ""
    for char in name:
        if not char.isalnum():
            parts.append("")
        elif char.isupper() and before.islower():
            parts.append(char.lower())
        else:
            parts[-1] += char.lower()
        before = char
    return [part for part in parts if part]
