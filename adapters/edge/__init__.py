"""The edge: HTTP in, Kafka out. Nothing is answered before Kafka or the local spool has it."""
