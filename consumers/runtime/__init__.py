"""The Kafka runtime: records in, key order kept, offsets committed only behind finished work."""
