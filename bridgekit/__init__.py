"""bridgekit runs Python backends in processes of their own, for hosts in any language.

Backend authors subclass :class:`PythonBridge`; Python hosts use :class:`ProcessManager`, or the
same names without ``await`` from :mod:`bridgekit.blocking`. Names load their rooms on first use,
because a backend process must not pay for the host's side.
"""

from __future__ import annotations

from bridgekit._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from bridgekit.backend.bridge import PythonBridge
    from bridgekit.backend.call import current_call
    from bridgekit.backend.expose import expose, hidden
    from bridgekit.errors import (
        BackendDied,
        BackendError,
        BackendStartError,
        BridgeError,
        CallCancelled,
        CallError,
        CallTimeout,
        Cancelled,
        DecodeError,
        EncodeError,
        FrameTooLarge,
        InvalidParams,
        MethodNotFound,
        ProtocolError,
        QueueFull,
        RemoteError,
        RestartLimitReached,
        VersionMismatch,
    )
    from bridgekit.host.interpreters import has_python, python_version
    from bridgekit.host.manager import ProcessManager
    from bridgekit.host.plugins import plugins
    from bridgekit.policy.restart import RestartPolicy
    from bridgekit.policy.spec import BackendSpec

_ROOMS = {
    "bridgekit.backend.bridge": ("PythonBridge",),
    "bridgekit.backend.call": ("current_call",),
    "bridgekit.backend.expose": ("expose", "hidden"),
    "bridgekit.errors": (
        "BackendDied",
        "BackendError",
        "BackendStartError",
        "BridgeError",
        "CallCancelled",
        "CallError",
        "CallTimeout",
        "Cancelled",
        "DecodeError",
        "EncodeError",
        "FrameTooLarge",
        "InvalidParams",
        "MethodNotFound",
        "ProtocolError",
        "QueueFull",
        "RemoteError",
        "RestartLimitReached",
        "VersionMismatch",
    ),
    "bridgekit.host.interpreters": ("has_python", "python_version"),
    "bridgekit.host.manager": ("ProcessManager",),
    "bridgekit.policy.restart": ("RestartPolicy",),
    "bridgekit.host.plugins": ("plugins",),
    "bridgekit.policy.spec": ("BackendSpec",),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "BackendDied",
    "BackendError",
    "BackendSpec",
    "BackendStartError",
    "BridgeError",
    "CallCancelled",
    "CallError",
    "CallTimeout",
    "Cancelled",
    "DecodeError",
    "EncodeError",
    "FrameTooLarge",
    "InvalidParams",
    "MethodNotFound",
    "ProcessManager",
    "ProtocolError",
    "PythonBridge",
    "QueueFull",
    "RemoteError",
    "RestartLimitReached",
    "RestartPolicy",
    "VersionMismatch",
    "__version__",
    "current_call",
    "expose",
    "has_python",
    "hidden",
    "plugins",
    "python_version",
]


def __getattr__(name: str) -> Any:
    room = _HOME.get(name)
    if room is None:
        raise AttributeError(f"module 'bridgekit' has no attribute {name!r}")
    value = getattr(__import__(room, fromlist=[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
