"""Tools of MCP servers: the list of servers, connections to them, and calls of their tools."""
