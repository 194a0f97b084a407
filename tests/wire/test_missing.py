"""A missing package is named so that the reader can install it."""

from __future__ import annotations

import sys

import pytest

from bridgekit.wire.missing import missing_package


@pytest.mark.parametrize(
    ("module", "says"),
    [
        ("numpy", "the package 'numpy', which /p does not have; install it there: /p -m pip inst"),
        (
            "yaml",
            "the package 'yaml', which /p does not have; install it there: /p -m pip install Py",
        ),
        ("numpy.strange", "the module 'numpy.strange', which 'numpy' as installed for /p does not"),
        ("tomllib", "the module 'tomllib', which /p does not have: it is part of the standard"),
        ("_speedups", "the module '_speedups', which /p does not have"),
    ],
)
def test_the_reader_learns_what_to_do(module: str, says: str) -> None:
    assert missing_package(module, "/p", standard={"tomllib"}).startswith(says)


def test_this_interpreters_library_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "standard library" in missing_package("tomllib", "/p")
    monkeypatch.delattr(sys, "stdlib_module_names")  # as on CPython 3.9
    assert "pip install tomllib" in missing_package("tomllib", "/p")
