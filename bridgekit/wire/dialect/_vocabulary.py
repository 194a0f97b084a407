"""The native vocabulary as plain objects: commands one way, statuses and events the other.

docs/protocol.md is its text. A host that never says ``$/hello`` sees exactly the frames of the
null-byte bridges that came before; what is new travels in events tied to a call by ``call``.
"""

from __future__ import annotations

from bridgekit.errors import DecodeError
from bridgekit.wire.messages import (
    Cancel,
    Event,
    Failure,
    Malformed,
    Request,
    Response,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from bridgekit.wire.messages import Message

__all__ = ["Vocabulary", "malformed", "show"]


class Vocabulary:
    """The native vocabulary as one side speaks and hears it."""

    def __init__(self, role: str) -> None:
        backend = role == "backend"
        self.speaks_requests = not backend
        self.decode: Callable[[Any, list[Message]], None]
        self.decode = _decode_command if backend else _decode_status
        self._request = _backend_request if backend else _host_request
        self._response = _backend_response if backend else _host_response
        self._failure = _backend_failure if backend else _host_failure
        self.preamble = b""

    def encode(self, message: Message) -> dict[str, Any]:
        """Return the plain object that means ``message``."""
        kind = type(message)
        if kind is Response:
            return self._response(message)  # type: ignore[arg-type]
        if kind is Request:
            return self._request(message)  # type: ignore[arg-type]
        if kind is Event:
            return _event(message)  # type: ignore[arg-type]
        if kind is Failure:
            return self._failure(message)  # type: ignore[arg-type]
        if kind is Cancel:
            return {"cmd": "$/cancel", "params": {"id": message.id}}  # type: ignore[union-attr]
        raise TypeError(f"{message!r} cannot be sent")

    def ready(self, info: Any) -> dict[str, Any]:
        """Return the object by which a backend announces itself."""
        return _backend_response(Response(0, info))


def _decode_command(value: Any, out: list[Message]) -> None:
    """What a host says."""
    if type(value) is not dict:
        out.append(malformed("a command must be an object", value, None))
        return
    call_id = value.get("id")
    method = value.get("cmd")
    if type(method) is not str:
        why = '"cmd" must be text' if "cmd" in value else 'a command needs "cmd"'
        out.append(malformed(why, value, call_id))
        return
    params = value.get("params")
    if params is not None and type(params) is not dict and type(params) is not list:
        why = f'"params" of {method!r} must be an object, an array or null'
        out.append(malformed(why, params, call_id))
        return
    if call_id is None and method.startswith("$/") and type(params) is dict:
        if method == "$/cancel" and "id" in params:
            out.append(Cancel(params["id"]))
            return
        if method == "$/reply":
            _decode_outcome(params, params.get("call"), out)
            return
    out.append(Request(call_id, method, params, value.get("timeout")))


def _decode_status(value: Any, out: list[Message]) -> None:
    """What a backend says."""
    if type(value) is not dict:
        out.append(malformed("a frame must be an object", value, None))
        return
    if value.get("status") != "event":
        _decode_outcome(value, value.get("id"), out)
        return
    topic = value.get("cmd")
    if type(topic) is not str:
        out.append(malformed('an event needs its topic as text in "cmd"', value, None))
    elif topic == "$/call":
        inner = value.get("result")
        if type(inner) is not dict or type(inner.get("cmd")) is not str:
            out.append(malformed('"$/call" needs "cmd" in its result', value, None))
        else:
            out.append(Request(value.get("call"), inner["cmd"], inner.get("params")))
    else:
        out.append(Event(topic, value.get("result"), value.get("call")))


def _decode_outcome(value: dict[str, Any], call_id: Any, out: list[Message]) -> None:
    status = value.get("status")
    if status == "success":
        out.append(Response(call_id, value.get("result")))
    elif status == "error":
        get = value.get
        error, kind, traceback = get("error"), get("type"), get("traceback")
        out.append(
            Failure(
                call_id,
                error if isinstance(error, str) else show(error),
                get("code"),
                get("data"),
                kind if isinstance(kind, str) else None,
                traceback if isinstance(traceback, str) else None,
            )
        )
    else:
        why = '"status" must be "success", "error" or "event"'
        out.append(malformed(why, value, call_id))


def malformed(why: str, value: Any, call_id: Any) -> Malformed:
    """Return what stands for a value that is no message."""
    return Malformed(DecodeError(f"{why}; got {show(value)}", code="invalid_request"), call_id)


def show(value: Any) -> str:
    """Return a short text about a value of any size."""
    if isinstance(value, dict):
        names = [repr(key[:40] if isinstance(key, str) else key)[:60] for key in list(value)[:6]]
        more = ", ..." if len(value) > 6 else ""
        return f"an object with {', '.join(names)}{more}" if names else "an empty object"
    if isinstance(value, list):
        return f"an array of {len(value)}"
    if isinstance(value, (str, bytes)):
        return repr(value[:60]) + ("..." if len(value) > 60 else "")
    if isinstance(value, int) and value.bit_length() > 256:
        return "a very long number"
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true" if value else "false"
    return repr(value)


def _host_request(message: Request) -> dict[str, Any]:
    value: dict[str, Any] = {} if message.id is None else {"id": message.id}
    value["cmd"] = message.method
    if message.params is not None:
        value["params"] = message.params
    if message.timeout is not None:
        value["timeout"] = message.timeout
    return value


def _backend_request(message: Request) -> dict[str, Any]:
    inner = {"cmd": message.method}
    if message.params is not None:
        inner["params"] = message.params
    return {"cmd": "$/call", "status": "event", "result": inner, "call": message.id}


def _backend_response(message: Response) -> dict[str, Any]:
    return {"id": message.id, "status": "success", "result": message.result}


def _host_response(message: Response) -> dict[str, Any]:
    params = {"call": message.id, "status": "success", "result": message.result}
    return {"cmd": "$/reply", "params": params}


def _failure_fields(message: Failure, value: dict[str, Any]) -> dict[str, Any]:
    value["status"] = "error"
    value["error"] = message.error
    for name in ("traceback", "type", "code", "data"):
        field = getattr(message, name)
        if field is not None:
            value[name] = field
    return value


def _backend_failure(message: Failure) -> dict[str, Any]:
    return _failure_fields(message, {"id": message.id})


def _host_failure(message: Failure) -> dict[str, Any]:
    return {"cmd": "$/reply", "params": _failure_fields(message, {"call": message.id})}


def _event(message: Event) -> dict[str, Any]:
    value = {"cmd": message.topic, "status": "event", "result": message.data}
    if message.call is not None:
        value["call"] = message.call
    return value
