"""The social graph on MongoDB: its model, its reads, and the projector that fills it from the stream."""
