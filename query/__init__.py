"""Question to answer: what reads Redis."""
