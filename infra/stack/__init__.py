"""The local stack: real Kafka and MySQL / MariaDB, simulator, edge and workers, supervised, on loopback."""
