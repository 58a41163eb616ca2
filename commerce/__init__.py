"""The shop on PostgreSQL: its model, its reads, and the projector that fills it from the stream."""
