"""MCP servers as connectors: tools listed one by one in the configuration, their definitions pinned."""
