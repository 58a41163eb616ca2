"""Socket to journal to Redis: what takes events in."""
