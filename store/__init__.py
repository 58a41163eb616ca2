"""The kernel: what lives in Redis, as `ingest` writes it and `query` reads it."""
