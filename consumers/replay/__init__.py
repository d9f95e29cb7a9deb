"""Replay: topics worked again, without new effects."""
