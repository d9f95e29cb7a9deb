"""Actions that are statements of a database."""
