"""Tools that models call: those of the web and of MCP servers, the list of servers, connections and calls."""
