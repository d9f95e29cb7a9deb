"""Embedded Kafka and Redis for the demo and quick tests. Production never imports this."""
