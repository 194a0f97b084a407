"""The MCP SDK's child: a server with one tool on stdin and stdout."""

from __future__ import annotations

import logging

from mcp.server import MCPServer

logging.disable(logging.INFO)
server = MCPServer("bench")


@server.tool()
def echo(value: str) -> str:
    """Give the value back."""
    return value


if __name__ == "__main__":
    server.run()
