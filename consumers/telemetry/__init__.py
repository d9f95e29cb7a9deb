"""Metrics and logs: one table of metric names, one JSON log format."""
