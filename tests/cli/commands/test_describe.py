"""``bridgekit describe``."""

from __future__ import annotations

import json

import pytest

from bridgekit.cli.commands.describe import _for_people, _signature, _type
from tests.cli.support import MENU, bridgekit


def test_for_people():
    done = bridgekit("describe", MENU)
    assert done.returncode == 0, done.stderr
    assert "add(a: integer, b: integer = 10) -> integer" in done.stdout
    assert "    Add two numbers.\n\n    The second one has a default." in done.stdout
    assert "shout(text: string) -> string" in done.stdout


def test_openrpc_and_json_are_the_same_document():
    pretty = bridgekit("describe", MENU, "--openrpc").stdout
    line = bridgekit("describe", MENU, "--json").stdout
    assert json.loads(pretty) == json.loads(line)
    assert line.count("\n") == 1
    assert json.loads(line)["openrpc"].startswith("1.")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, ""),
        (True, ""),
        ({"type": "array"}, "array"),
        ({"type": "array", "items": {"type": "string"}}, "array of string"),
        ({"type": ["string", "null"]}, "string | null"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string | null"),
        ({"enum": ["a", 1]}, "'a' | 1"),
        ({"$ref": "#/components/schemas/Line"}, "Line"),
    ],
)
def test_schemas_in_words(schema, words):
    assert _type(schema) == words


def test_signatures():
    optional = {"name": "b", "schema": {}}
    assert _signature({"name": "f", "params": [optional]}) == "f(b = ...)"


def test_a_backend_without_methods():
    document = {"info": {"title": "Empty", "version": "1"}, "methods": []}
    assert _for_people(document) == "Empty 1\n\nIt offers no methods."
