"""Change events of Debezium (https://debezium.io/documentation/reference/stable/): read, never written."""
