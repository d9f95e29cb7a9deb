"""What a session remembers and how its journal is laid out. Pure: no I/O."""
