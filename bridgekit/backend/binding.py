"""The thorough look at a call's parameters, for calls that the quick one does not let through.

Names, counts and types are checked with what was worked out when the method was first looked
at closely; a complaint names the method, the parameter, what came and what is expected.
"""

from __future__ import annotations

from bridgekit.backend.annotations import Mismatch, check_for, resolve
from bridgekit.backend.signature import MISSING
from bridgekit.errors import InvalidParams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    from bridgekit.backend.dispatch import Method

__all__ = ["Binder", "binder_of", "explain_type_error"]


def binder_of(method: Method) -> Binder:
    """Return the method's binder, made on first use."""
    if method.binder is None:
        method.binder = Binder(method)
    return method.binder  # type: ignore[no-any-return]


class Binder:
    """Turns the parameters of one method's calls into arguments."""

    def __init__(self, method: Method) -> None:
        signature = method.signature
        self.name = method.name
        self.names = [each.name for each in signature.parameters]
        self.known = frozenset(self.names)
        self.positional = [each.name for each in signature.parameters if not each.keyword_only]
        self.required = [each.name for each in signature.parameters if each.default is MISSING]
        self.star, self.double_star = signature.star, signature.double_star
        self.defaults = {each.name: each.default for each in signature.parameters}
        self.checks = {
            each.name: check
            for each in signature.parameters
            if each.annotation is not MISSING
            and (check := check_for(resolve(each.annotation, method.raw))) is not None
        }
        self.star_checks = {
            name: check
            for name, note in signature.star_annotations.items()
            if (check := check_for(resolve(note, method.raw))) is not None
        }

    def bind(self, params: Any) -> tuple[list[Any], dict[str, Any]]:
        """Return positional and keyword arguments; raises InvalidParams."""
        if params is None:
            params = {}
        if type(params) is list:
            extra, named = self._place(params)
        else:
            extra, named = [], params
        self._check_names(named, placed=type(params) is list)
        if extra:  # *args can only be reached past every positional parameter
            check = self.star_checks.get(self.star or "")
            front = [self._checked(name, named[name]) for name in self.positional]
            start = len(front)
            rest = [
                self._checked(f"{self.star}[{index}]", value, check)
                for index, value in enumerate(extra)
            ]
            return front[:start] + rest, {}
        return [], {name: self._checked(name, value) for name, value in named.items()}

    def _place(self, params: list[Any]) -> tuple[list[Any], dict[str, Any]]:
        most = len(self.positional)
        if len(params) > most and self.star is None:
            takes = "none" if not most else f"at most {most} ({', '.join(self.positional)})"
            raise self._error(f"{len(params)} positional parameters came; it takes {takes}")
        return params[most:], dict(zip(self.positional, params))

    def _check_names(self, named: dict[str, Any], placed: bool) -> None:
        if self.double_star is None:
            unknown = [name for name in named if name not in self.known]
        else:
            unknown = [name for name in named if name == "self" and name not in self.known]
        missing = [name for name in self.required if name not in named]
        if not unknown and not missing:
            return
        said = []
        if unknown:
            from bridgekit.backend.similar import hint

            meant = hint(unknown[0], [name for name in self.names if name not in named])
            said.append(f"unknown {_plural(unknown)} {_quoted(unknown)}{meant and f' ({meant})'}")
        if missing:
            said.append(f"missing {_plural(missing)} {_quoted(missing)}")
        takes = _quoted(self.names) if self.names else "none"
        if self.double_star is not None:
            takes += " and any other"
        raise self._error(f"{', '.join(said)}; it takes {takes}")

    def _checked(self, name: str, value: Any, check: Any = None) -> Any:
        if check is None:
            check = self.checks.get(name)
            if check is None:
                if name in self.known or self.double_star is None:
                    return value
                check = self.star_checks.get(self.double_star)
                if check is None:
                    return value
        try:
            return check(value)
        except Mismatch as error:
            default = self.defaults.get(name, MISSING)
            if value is None and default is None:
                return None  # ``x: int = None``, as people write it
            from bridgekit.wire.secrets import is_secret, redacted

            where = f"parameter {name + error.place!r}"
            if is_secret(name + error.place):
                expected = f" must be {error.expected}" if error.expected else " does not fit"
                raise self._error(
                    f"{where}{expected}; what came is not shown, for by its name it is a secret"
                ) from None
            if not error.expected:
                raise self._error(f"{where}: {error.why}") from None
            tail = f" ({error.why})" if error.why else ""
            raise self._error(
                f"{where} must be {error.expected}, not {_shown(redacted(error.value))}{tail}"
            ) from None

    def _error(self, what: str) -> InvalidParams:
        return InvalidParams(f"{self.name}(): {what}", method=self.name, code="invalid_params")


def explain_type_error(method: Method, params: Any) -> Optional[InvalidParams]:
    """Return what is wrong with ``params``, if that is why calling raised a TypeError."""
    try:
        binder_of(method).bind(params)
    except InvalidParams as error:
        return error
    return None


def _plural(names: list[str]) -> str:
    return "parameter" if len(names) == 1 else "parameters"


def _quoted(names: list[str]) -> str:
    shown = ", ".join(repr(name) if len(name) < 60 else repr(name[:60]) for name in names[:20])
    return shown + (", ..." if len(names) > 20 else "")


def _shown(value: Any) -> str:
    kind = {type(None): "null", dict: "object", list: "array"}.get(type(value))
    if value is None:
        return "null"
    text = repr(value)
    if len(text) > 60:
        text = text[:57] + "..."
    return f"{text} ({kind or type(value).__name__})"
