"""The backend described as an OpenRPC document (https://spec.open-rpc.org). Loaded on need."""

from __future__ import annotations

import sys

from bridgekit._version import __version__
from bridgekit.backend.annotations import describe as words_for
from bridgekit.backend.annotations import resolve
from bridgekit.backend.schema import Schemas
from bridgekit.backend.signature import MISSING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bridgekit.backend.dispatch import Method

__all__ = ["describe", "documentation", "signature_text"]


def describe(cls: type, methods: dict[str, Method]) -> dict[str, Any]:
    """Return the OpenRPC document of a backend class with these methods."""
    schemas = Schemas()
    described = [_method(method, schemas) for _, method in sorted(methods.items())]
    text = documentation(cls)
    info: dict[str, Any] = {"title": cls.__name__, "version": _version(cls)}
    if text:
        info["description"] = text
    document: dict[str, Any] = {"openrpc": "1.3.2", "info": info, "methods": described}
    if schemas.definitions:
        document["components"] = {"schemas": schemas.definitions}
    document["x-bridgekit"] = __version__
    return document


def _version(cls: type) -> str:
    module = sys.modules.get(cls.__module__)
    for holder in (cls, module):
        version = getattr(holder, "__version__", None)
        if isinstance(version, str):
            return version
    return "0.0.0"


def documentation(thing: Any) -> str:
    """Return a docstring without its indentation; nothing for an inherited one."""
    text = thing.__dict__.get("__doc__") if isinstance(thing, type) else thing.__doc__
    if type(text) is not str or not text.strip():
        return ""
    first, *rest = text.strip().expandtabs().splitlines()
    margin = min((len(line) - len(line.lstrip()) for line in rest if line.strip()), default=0)
    return "\n".join([first, *(line[margin:].rstrip() for line in rest)])


def _method(method: Method, schemas: Schemas) -> dict[str, Any]:
    signature, function = method.signature, method.raw
    params = []
    for parameter in signature.parameters:
        described: dict[str, Any] = {
            "name": parameter.name,
            "required": parameter.default is MISSING,
            "schema": schemas.of(parameter.annotation, function),
        }
        if parameter.default is not MISSING and _is_plain(parameter.default):
            described["schema"]["default"] = parameter.default
        params.append(described)
    # Required ones first, as the specification wants them.
    params.sort(key=lambda each: not each["required"])
    result: dict[str, Any] = {"name": "result", "schema": schemas.of(signature.returns, function)}
    text = documentation(function)
    document: dict[str, Any] = {"name": method.name, "params": params, "result": result}
    if text:
        document["summary"] = text.split("\n\n", 1)[0].replace("\n", " ")
        document["description"] = text
    keyword_only = any(parameter.keyword_only for parameter in signature.parameters)
    document["paramStructure"] = "by-name" if keyword_only else "either"
    document["x-signature"] = signature_text(method)
    for name, said in (
        ("x-stream", method.streams),
        ("x-concurrent", method.marks.concurrent or method.lane == "async"),
        ("x-idempotent", method.marks.idempotent),
        ("x-additional-params", signature.double_star is not None or signature.star is not None),
    ):
        if said:
            document[name] = True
    return document


def _is_plain(value: Any, depth: int = 0) -> bool:
    if value is None or type(value) in (bool, int, str):
        return True
    if type(value) is float:
        return value - value == 0
    if depth < 4 and type(value) is list:
        return all(_is_plain(each, depth + 1) for each in value)
    return (
        depth < 4
        and type(value) is dict
        and all(type(key) is str and _is_plain(each, depth + 1) for key, each in value.items())
    )


def signature_text(method: Method) -> str:
    """Return a method's signature as a person writes it, without ``self``."""
    signature = method.signature
    parts: list[str] = []
    starred = False
    for parameter in signature.parameters:
        if parameter.keyword_only and not starred:
            starred = True
            parts.append("*" + (signature.star or ""))
        text = parameter.name
        hint = _hint(parameter.annotation, method)
        if hint:
            text += f": {hint}"
        if parameter.default is not MISSING:
            text += f"{' = ' if hint else '='}{_short(parameter.default)}"
        parts.append(text)
    if signature.star and not starred:
        parts.append("*" + signature.star)
    if signature.double_star:
        parts.append("**" + signature.double_star)
    returns = _hint(signature.returns, method)
    return f"{method.name}({', '.join(parts)})" + (f" -> {returns}" if returns else "")


def _hint(annotation: Any, method: Method) -> str:
    if annotation is MISSING:
        return ""
    if type(annotation) is str:
        return annotation
    return words_for(resolve(annotation, method.raw)).replace(" or ", " | ")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
