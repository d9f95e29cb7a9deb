"""Systems that are called by JSON-RPC or XML-RPC behind a login: their sessions, and their errors inside of HTTP 200."""
