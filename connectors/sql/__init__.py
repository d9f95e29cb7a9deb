"""What databases have in common: statements as actions, the guard of a free SELECT, rows as JSON."""
