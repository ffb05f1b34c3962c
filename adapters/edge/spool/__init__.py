"""The spool: what the edge was given while Kafka is away, on the disk of this machine until Kafka has it."""
