"""Specs from a mapping or from the text of ``bridgekit.toml``: ``[backends.NAME]`` tables.

Whatever is wrong is named with the table it stands in. Reading the file is the caller's part;
``folder`` says where it lies, because relative paths in it start there.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from typing import Any

import attrs

from bridgekit.policy.spec import BackendSpec
from bridgekit.policy.suggest import check_keys

__all__ = ["spec_from_mapping", "specs_from_mapping", "specs_from_toml"]


_FIELDS = tuple(field.name for field in attrs.fields(BackendSpec))


def spec_from_mapping(
    name: str, fields: Mapping[str, Any], folder: str | None = None
) -> BackendSpec:
    """Build the spec of the backend ``name`` from its ``fields``.

    Raises ValueError that names the backend, the field, its value and what is allowed.
    """
    where = f"[backends.{name}]"
    if not isinstance(fields, Mapping):
        raise ValueError(f"{where} must be a table of fields, not {fields!r}")
    check_keys(where, fields, _FIELDS)
    if "target" not in fields:
        raise ValueError(f"{where} needs a 'target': the script or command to run")
    options = {"name": name, **fields}
    if folder is not None:
        options["cwd"] = _below(folder, options.get("cwd") or "")
        if _is_path(options.get("python")):
            options["python"] = _below(folder, options["python"])
    try:
        return BackendSpec(options.pop("target"), **options)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def specs_from_mapping(
    mapping: Mapping[str, Any], folder: str | None = None
) -> dict[str, BackendSpec]:
    """Build every spec of ``{"backends": {name: fields}}``, in order.

    Relative paths start at ``folder``, as far as it is given. Raises ValueError as
    :func:`spec_from_mapping`.
    """
    if not isinstance(mapping, Mapping):
        raise ValueError(f"the configuration must be a table, not {mapping!r}")
    check_keys("the configuration", mapping, ["backends"])
    backends = mapping.get("backends", {})
    if not isinstance(backends, Mapping):
        raise ValueError(f"'backends' must be a table of backends, not {backends!r}")
    specs: dict[str, BackendSpec] = {}
    taken: dict[str | None, str] = {}
    for table, fields in backends.items():
        spec = specs[table] = spec_from_mapping(table, fields, folder)
        if (other := taken.setdefault(spec.name, table)) != table:
            raise ValueError(
                f"[backends.{table}]: name={spec.name!r} is not allowed: [backends.{other}] has it"
            )
    return specs


def specs_from_toml(
    text: str, source: str = "bridgekit.toml", folder: str | None = None
) -> dict[str, BackendSpec]:
    """Build every spec of a TOML document; ``source`` is named in errors.

    Each table ``[backends.NAME]`` holds the fields of one; relative paths start at ``folder``, the
    directory of the file. Raises ValueError for whatever is wrong in it.
    """
    try:
        return specs_from_mapping(tomllib.loads(text), folder)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None


def _is_path(value: object) -> bool:
    """Whether an interpreter is named by a path; a bare word is looked up on PATH."""
    return isinstance(value, str) and ("/" in value or os.sep in value)


def _below(folder: str, path: Any) -> Any:
    if not isinstance(path, str):
        return path
    return os.path.normpath(os.path.join(folder, path))
