"""Real adapters for the ports: Redis, the OpenAI API, Kafka, open connectors."""
