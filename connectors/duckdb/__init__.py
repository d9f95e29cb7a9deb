"""DuckDB: named reads and guarded ones of a warehouse in a file."""
