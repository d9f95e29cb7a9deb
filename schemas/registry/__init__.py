"""Where schemas live: the port, files in a folder, and a registry over HTTP."""
