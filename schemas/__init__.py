"""What is said: envelopes, outcomes, approvals, steps, their Avro schemas, codecs and topics."""
