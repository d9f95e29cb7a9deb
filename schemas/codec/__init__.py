"""Bytes to envelopes and messages to bytes: Avro, JSON, CloudEvents; `records` is the one entry."""
