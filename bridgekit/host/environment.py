"""The environment a backend is started with: a short allow-list plus what its spec names.

A host's environment holds secrets (tokens, proxies with passwords, other programs' settings)
that a backend has no use for, so only what a program needs to find its files, its language and
its libraries is passed on. Whatever else a backend needs is named by whoever starts it.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Mapping

__all__ = ["ALLOWED", "PYTHON_ALLOWED", "child_environment"]

ALLOWED = (
    # where things are
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "TMPDIR", "TEMP", "TMP", "XDG_*",
    # language and time
    "LANG", "LANGUAGE", "LC_*", "TZ", "TZDIR", "TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR",
    # shared libraries, certificates, devices
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "CUDA_*", "NVIDIA_*", "ROCR_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
    # desktop
    "DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS",
    # Python
    "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONUTF8", "PYTHONWARNINGS", "PYTHONDEVMODE",
    "PYTHONFAULTHANDLER", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX",
    "PYTHONNOUSERSITE", "PYTHONMALLOC", "PYTHONTRACEMALLOC", "PYTHONPROFILEIMPORTTIME",
    # Windows cannot start most programs without these
    "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "PROGRAMDATA", "PROGRAMFILES",
    "PROGRAMFILES(X86)", "PROGRAMW6432", "COMMONPROGRAMFILES", "APPDATA", "LOCALAPPDATA",
    "USERPROFILE", "USERNAME", "HOMEDRIVE", "HOMEPATH", "NUMBER_OF_PROCESSORS",
    "PROCESSOR_ARCHITECTURE", "ALLUSERSPROFILE", "PUBLIC",
)  # fmt: skip
"""Names (``*`` at the end matches any rest) that every backend inherits where they are set."""

PYTHON_ALLOWED = ("PYTHONPATH", "PYTHONHOME", "PYTHONPLATLIBDIR")
"""Inherited only by a backend that runs on the host's own interpreter: another version would
import the wrong packages through them."""

_EXACT = frozenset(name for name in ALLOWED if not name.endswith("*"))
_PREFIXES = tuple(name[:-1] for name in ALLOWED if name.endswith("*"))


def child_environment(
    extra: Mapping[str, str | None] | None = None,
    *,
    inherit: Iterable[str] = (),
    base: Mapping[str, str] | None = None,
    same_python: bool = False,
) -> dict[str, str]:
    """Return the environment of a child process.

    ``inherit`` names more variables of ``base`` (default: this process's environment) to pass
    on; shell patterns work and ``"*"`` passes everything. ``extra`` is set on top; a value of
    None removes the name. ``same_python`` lets the variables through that say where this
    interpreter's packages are. ``BRIDGEKIT_*`` of this process is never inherited: it describes
    this process's own wire.
    """
    source = os.environ if base is None else base
    patterns = tuple(inherit)
    # By name first: reading a value of os.environ takes several steps.
    names = [
        name
        for name in source
        if ((upper := name.upper()) in _EXACT or upper.startswith(_PREFIXES))
        or (same_python and name in PYTHON_ALLOWED)
        or (patterns and any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns))
    ]
    chosen = {
        name: value
        for name in names
        if not name.startswith("BRIDGEKIT_") and (value := source.get(name)) is not None
    }
    for name, wanted in (extra or {}).items():
        if wanted is None:
            chosen.pop(name, None)
        else:
            chosen[name] = wanted
    return chosen
