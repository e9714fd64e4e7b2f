"""A real MCP server, on stdio, or over HTTP with ``--http PORT``."""

import base64
import os
import sys
import time

import uvicorn
from mcp.server.mcpserver import Image, MCPServer
from mcp_types import CallToolResult, EmbeddedResource, TextContent, TextResourceContents

server = MCPServer("rig")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def picture() -> Image:
    """Return a picture."""
    return Image(data=base64.b64decode("iVBORw0KGgo="), format="png")


@server.tool()
def record() -> CallToolResult:
    """Return text and a resource."""
    resource = TextResourceContents(uri="note://1", text="from a resource")
    return CallToolResult(
        content=[TextContent(text="one"), EmbeddedResource(resource=resource)], structured_content={"n": 1}
    )


@server.tool()
def fail() -> str:
    """Report an error."""
    raise ValueError("no such city")


@server.tool()
def wait(seconds: float) -> str:
    """Take a while."""
    time.sleep(seconds)
    return "done"


@server.tool()
def variable(name: str) -> str:
    """Return a variable of the environment."""
    return os.environ.get(name, "")


if __name__ == "__main__":
    if "--http" in sys.argv:
        uvicorn.run(server.streamable_http_app(), port=int(sys.argv[-1]), log_level="critical")
    else:
        server.run()
