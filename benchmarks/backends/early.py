"""A backend that is stuck between its imports and its handshake."""

import time

from bridgekit import PythonBridge  # noqa: F401

time.sleep(600)
