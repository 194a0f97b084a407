"""Show what a backend offers: its methods with their signatures and docstrings."""

from __future__ import annotations

import argparse
import textwrap
from typing import Any

from bridgekit.blocking import ProcessManager
from bridgekit.cli.options import add_backend_options, spawn
from bridgekit.cli.values import for_people, for_programs

__all__ = ["HELP", "add_arguments", "run"]

HELP = "show the methods of a backend"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line of ``bridgekit describe``."""
    add_backend_options(parser)
    parser.add_argument("--openrpc", action="store_true", help="print the OpenRPC document")
    parser.add_argument("--json", action="store_true", help="the OpenRPC document on one line")


def run(arguments: argparse.Namespace) -> int:
    """Carry out ``bridgekit describe``."""
    with ProcessManager() as manager:
        document: dict[str, Any] = spawn(manager, arguments).call("$/describe")
    if arguments.json:
        print(for_programs(document))
    elif arguments.openrpc:
        print(for_people(document))
    else:
        print(_for_people(document))
    return 0


def _for_people(document: dict[str, Any]) -> str:
    info = document["info"]
    blocks = [f"{info['title']} {info['version']}"]
    if info.get("description"):
        blocks.append(info["description"].strip())
    for method in document["methods"]:
        lines = [_signature(method)]
        text = method.get("description") or method.get("summary") or ""
        if text:
            lines.append(textwrap.indent(text.strip(), "    "))
        blocks.append("\n".join(lines))
    if not document["methods"]:
        blocks.append("It offers no methods.")
    return "\n\n".join(blocks)


def _signature(method: dict[str, Any]) -> str:
    words = [_parameter(parameter) for parameter in method.get("params", ())]
    result = _type(method.get("result", {}).get("schema", {}))
    return f"{method['name']}({', '.join(words)})" + (f" -> {result}" if result else "")


def _parameter(parameter: dict[str, Any]) -> str:
    schema = parameter.get("schema", {})
    kind = _type(schema)
    word = f"{parameter['name']}: {kind}" if kind else str(parameter["name"])
    if "default" in schema:
        return f"{word} = {schema['default']!r}"
    return word if parameter.get("required") else f"{word} = ..."


def _type(schema: Any) -> str:
    """Return a JSON Schema as a few words."""
    if not isinstance(schema, dict):
        return ""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " | ".join(filter(None, map(_type, schema[union])))
    if "enum" in schema:
        return " | ".join(map(repr, schema["enum"]))
    kind = schema.get("type", "")
    if isinstance(kind, list):
        return " | ".join(kind)
    if kind == "array" and schema.get("items"):
        return f"array of {_type(schema['items'])}"
    return str(kind)
