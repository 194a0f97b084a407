"""JSON-RPC 2.0 (https://www.jsonrpc.org/specification), one message a line.

What the specification leaves open follows the Language Server Protocol, so that its libraries
work: ``$/cancelRequest`` cancels, code -32800 means cancelled, ``$/progress`` carries a token and
a value. Events are notifications; what the backend asks its host are real requests. Everything
else of the native vocabulary keeps its name and parameters, so our own host speaks this too.
"""

from __future__ import annotations

from bridgekit.wire.dialect._batch import Batches
from bridgekit.wire.dialect._rpcerror import WIRE_CODES, failure_from, failure_to
from bridgekit.wire.dialect._vocabulary import malformed
from bridgekit.wire.messages import (
    Cancel,
    Event,
    Failure,
    Request,
    Response,
)
from bridgekit.wire.plain import default_binary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bridgekit.wire.messages import Message

__all__ = ["CODEC", "FRAMING", "Dialect"]

FRAMING = "line"
CODEC = "json"

_IDS = (int, str, float, type(None))
_PLAIN = (dict, list, str, int, float, bool, type(None))
_OURS = {"rpc.discover": "$/describe"}
_CANCEL = ("$/cancelRequest", "$/cancel")
_THEIRS = {"$/describe": "rpc.discover"}
_TOKEN = "workDoneToken"
"""The member of a request's parameters by which clients choose the token of its progress.

Libraries that number requests themselves do not tell their users those numbers.
"""


class Dialect:
    """JSON-RPC as one side speaks and hears it."""

    preamble = b""

    def __init__(self, role: str) -> None:
        self._backend = role == "backend"
        self._batches = Batches()
        self.gather = self._batches.gather
        self._tokens: dict[Any, Any] = {}

    def decode(self, value: Any, out: list[Message]) -> None:
        """Append what ``value``, one message or an array of them, means to ``out``."""
        if type(value) is not list:
            self._decode_one(value, out)
        elif not value:
            out.append(malformed("a batch must not be empty", value, None))
        elif self._backend:
            self._batches.open(value, self._decode_one, out)
        else:
            self._batches.open_answers(value, self._decode_one, out)

    def encode(self, message: Message) -> dict[str, Any] | None:
        """Return the object that means ``message``; None: it has no answer on this wire."""
        if self._tokens and isinstance(message, (Response, Failure)):
            self._tokens.pop(_key(message.id), None)
        if isinstance(message, Response):
            if message.id is None:
                return None
            return {"jsonrpc": "2.0", "id": message.id, "result": message.result}
        if isinstance(message, Failure):
            if message.id is None and message.code not in WIRE_CODES:
                return None  # a notification is not answered, whatever became of it
            call_id = self._batches.wire_id(message.id)
            return {"jsonrpc": "2.0", "id": call_id, "error": failure_to(message)}
        if isinstance(message, Request):
            return self._request(message)
        if isinstance(message, Event):
            if message.topic == "$/progress" and message.call is not None:
                token = self._tokens.get(_key(message.call), message.call)
                return _notification(message.topic, _event_params(message, token))
            return _notification(message.topic, _event_params(message))
        if isinstance(message, Cancel):
            return _notification("$/cancelRequest", {"id": message.id})
        raise TypeError(f"{message!r} cannot be sent")

    def ready(self, info: Any) -> dict[str, Any]:
        """Return the object by which a backend announces itself.

        A notification: a response nobody asked for could meet a client that counts from 0.
        """
        return _notification("$/ready", _event_params(Event("$/ready", info)))

    def _request(self, message: Request) -> dict[str, Any]:
        method = message.method if self._backend else _THEIRS.get(message.method, message.method)
        value = _notification(method, message.params, message.id)
        if message.timeout is not None:
            value["timeout"] = message.timeout
        return value

    def _decode_one(self, value: Any, out: list[Message]) -> None:
        if type(value) is not dict:
            out.append(malformed("a message must be an object", value, None))
            return
        call_id = value.get("id")
        if type(call_id) not in _IDS:
            out.append(malformed('"id" must be text, a number or null', call_id, None))
        elif "method" in value:
            self._decode_call(value, call_id, out)
        elif "error" in value and value["error"] is not None:
            out.append(failure_from(call_id, value["error"]))
        elif "result" in value:
            out.append(Response(call_id, value["result"]))
        else:
            why = 'a message needs "method", "result" or "error"'
            out.append(malformed(why, value, call_id))

    def _decode_call(self, value: dict[str, Any], call_id: Any, out: list[Message]) -> None:
        """A request or a notification."""
        method, params = value["method"], value.get("params")
        why, got = "", None
        if value.get("jsonrpc") != "2.0":
            why, got = 'a request needs "jsonrpc":"2.0"', value.get("jsonrpc")
        elif type(method) is not str:
            why, got = '"method" must be text', method
        elif params is not None and type(params) is not dict and type(params) is not list:
            why, got = '"params" must be an object or an array', params
        if why:
            out.append(malformed(why, got, call_id))
        elif call_id is not None:
            if self._backend and type(params) is dict and type(params.get(_TOKEN)) in (int, str):
                self._tokens[_key(call_id)] = params.pop(_TOKEN)
            out.append(Request(call_id, self._name(method), params, value.get("timeout")))
        elif method in _CANCEL and type(params) is dict and "id" in params:
            out.append(Cancel(params["id"]))
        elif self._backend:
            out.append(Request(None, self._name(method), params, value.get("timeout")))
        else:
            out.append(_event(method, params))

    def _name(self, method: str) -> str:
        return _OURS.get(method, method) if self._backend else method


def _notification(method: str, params: Any, call_id: Any = None) -> dict[str, Any]:
    value = {"jsonrpc": "2.0"}
    if call_id is not None:  # early, where it can be read of a frame that is too large
        value["id"] = call_id
    value["method"] = method
    if params is not None:
        value["params"] = params
    return value


def _key(call_id: Any) -> Any:
    return type(call_id), repr(call_id)  # 1, 1.0 and "1" are three ids


def _event_params(event: Event, token: Any = None) -> Any:
    """Parameters must be an object: one that is data goes as it is, anything else inside one."""
    data, call = event.data, event.call
    if type(data) not in _PLAIN:
        try:
            data = default_binary(data)
        except TypeError:
            pass  # the codec will say what is wrong with it, and where
    if call is None:
        if data is None or (type(data) is dict and not _is_wrapped(event.topic, data)):
            return data
        return {"data": data}
    if event.topic == "$/progress":
        return {"token": token, "value": data}
    return {"data": data, "call": call}


def _event(topic: str, params: Any) -> Event | Response:
    data, call = params, None
    if type(params) is dict:
        if topic == "$/progress" and "token" in params:
            data, call = params.get("value"), params["token"]
        elif _is_wrapped(topic, params):
            data, call = params["data"], params.get("call")
    return Response(0, data) if topic == "$/ready" else Event(topic, data, call)


def _is_wrapped(topic: str, params: dict[Any, Any]) -> bool:
    """Whether an object says where data and call stand; data that looks like it is wrapped."""
    if topic == "$/progress" and "token" in params:
        return True
    return "data" in params and len(params) == 1 + ("call" in params)
