"""What to say of a package that an interpreter does not have. Loaded when one is missing.

An interpreter that bridgekit is lent to has the backend's packages only if somebody installed
them there, so whoever reads such an error needs three things: which package, which interpreter,
and the command that brings them together.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Optional

__all__ = ["missing_package"]

_SOLD_AS = {
    "Crypto": "pycryptodome",
    "OpenSSL": "pyOpenSSL",
    "PIL": "Pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "fitz": "PyMuPDF",
    "git": "GitPython",
    "jwt": "PyJWT",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "usb": "pyusb",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}
"""Packages that many know by a name which is not the one they are installed by."""


def missing_package(module: str, python: str, *, standard: Optional[Collection[str]] = None) -> str:
    """Return what completes "it needs ...": the package, the interpreter, and what to do.

    ``module`` is the name that an import did not find, ``python`` the interpreter's path.
    ``standard`` are the modules of a standard library (default: this interpreter's own).
    """
    package, _, below = module.partition(".")
    if below:  # Python names the first part that is missing, so what is above it is there
        return (
            f"the module {module!r}, which {package!r} as installed for {python} does not have; "
            f"another version of it may, or a file named {package}.py hides it"
        )
    if standard is None:
        standard = getattr(sys, "stdlib_module_names", ())
    if package in standard:
        return (
            f"the module {package!r}, which {python} does not have: it is part of the standard "
            "library of newer Pythons, or of complete ones; name another interpreter"
        )
    if package.startswith("_"):
        return f"the module {package!r}, which {python} does not have"
    name = _SOLD_AS.get(package, package)
    return (
        f"the package {package!r}, which {python} does not have; "
        f"install it there: {python} -m pip install {name}"
    )
