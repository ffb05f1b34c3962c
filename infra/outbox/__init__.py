"""The relay of a producer's transactional outbox."""
