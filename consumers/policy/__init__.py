"""Deterministic rules around the model. Pure: no I/O."""
