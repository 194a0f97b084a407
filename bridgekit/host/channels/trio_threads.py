"""trio where it cannot watch pipes (Windows)."""

from __future__ import annotations

from bridgekit.host.channels import threads, trio

__all__ = ["Channel"]


class Channel(threads.ThreadedPipes, trio.Channel):
    """One child's pipes, read and written by threads, in a trio run."""
