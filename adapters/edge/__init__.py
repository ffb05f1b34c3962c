"""The edge: HTTP in, Kafka out. Nothing is answered before Kafka has it."""
