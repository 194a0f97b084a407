"""asyncio where it cannot watch pipes (Windows)."""

from __future__ import annotations

from bridgekit.host.channels import asyncio, threads

__all__ = ["Channel"]


class Channel(threads.ThreadedPipes, asyncio.Channel):
    """One child's pipes, read and written by threads, on an asyncio event loop."""
