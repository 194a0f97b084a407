"""The version of the distribution ``bridgekit-ipc``."""

__version__ = "0.1.0"
